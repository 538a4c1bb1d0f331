"""Paths and methods that are not ours answer in the one shape, with `Allow` where it is due."""

from __future__ import annotations

import pytest

from tests.client import API
from tests.integration.helpers import exchange, refusal

ALLOWED = {
    "/oauth/token": "POST",
    "/accounts/wxapp": "POST",
    "/accounts/me": "GET, PUT, DELETE",
    "/.well-known/jwks.json": "GET",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
}
NOT_OURS = (
    "/oauth",
    "/oauth/token/",
    "/oauth//token",
    "/OAuth/Token",
    "/oauth/token.json",
    "/oauth/../oauth/token",
    "/accounts/me/x",
    "/.well-known/",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/\u4f60".encode().decode("latin-1"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW")


@pytest.mark.parametrize("path", ALLOWED)
async def test_a_method_that_a_path_does_not_have_is_refused_and_allow_names_the_others(
    api: API, path: str
) -> None:
    for method in METHODS:
        if method in ALLOWED[path].split(", "):
            continue
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
        if method == "HEAD":
            status, headers, body = await exchange(api.base_url, request)
            assert (status, headers["Allow"], body) == (405, ALLOWED[path], b"")
            continue
        reply = await refusal(api.base_url, request)
        assert (reply.status, reply.error) == (405, "method_not_allowed")
        assert reply.headers["Allow"] == ALLOWED[path]
    assert api.stand_in.calls.total == 0


async def test_a_path_that_is_not_ours_is_not_found_whatever_the_method(api: API) -> None:
    for path in NOT_OURS:
        for method in METHODS:
            request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
            if method == "HEAD":
                assert (await exchange(api.base_url, request))[0] == 404
                continue
            reply = await refusal(api.base_url, request)
            assert (method, path, reply.status, reply.error) == (method, path, 404, "not_found")
            assert "Allow" not in reply.headers


async def test_a_path_is_not_repeated_in_the_refusal(api: API) -> None:
    reply = await api.get("/<script>alert(1)</script>?code=secret")
    assert reply.status == 404
    assert "alert" not in str(reply.json)
    assert "secret" not in str(reply.json)


async def test_an_upgrade_or_an_expectation_changes_nothing(api: API) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert (await exchange(api.base_url, request))[0] == 200
