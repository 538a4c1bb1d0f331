"""Call WeChat: kept-alive connections, a bounded number at once, a deadline, and one retry where it is safe.

Source: WeChat, auth.code2Session. The AppSecret and the code travel in that call's query string, so no URL and no
text of an HTTP error is ever logged here, only its kind.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp

from passport.config import App, WeChat
from passport.errors import PassportError, ServerMisconfigured, TemporarilyUnavailable
from passport.wechat.breaker import Breaker
from passport.wechat.errcodes import BUSY, meaning_of

log = logging.getLogger("wxpassport.wechat")

_BODY_LIMIT = 64 * 1024
# A rush of first visits is answered rather than shed; R-001 wants a thousand at once on the default settings.
_QUEUE_PER_SLOT = 10
# Of the time-out, what a call that waited for its place still has to itself.
_OWN_TIME = 1.0
_BUSY_PAUSE = 0.2
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,128}")
# 2021 and later: `…, rid: 652d44d0-1d0af18b-5b069232`; before: `…, hints: [ req_id: XXXX ]`.
_RID = re.compile(r"\b(?:rid|req_id): *([A-Za-z0-9_-]{1,64})")
# Nothing was sent when one of these is raised, so the code is untouched and the call may be repeated.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@dataclass(frozen=True)
class WeChatSession:
    """What code2session says about a user. `session_key` never leaves the server."""

    openid: str
    unionid: str | None
    session_key: str = field(repr=False)


class Unanswered(TemporarilyUnavailable):
    """The code was sent and no intelligible answer came back, so WeChat may have spent it."""


class _Busy(Exception):
    """errcode -1: WeChat asks to be called again."""

    def __init__(self, rid: str | None) -> None:
        self.rid = rid


class WeChatClient:
    """WeChat's server API for the configured apps. Made inside the running event loop."""

    def __init__(self, settings: WeChat, *, breaker: Breaker | None = None) -> None:
        self._url = f"{settings.base_url}/sns/jscode2session"
        self._timeout = settings.timeout.total_seconds()
        self._slots = asyncio.Semaphore(settings.max_in_flight)
        self._waiting, self._queue_length = 0, _QUEUE_PER_SLOT * settings.max_in_flight
        self._patience = max(self._timeout - _OWN_TIME, self._timeout / 2)
        self._breaker = breaker or Breaker()
        self._clock = asyncio.get_running_loop().time
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.max_in_flight,
                keepalive_timeout=30,
                ttl_dns_cache=60,
                ssl=ssl.create_default_context(cafile=settings.ca_file),
            ),
            # The total is ours (asyncio.timeout around both tries); `connect` covers DNS, TCP and TLS.
            timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout.total_seconds()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
        )
        # aiohttp repeats a GET whose kept-alive connection broke. That may spend the code twice (40163), so not here;
        # tests/integration/test_wechat_client.py counts the calls, in case a release renames this.
        self._http._retry_connection = False

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def code2session(self, app: App, code: str) -> WeChatSession:
        """Exchange a code of wx.login for the user's openid, unionid and session_key.

        Raises:
            InvalidCode, CodeUsed, UserBlocked: WeChat's verdict on this code.
            SlowDown, TemporarilyUnavailable: WeChat or we are too busy; the code is unspent.
            Unanswered: the answer was lost, late or unintelligible; the code may be spent.
            ServerMisconfigured: WeChat refuses the appid, the AppSecret or this server.
        """
        began = self._clock()
        async with self._slot(until=began + self._patience):
            try:
                async with asyncio.timeout_at(began + self._timeout):
                    session = await self._exchange(app, code)
            except TemporarilyUnavailable as error:
                # An errcode is an answer, -1 too: WeChat lives, and holding calls back would not help it.
                if error.wechat_errcode is None:
                    self._breaker.failed(self._clock())
                else:
                    self._breaker.succeeded()
                raise
            except TimeoutError as error:
                self._breaker.failed(self._clock())
                log.warning("WeChat did not answer in time", extra={"appid": app.appid})
                raise Unanswered from error
            except PassportError:
                self._breaker.succeeded()
                raise
            self._breaker.succeeded()
            return session

    @asynccontextmanager
    async def _slot(self, *, until: float) -> AsyncIterator[None]:
        """A place among the calls in flight; refuses early rather than let a queue grow, or wait for the dead."""
        trying = self._breaker.is_open
        if not self._breaker.admits(self._clock()) or self._waiting >= self._queue_length:
            raise TemporarilyUnavailable
        self._waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise TemporarilyUnavailable from None
        finally:
            self._waiting -= 1
        try:
            if self._breaker.is_open and not trying:
                raise TemporarilyUnavailable
            yield
        finally:
            self._slots.release()

    async def _exchange(self, app: App, code: str) -> WeChatSession:
        try:
            return await self._call(app, code)
        except _NOT_SENT as error:
            log.info(
                "repeating a call that never left", extra={"appid": app.appid, "cause": type(error).__name__}
            )
        except _Busy:
            await asyncio.sleep(_BUSY_PAUSE)
        try:
            return await self._call(app, code)
        except _NOT_SENT as error:
            log.warning("WeChat cannot be reached", extra={"appid": app.appid, "cause": type(error).__name__})
            raise TemporarilyUnavailable from error
        except _Busy as error:
            raise TemporarilyUnavailable(wechat_errcode=BUSY, rid=error.rid) from error

    async def _call(self, app: App, code: str) -> WeChatSession:
        query = {
            "appid": app.appid,
            "secret": app.secret.get_secret_value(),
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            async with self._http.get(self._url, params=query, allow_redirects=False) as response:
                body = await _read_bounded(response)
                status = response.status
        except aiohttp.ClientConnectorCertificateError as error:
            log.error(
                "WeChat's certificate cannot be verified: check wechat.ca_file and the system's authorities"
            )
            raise ServerMisconfigured from error
        except _NOT_SENT:
            raise
        except aiohttp.ClientError as error:
            raise self._unintelligible(app, type(error).__name__) from error
        if status != 200:
            raise self._unintelligible(app, f"HTTP {status}")
        return self._understand(app, code, body)

    def _understand(self, app: App, code: str, body: bytes) -> WeChatSession:
        # WeChat labels its JSON text/plain, so the bytes are read whatever the header says.
        try:
            reply = json.loads(body.decode("utf-8"), strict=False)
            errcode = int(reply.get("errcode") or 0)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise self._unintelligible(app, "not the JSON we know") from error
        if errcode:
            # Whoever answers may quote our call.
            errmsg = _without(str(reply.get("errmsg", "")), app.secret.get_secret_value(), code)
            raise self._refusal(app, errcode, errmsg)
        openid, session_key = reply.get("openid"), reply.get("session_key")
        if not _is_identifier(openid) or not isinstance(session_key, str) or not 0 < len(session_key) <= 128:
            raise self._unintelligible(app, "no openid or session_key")
        unionid = reply.get("unionid")
        return WeChatSession(openid, unionid if _is_identifier(unionid) else None, session_key)

    def _refusal(self, app: App, errcode: int, errmsg: str) -> PassportError | _Busy:
        found = _RID.search(errmsg)
        rid = found[1] if found else None
        if errcode == BUSY:
            return _Busy(rid)
        meaning = meaning_of(errcode)
        log.log(
            logging.ERROR if meaning.operator else logging.INFO,
            "WeChat refused the code",
            extra={
                "appid": app.appid,
                "wechat_errcode": errcode,
                "errmsg": errmsg[:300],
                "rid": rid,
                "operator_action": meaning.operator,
            },
        )
        return meaning.refusal(wechat_errcode=errcode, rid=rid, retry_after=meaning.retry_after)

    def _unintelligible(self, app: App, cause: str) -> Unanswered:
        log.warning("WeChat's answer is of no use", extra={"appid": app.appid, "cause": cause})
        return Unanswered()


def _without(text: str, *secrets: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]").replace(quote(secret, safe=""), "[secret]")
    return text


def _is_identifier(value: Any) -> bool:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise aiohttp.ClientPayloadError("body over the limit")
    return bytes(body)
