"""Carry calls to WeChat: kept-alive connections, a bounded number at once, a deadline, and one retry where it is safe.

Knows no call in particular. AppSecrets, codes and tokens travel in query strings and bodies, so no URL, no body and no
text of an HTTP error is ever logged here, only its kind.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import aiohttp

from passport.config import App, WeChat
from passport.errors import PassportError, ServerMisconfigured, TemporarilyUnavailable
from passport.wechat.breaker import Breaker
from passport.wechat.errcodes import BUSY, Meanings, meaning_of
from passport.wechat.health import Health

log = logging.getLogger("wxpassport.wechat")

T = TypeVar("T")

_BODY_LIMIT = 64 * 1024
# A rush of first visits is answered rather than shed; R-001 wants a thousand at once on the default settings.
_QUEUE_PER_SLOT = 10
# Of the time-out, what a call that waited for its place still has to itself.
_OWN_TIME = 1.0
_BUSY_PAUSE = 0.2
_ERRMSG_LIMIT = 300
# 2021 and later: `…, rid: 652d44d0-1d0af18b-5b069232`; before: `…, hints: [ req_id: XXXX ]`.
_RID = re.compile(r"\b(?:rid|req_id): *([A-Za-z0-9_-]{1,64})")
# Nothing was sent when one of these is raised, so the code is untouched and the call may be repeated.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class Unanswered(TemporarilyUnavailable):
    """The call was sent and no intelligible answer came back, so WeChat may have spent the code in it."""


class _Busy(Exception):
    """errcode -1: WeChat asks to be called again."""

    def __init__(self, rid: str | None) -> None:
        self.rid = rid


@dataclass(frozen=True)
class Request:
    """One call: where it goes, what it says, and what its errcodes mean.

    `secrets` are blotted out wherever WeChat quotes them; `refused` is the log's words for an errcode.
    """

    method: Literal["GET", "POST"]
    path: str
    meanings: Meanings
    refused: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def _verifying(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Believes the authorities in the file, else the system's: aiohttp has read those, which takes 20 ms and 2 MB."""
    return True if ca_file is None else ssl.create_default_context(cafile=ca_file)


class Transport:
    """The way to WeChat, shared by all calls. Made inside the running event loop."""

    def __init__(self, settings: WeChat, health: Health) -> None:
        self._health = health
        self._base_url = settings.base_url
        self._timeout = settings.timeout.total_seconds()
        self._slots = asyncio.Semaphore(settings.max_in_flight)
        self._waiting, self._queue_length = 0, _QUEUE_PER_SLOT * settings.max_in_flight
        self._own_time = min(_OWN_TIME, self._timeout / 2)
        self._clock = asyncio.get_running_loop().time
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.max_in_flight,
                keepalive_timeout=30,
                ttl_dns_cache=60,
                ssl=_verifying(settings.ca_file),
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

    async def exchange(
        self, app: App, breaker: Breaker, call: Callable[[], Awaitable[T]], *, until: float = float("inf")
    ) -> T:
        """What `call` returns, in a place of its own and within wechat.timeout; it may be made twice.

        Args:
            app: for the log.
            breaker: holds back this kind of call while WeChat does not answer it.
            call: sends one request by `send`.
            until: the event loop's time at which to give up, if that is earlier.

        Raises:
            SlowDown, TemporarilyUnavailable: WeChat or we are too busy; a code in the call is unspent.
            Unanswered: the answer was lost, late or unintelligible; a code in the call may be spent.
            PassportError: whatever the call's errcodes mean.
        """
        end = min(self._clock() + self._timeout, until)
        async with self._slot(breaker, until=end - self._own_time):
            try:
                with self._health.watching(breaker.name, app.appid):
                    async with asyncio.timeout_at(end):
                        answer = await self._tried(app, call)
            except TemporarilyUnavailable as error:
                # An errcode is an answer, -1 too: WeChat lives, and holding calls back would not help it.
                if error.wechat_errcode is None:
                    breaker.failed(self._clock())
                else:
                    breaker.succeeded()
                raise
            except TimeoutError as error:
                breaker.failed(self._clock())
                log.warning("WeChat did not answer in time", extra={"appid": app.appid})
                raise Unanswered from error
            except PassportError:
                breaker.succeeded()
                raise
            breaker.succeeded()
            return answer

    @asynccontextmanager
    async def _slot(self, breaker: Breaker, *, until: float) -> AsyncIterator[None]:
        """A place among the calls in flight; refuses early rather than let a queue grow, or wait for the dead."""
        trying = breaker.is_open
        if not breaker.admits(self._clock()) or self._waiting >= self._queue_length:
            raise TemporarilyUnavailable
        self._waiting += 1
        try:
            if self._slots.locked():
                async with asyncio.timeout_at(until):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()  # at once, and without a timer
        except TimeoutError:
            raise TemporarilyUnavailable from None
        finally:
            self._waiting -= 1
        try:
            if breaker.is_open and not trying:
                raise TemporarilyUnavailable
            yield
        finally:
            self._slots.release()

    async def _tried(self, app: App, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except _NOT_SENT as error:
            log.info(
                "repeating a call that never left", extra={"appid": app.appid, "cause": type(error).__name__}
            )
        except _Busy:
            await asyncio.sleep(_BUSY_PAUSE)
        try:
            return await call()
        except _NOT_SENT as error:
            log.warning("WeChat cannot be reached", extra={"appid": app.appid, "cause": type(error).__name__})
            raise TemporarilyUnavailable from error
        except _Busy as error:
            raise TemporarilyUnavailable(wechat_errcode=BUSY, rid=error.rid) from error

    async def send(self, app: App, request: Request) -> dict[str, Any]:
        """WeChat's answer to this one request: an object that is no refusal. Call it inside of `exchange`."""
        try:
            async with self._http.request(
                request.method,
                self._base_url + request.path,
                params=request.query,
                json=request.body,
                allow_redirects=False,
            ) as response:
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
            raise unintelligible(app, type(error).__name__) from error
        if status != 200:
            raise unintelligible(app, f"HTTP {status}")
        return _understood(app, request, body)


def _understood(app: App, request: Request, body: bytes) -> dict[str, Any]:
    # WeChat labels its JSON text/plain, so the bytes are read whatever the header says.
    try:
        reply: dict[str, Any] = json.loads(body.decode("utf-8"), strict=False)
        errcode = int(reply.get("errcode") or 0)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise unintelligible(app, "not the JSON we know") from error
    if errcode:
        # Whoever answers may quote our call.
        raise _refusal(app, request, errcode, _without(str(reply.get("errmsg", "")), *request.secrets))
    return reply


def _refusal(app: App, request: Request, errcode: int, errmsg: str) -> PassportError | _Busy:
    found = _RID.search(errmsg)
    rid = found[1] if found else None
    if errcode == BUSY:
        return _Busy(rid)
    meaning = meaning_of(errcode, request.meanings)
    log.log(
        logging.ERROR if meaning.operator else logging.INFO,
        request.refused,
        extra={
            "appid": app.appid,
            "wechat_errcode": errcode,
            "errmsg": errmsg[:_ERRMSG_LIMIT],
            "rid": rid,
            "operator_action": meaning.operator,
        },
    )
    return meaning.refusal(
        wechat_errcode=errcode, rid=rid, errmsg=errmsg[:_ERRMSG_LIMIT], retry_after=meaning.retry_after
    )


def unintelligible(app: App, cause: str) -> Unanswered:
    """The refusal for an answer that cannot be used, noted in the log by its kind."""
    log.warning("WeChat's answer is of no use", extra={"appid": app.appid, "cause": cause})
    return Unanswered()


def _without(text: str, *secrets: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]").replace(quote(secret, safe=""), "[secret]")
    return text


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise aiohttp.ClientPayloadError("body over the limit")
    return bytes(body)
