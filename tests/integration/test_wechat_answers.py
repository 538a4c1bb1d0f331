"""Answers that the stand-in never gives: which of them the WeChat client takes for a session, and which for nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from passport.config import App, WeChat
from passport.errors import PassportError, TemporarilyUnavailable
from passport.wechat.client import Unanswered, WeChatClient, WeChatSession
from tests.conftest import APP_SECRET, APPID

SESSION = {"openid": "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "session_key": "tiihtNczf5v6AKRyjwEUhQ=="}
EXPECTED = WeChatSession(SESSION["openid"], None, SESSION["session_key"])


@asynccontextmanager
async def wechat_that_says(body: bytes, *, status: str = "200 OK", headers: str = "") -> AsyncIterator[str]:
    """A server that gives this one answer to every request, at the address it yields."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(base_url: str) -> WeChatSession | PassportError:
    """What the client makes of it."""
    app = App(appid=APPID, secret=APP_SECRET)
    client = WeChatClient(WeChat(base_url=base_url, apps=(app,)))
    try:
        return await client.code2session(app, "some-code")
    except PassportError as error:
        return error
    finally:
        await client.aclose()


def text(answer: Any) -> bytes:
    """As JSON, or as it is when it is bytes."""
    return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


@pytest.mark.parametrize(
    "answer",
    [
        SESSION,
        SESSION | {"errcode": 0, "errmsg": "ok"},
        SESSION | {"errcode": "0"},
        SESSION | {"errcode": None},
        SESSION | {"expires_in": 7200, "unknown": [1]},
        SESSION | {"unionid": ""},
        SESSION | {"unionid": None},
        SESSION | {"unionid": "no unionid: it has spaces"},
    ],
)
async def test_a_session_is_a_session_whatever_else_is_said(answer: Any) -> None:
    async with wechat_that_says(text(answer)) as base_url:
        assert await ask(base_url) == EXPECTED


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json; charset=gbk", "text/html", "image/png", ""]
)
async def test_the_label_of_the_answer_is_not_looked_at(content_type: str) -> None:
    async with wechat_that_says(text(SESSION), headers=f"Content-Type: {content_type}\r\n") as base_url:
        assert await ask(base_url) == EXPECTED


@pytest.mark.parametrize(
    "status", ["201 Created", "302 Found", "404 Not Found", "500 Oops", "502 Bad Gateway"]
)
async def test_a_session_with_another_status_than_200_is_none(status: str) -> None:
    async with wechat_that_says(text(SESSION), status=status) as base_url:
        assert isinstance(await ask(base_url), Unanswered)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"openid": SESSION["openid"]},
        {"session_key": SESSION["session_key"]},
        SESSION | {"openid": ""},
        SESSION | {"openid": "x" * 129},
        SESSION | {"openid": "o'; --"},
        SESSION | {"openid": {"$ne": ""}},
        SESSION | {"openid": SESSION["openid"] + "\n"},
        SESSION | {"session_key": ""},
        SESSION | {"session_key": "k" * 129},
        SESSION | {"session_key": 5},
        SESSION | {"errcode": "many"},
        SESSION | {"errcode": [1]},
        b'{"errcode": 1e999}',
        b'{"errcode": NaN}',
        b"[" * 60_000,
        b"null",
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda answer: repr(answer)[:40],
)
async def test_what_is_neither_a_session_nor_an_errcode_is_no_answer(answer: Any) -> None:
    async with wechat_that_says(text(answer)) as base_url:
        assert isinstance(await ask(base_url), Unanswered)


@pytest.mark.expects_log("WeChat refused the code")
async def test_an_unknown_errcode_wins_over_a_session_beside_it() -> None:
    async with wechat_that_says(text(SESSION | {"errcode": 99999})) as base_url:
        refused = await ask(base_url)
    assert isinstance(refused, TemporarilyUnavailable)
    assert refused.wechat_errcode == 99999
