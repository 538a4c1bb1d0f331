"""The test client: talks HTTP to the running server and checks what must hold for every answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from sandbox import StandIn
from tests.contract import contract

Credentials = dict[str, str]
# What may be kept for a while by whoever fetches it.
CACHEABLE = ("/.well-known/", "/openapi.json")


@dataclass(frozen=True)
class Reply:
    """An answer of the API."""

    status: int
    headers: Mapping[str, str]
    json: dict[str, Any]

    @property
    def error(self) -> str | None:
        """The machine-readable refusal."""
        return self.json.get("error")


class API:
    """`await api.token(credentials)`; credentials come from `api.wx_login("mei")`."""

    def __init__(self, base_url: str, stand_in: StandIn) -> None:
        self.base_url, self.stand_in = base_url, stand_in
        # aiohttp repeats a GET on a broken connection by itself, which would hide what a test looks for.
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._http._retry_connection = False

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def wx_login(self, person: str | None = None, **options: Any) -> Credentials:
        """What wx.login and wx.getUserInfo give this person; a new visitor without a name."""
        credentials: Credentials = self.stand_in.people.login(person, **options)
        return credentials

    async def token(self, credentials: Mapping[str, Any], **options: Any) -> Reply:
        """POST /oauth/token with a JSON body."""
        return await self.post("/oauth/token", json=credentials, **options)

    async def register(self, credentials: Mapping[str, Any], **options: Any) -> Reply:
        """POST /accounts/wxapp with a JSON body."""
        return await self.post("/accounts/wxapp", json=credentials, **options)

    async def registered(self, person: str) -> str:
        """Make the person a user; their account id."""
        reply = await self.register(self.wx_login(person))
        assert reply.status in (200, 201), reply
        account_id: str = reply.json["account_id"]
        return account_id

    async def signed_in(self, person: str) -> str:
        """Register and sign in the person; their access token."""
        access_token: str = (await self.sign_in(person))["access_token"]
        return access_token

    async def sign_in(self, person: str) -> dict[str, Any]:
        """Register and sign in the person; the whole answer."""
        await self.registered(person)
        reply = await self.token(self.wx_login(person))
        assert reply.status == 200, reply
        return reply.json

    async def refresh(self, refresh_token: str) -> Reply:
        """POST /oauth/token with a refresh token, as a standard client does it."""
        body = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.post("/oauth/token", data=body)

    async def me(self, access_token: str) -> Reply:
        """GET /accounts/me."""
        return await self.get("/accounts/me", headers=bearer(access_token))

    async def get(self, path: str, **options: Any) -> Reply:
        """GET."""
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        """POST; `json=`, or `data=` for a form (mapping) or raw bytes."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Reply:
        """PUT."""
        return await self.request("PUT", path, **options)

    async def delete(self, path: str, **options: Any) -> Reply:
        """DELETE."""
        return await self.request("DELETE", path, **options)

    async def request(self, method: str, path: str, **options: Any) -> Reply:
        """Any request, with the checks."""
        async with self._http.request(
            method, self.base_url + path, allow_redirects=False, **options
        ) as response:
            body, status, headers = await response.read(), response.status, response.headers
        if status == 204:
            assert (body, headers["Cache-Control"]) == (b"", "no-store")
            return Reply(status, headers, {})
        assert headers["Content-Type"] == "application/json; charset=utf-8"
        assert len(headers["X-Request-Id"]) == 16
        assert "Server" not in headers
        if not path.startswith(CACHEABLE) or status != 200:
            assert headers["Cache-Control"] == "no-store"
        answer = json.loads(body)
        if status >= 400 and path not in ("/readyz",):
            check_error_shape(answer, headers)
        contract().check(method, path, status, headers, answer)
        assert '"session_key"' not in body.decode()
        return Reply(status, headers, answer)


def bearer(access_token: str) -> dict[str, str]:
    """The header that carries it."""
    return {"Authorization": f"Bearer {access_token}"}


def check_error_shape(answer: dict[str, Any], headers: Mapping[str, str]) -> None:
    """One shape for every refusal (RFC 6749 section 5.2: the description is printable ASCII without quotes)."""
    always, sometimes = (
        {"error", "error_description", "hint", "request_id"},
        {"wechat_errcode", "reason", "until", "policy_version", "policy_url"},
    )
    assert always <= answer.keys() <= always | sometimes
    assert answer["request_id"] == headers["X-Request-Id"]
    assert all(" " <= each <= "~" and each not in '"\\' for each in answer["error_description"])
    assert answer["hint"]
