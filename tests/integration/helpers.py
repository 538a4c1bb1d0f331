"""What several integration tests need beside the fixtures: made-up people, raw HTTP, changed configurations."""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from sandbox import StandIn, payloads
from tests.client import Credentials, Reply, check_error_shape
from tests.conftest import APP_SECRET, APPID
from tests.wire import answer_to

OTHER_APPID = "wx00000000000000a2"
OTHER_SECRET = "a7c3e9d15b8f4260c1e7d3a9f5b80246"
KEY = "tiihtNczf5v6AKRyjwEUhQ=="
MEIS_PROFILE = {"nickName": "小美", "avatarUrl": "https://thirdwx.qlogo.cn/mmopen/vi_32/mei/132"}
ANONYMOUS = {"nickName": "微信用户", "avatarUrl": payloads.GREY_AVATAR}


def configured(
    stand_in: StandIn, *, apps: list[dict[str, str]] | None = None, **wechat: Any
) -> dict[str, Any]:
    """The configuration of the tests with these `wechat` keys changed."""
    only_app = {"appid": APPID, "secret": APP_SECRET}
    return {"wechat": {"base_url": stand_in.base_url, "timeout": "2s", "apps": apps or [only_app], **wechat}}


def with_two_apps(stand_in: StandIn, **wechat: Any) -> dict[str, Any]:
    """Two mini-programs of one Open Platform account, known to WeChat and to the server."""
    stand_in.people.apps[OTHER_APPID] = OTHER_SECRET
    apps = [{"appid": APPID, "secret": APP_SECRET}, {"appid": OTHER_APPID, "secret": OTHER_SECRET}]
    return configured(stand_in, apps=apps, **wechat)


def sealed(
    stand_in: StandIn, plaintext: bytes, *, openid: str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
) -> Credentials:
    """A code that WeChat answers with this openid, and these very bytes encrypted for it."""
    code = secrets.token_hex(16)
    stand_in.people.script(code, openid, KEY)
    return {"code": code} | payloads.encrypt(plaintext, KEY)


def the_three(credentials: Mapping[str, str]) -> Credentials:
    """code, encryptedData and iv alone."""
    return {name: credentials[name] for name in ("code", "encryptedData", "iv")}


@dataclass(frozen=True)
class Client:
    """A resource server with its secret."""

    id: str
    secret: str

    @property
    def basic(self) -> dict[str, str]:
        """The header by which it says who it is (RFC 6749 section 2.3.1)."""
        return basic(f"{quote_plus(self.id)}:{quote_plus(self.secret)}")


def basic(text: str) -> dict[str, str]:
    """HTTP Basic over any text."""
    return {"Authorization": f"Basic {b64encode(text.encode()).decode()}"}


async def exchange(
    base_url: str, request: bytes, *, more: bytes = b""
) -> tuple[int, Mapping[str, str], bytes]:
    """Send these bytes and read one answer to its end, for what no client library would send or show.

    `more` is sent again and again until the server answers or closes.
    """
    async with answer_to(base_url, request, more=more) as reader:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        length = 0 if request.startswith(b"HEAD") else int(headers.get("Content-Length", 0))
        return int(head[0].split()[1]), headers, await reader.readexactly(length)


async def refusal(base_url: str, request: bytes, *, more: bytes = b"") -> Reply:
    """The refusal that answers these bytes, in the one shape."""
    status, headers, body = await exchange(base_url, request, more=more)
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    answer = json.loads(body)
    check_error_shape(answer, headers)
    return Reply(status, headers, answer)


async def until(holds: Callable[[], Awaitable[bool]], *, deadline: float = 60) -> None:
    """Ask again and again, and fail when it does not come to hold in time."""
    async with asyncio.timeout(deadline):
        while not await holds():  # noqa: ASYNC110  another process or a clock decides, so there is no event
            await asyncio.sleep(0.02)
