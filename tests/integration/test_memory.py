"""A refused request leaves nothing behind, so nobody can fill the memory with nonsense."""

from __future__ import annotations

import base64
import gc
import json
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from tornado.httputil import HTTPServerRequest
from tornado.web import RequestHandler

from handlers.bodies import BODY_LIMIT
from passport.errors import PassportError
from tests.client import API, Reply

# pydantic's errors are not among them: the collector cannot see those, only miss what they hold.
KINDS = (PassportError, RequestHandler, HTTPServerRequest)
REFUSALS = 200
# The last request of the open connection, and what the loop still has in hand.
A_FEW = 8
JSON = {"Content-Type": "application/json"}
Refused = Callable[[API], Awaitable[Reply]]


async def a_malformed_field(api: API) -> Reply:
    return await api.token({"code": "0" * 32, "encryptedData": "not base64!", "iv": "nor this!"})


async def a_missing_code(api: API) -> Reply:
    return await api.token({"encryptedData": "AAAAAAAAAAAAAAAAAAAAAA==", "iv": "AAAAAAAAAAAAAAAAAAAAAA=="})


async def bad_json(api: API) -> Reply:
    return await api.post("/oauth/token", data=b'{"code": ', headers=JSON)


async def an_oversized_body(api: API) -> Reply:
    return await api.post("/oauth/token", data=b" " * (BODY_LIMIT + 1), headers=JSON)


async def an_unknown_path(api: API) -> Reply:
    return await api.get("/nothing/here")


def encoded(part: dict[str, str]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


async def a_forged_bearer(api: API) -> Reply:
    jwks = await api.get("/.well-known/jwks.json")
    kid = jwks.json["keys"][0]["kid"]
    forged = f"{encoded({'alg': 'ES256', 'typ': 'at+jwt', 'kid': kid})}.{encoded({'sub': 'mei'})}.{'A' * 86}"
    return await api.get("/accounts/me", headers={"Authorization": f"Bearer {forged}"})


def alive() -> Counter[str]:
    """How many of each kind there are. By type, since an isinstance would ask proxies what they stand for."""
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if issubclass(type(each), KINDS))


@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (a_malformed_field, "invalid_request"),
        (a_missing_code, "invalid_request"),
        (bad_json, "invalid_request"),
        (an_oversized_body, "payload_too_large"),
        (an_unknown_path, "not_found"),
        (a_forged_bearer, "invalid_token"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_a_refused_request_leaves_nothing_behind(api: API, refused: Refused, error: str) -> None:
    for _ in range(10):
        assert (await refused(api)).error == error
    before = alive()
    for _ in range(REFUSALS):
        await refused(api)
    more = alive() - before
    assert more.total() <= A_FEW, more
    assert api.stand_in.calls.total == 0
