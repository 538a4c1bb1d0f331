"""Bearer tokens row by row (R-044, RFC 6750 sections 2 and 3): how a token is sent, and the one right challenge.

Sections 2.2 and 2.3, a token in a form or in the URI, are optional and not offered: there, a token is none. No token of
ours has a scope, so `insufficient_scope` has no row. Two tokens in two headers are none that could be chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from multidict import CIMultiDict

from passport.services import Services
from tests.client import API, bearer
from tests.conftest import Clock
from tests.security.conftest import Tokens
from tests.security.hostile_bodies import FORM
from tests.security.targets import Target, for_a_bearer

ME = "/accounts/me"
# Section 3.1: whoever sent no token learns the scheme and no error.
NO_TOKEN, BAD_TOKEN = 'Bearer realm="wxpassport"', 'Bearer realm="wxpassport", error="invalid_token"'
PLAIN, BAD, GOOD = (401, NO_TOKEN), (401, BAD_TOKEN), (200, None)
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Row:
    """One request, with TOKEN for mei's access token, and the answer: the status and the challenge."""

    name: str
    headers: Headers
    expected: tuple[int, str | None]
    query: str = ""
    method: str = "GET"
    data: str | None = None
    more: Headers = field(default_factory=list)


def auth(*values: str) -> Headers:
    return [("Authorization", value) for value in values]


ROWS = [
    Row("a token", auth("Bearer TOKEN"), GOOD),
    Row("the scheme in lower case (RFC 9110 11.1)", auth("bearer TOKEN"), GOOD),
    Row("several spaces (RFC 9110 11.4)", auth("Bearer   TOKEN"), GOOD),
    Row("no header", [], PLAIN),
    Row("an empty header", auth(""), PLAIN),
    Row("another scheme", auth("Basic TOKEN"), PLAIN),
    Row("a scheme of ours for other things", auth("WeChat TOKEN"), PLAIN),
    Row("the token without a scheme", auth("TOKEN"), PLAIN),
    Row("the scheme joined to the token", auth("BearerTOKEN"), PLAIN),
    Row("the scheme with a colon", auth("Bearer: TOKEN"), PLAIN),
    Row("the scheme alone", auth("Bearer"), BAD),
    Row("the scheme and a space", auth("Bearer "), BAD),
    Row("the token quoted", auth('Bearer "TOKEN"'), BAD),
    Row("the token as a parameter", auth("Bearer token=TOKEN"), BAD),
    Row("the token and a parameter", auth("Bearer TOKEN, realm=x"), BAD),
    Row("two tokens in one header", auth("Bearer TOKEN TOKEN"), BAD),
    Row("two tokens, listed", auth("Bearer TOKEN, Bearer TOKEN"), BAD),
    Row("two headers", auth("Bearer TOKEN", "Bearer TOKEN"), BAD),
    Row("two headers, one of another scheme", auth("Basic TOKEN", "Bearer TOKEN"), BAD),
    Row("two headers, one empty", auth("", "Bearer TOKEN"), BAD),
    Row("the last letter missing", auth("Bearer CUT"), BAD),
    Row("a refresh token", auth("Bearer REFRESH"), BAD),
    Row("in the URI alone (2.3)", [], PLAIN, query="?access_token=TOKEN"),
    Row("in the URI beside a bad one", auth("Bearer x"), BAD, query="?access_token=TOKEN"),
    Row("in the form alone (2.2)", [], PLAIN, method="PUT", data="access_token=TOKEN"),
    Row("in the form beside a bad one", auth("Bearer x"), BAD, method="PUT", data="access_token=TOKEN"),
    Row("in a cookie", [("Cookie", "access_token=TOKEN; Authorization=Bearer TOKEN")], PLAIN),
    Row("in Proxy-Authorization", [("Proxy-Authorization", "Bearer TOKEN")], PLAIN),
    Row("in X-Access-Token", [("X-Access-Token", "TOKEN")], PLAIN),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_row(api: API, database: Any, tokens: Tokens, row: Row) -> None:
    def filled(text: str) -> str:
        access = tokens["access_token"]
        return (
            text.replace("TOKEN", access)
            .replace("CUT", access[:-1])
            .replace("REFRESH", tokens["refresh_token"])
        )

    before = list(database.users.find())
    headers = CIMultiDict([(name, filled(value)) for name, value in row.headers])
    options: dict[str, Any] = {"data": filled(row.data).encode()} if row.data else {}
    if row.data:
        headers["Content-Type"] = FORM
    reply = await api.request(row.method, ME + filled(row.query), headers=headers, **options)
    assert (reply.status, reply.headers.get("WWW-Authenticate")) == row.expected
    assert reply.error == (None if row.expected == GOOD else "invalid_token")
    assert list(database.users.find()) == before


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize("route", for_a_bearer(), ids=str)
async def test_every_bearer_route_challenges_whoever_brings_no_token_before_it_reads_their_body(
    api: API, route: Target
) -> None:
    for body in (b"", b"{", b'{"code":1}'):
        reply = await api.request(route.method, route.path, data=body, headers={"Content-Type": FORM})
        assert (reply.status, reply.headers["WWW-Authenticate"]) == PLAIN


@pytest.mark.parametrize("route", for_a_bearer(), ids=str)
async def test_a_banned_user_is_forbidden_everywhere_and_their_token_is_not_called_bad(
    api: API, services: Services, tokens: Tokens, route: Target
) -> None:
    """403 without a challenge: another token of the same user would do no better (RFC 6750 section 3.1)."""
    assert await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    reply = await api.request(route.method, route.path, headers=bearer(tokens["access_token"]))
    assert (reply.status, reply.error) == (403, "account_disabled")
    assert "WWW-Authenticate" not in reply.headers


async def test_a_challenge_says_nothing_of_why_a_token_is_bad(
    api: API, services: Services, tokens: Tokens, clock: Clock
) -> None:
    """Expired, ended and never made look alike from outside."""
    told = set()
    await services.sessions.revoke(tokens["refresh_token"])
    for token in (tokens["access_token"], "x", tokens["access_token"][:-1]):
        reply = await api.me(token)
        told.add((reply.headers["WWW-Authenticate"], reply.json["error_description"], reply.json["hint"]))
    clock.advance(hours=2)
    reply = await api.me(tokens["access_token"])
    told.add((reply.headers["WWW-Authenticate"], reply.json["error_description"], reply.json["hint"]))
    assert len(told) == 1
