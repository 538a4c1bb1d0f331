"""GET /openapi.json over HTTP: what it says, how it may be kept, and that what is undocumented does not pass."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.client import API
from tests.contract import Undocumented, contract


async def test_it_is_served_and_names_the_operations(api: API) -> None:
    reply = await api.get("/openapi.json")
    assert (reply.status, reply.json["openapi"]) == (200, "3.1.0")
    assert {"/oauth/token", "/accounts/wxapp", "/openapi.json"} <= reply.json["paths"].keys()
    assert reply.headers["Cache-Control"] == "public, max-age=300"


async def test_who_has_it_already_gets_304(api: API) -> None:
    etag = (await api.get("/openapi.json")).headers["Etag"]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{api.base_url}/openapi.json", headers={"If-None-Match": etag}) as response,
    ):
        assert (response.status, await response.read()) == (304, b"")


async def test_what_must_not_be_stored_has_no_etag(api: API) -> None:
    assert "Etag" not in (await api.get("/healthz")).headers


ERROR = {"error_description": "x", "hint": "x", "request_id": "0" * 16}


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (("POST", "/oauth/token", 418, {}, {}), "this status is not documented"),
        (("POST", "/oauth/token", 403, {}, {**ERROR, "error": "weather"}), "weather"),
        (("POST", "/oauth/token", 401, {}, {**ERROR, "error": "invalid_code"}), "invalid_code"),
        (("POST", "/oauth/token", 403, {}, {"error": "invalid_code"}), "required"),
        (
            ("POST", "/oauth/token", 403, {"Retry-After": "2"}, {**ERROR, "error": "invalid_code"}),
            "Retry-After",
        ),
        (("POST", "/oauth/token", 403, {}, {**ERROR, "error": "invalid_code", "openid": "x"}), "openid"),
        (("GET", "/healthz", 200, {}, {"status": "well"}), "status"),
        (("GET", "/healthz", 200, {}, {"status": "ok", "more": 1}), "more"),
        (("GET", "/nothing", 200, {}, {"status": "ok"}), "no such operation"),
        (("PUT", "/healthz", 403, {}, {**ERROR, "error": "invalid_code"}), "no such operation"),
        (
            (
                "GET",
                "/accounts/me",
                200,
                {},
                {"account_id": "x", "created_at": "2026-03-01T08:30:00Z", "profile": {"phone": "x"}},
            ),
            "phone",
        ),
        (
            ("GET", "/accounts/me", 200, {}, {"account_id": "x", "created_at": "yesterday", "profile": {}}),
            "created_at",
        ),
    ],
)
def test_an_answer_outside_the_document_is_told(answer: Any, complaint: str) -> None:
    method, path, status, headers, body = answer
    with pytest.raises(Undocumented, match=complaint):
        contract().check(method, path, status, {"Content-Type": "application/json", **headers}, body)


def test_an_undocumented_media_type_is_told() -> None:
    with pytest.raises(Undocumented, match="text/html"):
        contract().check("GET", "/healthz", 200, {"Content-Type": "text/html"}, "ok")
