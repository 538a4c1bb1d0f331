"""WeChat's server credential of each app, `wechat_access_token`: one for all processes, fetched by one at a time.

Kept sealed in MongoDB. When WeChat refuses it (40001, 40014, 42001), exactly that one is expired, the next is fetched
once for everybody, and the call is repeated once.

Source: WeChat, auth.getStableAccessToken. A plain call returns the token that is valid now, also when another program
had it refreshed, so that comes first. `force_refresh` voids what others use, is meant for leaks and allowed twenty
times a day, thirty seconds apart, so it is for one case alone: WeChat hands out the very token that it refuses. Two
servers that answered each 40001 by force would void each other's tokens without end.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from passport.clock import Now
from passport.config import App
from passport.errors import AccessTokenRefused, PassportError, TemporarilyUnavailable, catalogue
from passport.locks import KeyedLocks
from passport.records import StoredAccessToken
from passport.sealing import Sealer
from passport.store.wechat_access_tokens import AccessTokenStore
from passport.wechat.client import WeChatAccessToken, WeChatClient

log = logging.getLogger("wxpassport.wechat")

T = TypeVar("T")

# WeChat has the next one ready in the last five minutes, by its clock; the difference is for ours.
RENEWED_BEFORE = timedelta(minutes=4, seconds=30)
FORCED_APART = timedelta(seconds=30)
_POLL = 0.05


class AccessTokens:
    """The credentials of the configured apps.

    Args:
        wechat: gives them.
        store: what all processes know of them.
        sealer: seals and digests them.
        longest_turn: after how long a fetch is taken to belong to a process that died.
        now: the clock.
    """

    def __init__(
        self,
        *,
        wechat: WeChatClient,
        store: AccessTokenStore,
        sealer: Sealer,
        longest_turn: timedelta,
        now: Now,
    ) -> None:
        self._wechat, self._store, self._sealer, self._now = wechat, store, sealer, now
        self._longest_turn = longest_turn
        self._locks = KeyedLocks()

    async def use(self, app: App, call: Callable[[str], Awaitable[T]], *, until: float) -> T:
        """What `call(token)` returns; once more with another token when WeChat refuses the first.

        WeChat looks at the token before anything else, so the repeated call finds its code unspent.

        Args:
            app: whose token it is.
            call: a call that needs the token; raises AccessTokenRefused when that is not accepted.
            until: the event loop's time at which to give up waiting for a token.

        Raises:
            AccessTokenRefused: WeChat refused the second token as well.
            TemporarilyUnavailable, ServerMisconfigured: there is no token to be had.
            StoreUnavailable: MongoDB did not answer.
        """
        token = await self.get(app, until=until)
        try:
            return await call(token)
        except AccessTokenRefused:
            await self._expire(app, token)
        token = await self.get(app, until=until)
        try:
            return await call(token)
        except AccessTokenRefused as error:
            # Not expired: if WeChat is wrong about it, the next call will do; if not, that will expire it.
            log.error(
                "WeChat refuses a fresh access_token",
                extra={
                    "appid": app.appid,
                    "wechat_errcode": error.wechat_errcode,
                    "rid": error.rid,
                    "operator_action": "look for another program that forces refreshes with this AppSecret",
                },
            )
            raise

    async def get(self, app: App, *, until: float) -> str:
        """A token that is valid by our clock. Raises as `use`."""
        stored = await self._store.find(app.appid)
        if self._is_good(stored, before_end=RENEWED_BEFORE):
            return self._open(app, stored)
        if self._is_good(stored):
            return await self._renewed(app, until)
        try:
            async with self._locks.hold(app.appid.encode(), until=until):
                return await self._renewed(app, until)
        except TimeoutError:
            raise TemporarilyUnavailable from None

    async def _renewed(self, app: App, until: float) -> str:
        """The next token, fetched by us or by whoever has the turn; the present one while it is good meanwhile."""
        clock, owner = asyncio.get_running_loop().time, secrets.token_hex(8)
        while True:
            stored, now = await self._store.find(app.appid), self._now()
            if self._is_good(stored, before_end=RENEWED_BEFORE):
                return self._open(app, stored)
            failing = stored.failed_until is not None and now < stored.failed_until
            claimed = None if failing else await self._claim(app, stored, owner, now)
            if claimed is not None:
                return await self._fetch(app, claimed, owner, until)
            if self._is_good(stored):
                return self._open(app, stored)
            if failing:
                raise _failure(stored, now)
            if clock() >= until:
                raise TemporarilyUnavailable
            await asyncio.sleep(_POLL)

    async def _claim(
        self, app: App, stored: StoredAccessToken, owner: str, now: datetime
    ) -> StoredAccessToken | None:
        return await self._store.claim(
            app.appid, seen=stored.digest, owner=owner, now=now, busy_until=now + self._longest_turn
        )

    async def _fetch(self, app: App, stored: StoredAccessToken, owner: str, until: float) -> str:
        try:
            fetched = await self._ask(app, stored, owner, until)
        except PassportError as error:
            await self._store.fail(
                app.appid,
                owner=owner,
                error=error.code,
                wechat_errcode=error.wechat_errcode,
                until=self._now() + timedelta(seconds=error.retry_after or 2),
            )
            if self._is_good(stored):
                return self._open(app, stored)
            raise
        await self._store.keep(
            app.appid,
            owner=owner,
            sealed_token=self._sealer.seal(fetched.token.encode(), context=app.appid.encode()),
            digest=self._digest(app, fetched.token),
            expires_at=self._now() + timedelta(seconds=fetched.expires_in),
        )
        return fetched.token

    async def _ask(self, app: App, stored: StoredAccessToken, owner: str, until: float) -> WeChatAccessToken:
        fetched = await self._wechat.stable_token(app, until=until)
        if not self._is_refused(app, stored, fetched):
            return fetched
        now = self._now()
        if stored.forced_at is None or now - stored.forced_at >= FORCED_APART:
            await self._store.note_force(app.appid, owner=owner, at=now)
            log.warning("forcing a new access_token: WeChat gives one it refuses", extra={"appid": app.appid})
            fetched = await self._wechat.stable_token(app, force_refresh=True, until=until)
        if self._is_refused(app, stored, fetched):
            raise TemporarilyUnavailable(retry_after=int(FORCED_APART.total_seconds()))
        return fetched

    async def _expire(self, app: App, token: str) -> None:
        await self._store.expire(app.appid, digest=self._digest(app, token))

    def _is_good(self, stored: StoredAccessToken, *, before_end: timedelta = timedelta(0)) -> bool:
        return (
            stored.sealed_token is not None
            and stored.expires_at is not None
            and self._now() < stored.expires_at - before_end
        )

    def _is_refused(self, app: App, stored: StoredAccessToken, fetched: WeChatAccessToken) -> bool:
        return stored.refused == self._digest(app, fetched.token)

    def _open(self, app: App, stored: StoredAccessToken) -> str:
        assert stored.sealed_token is not None, "look with _is_good first"
        return self._sealer.unseal(bytes(stored.sealed_token), context=app.appid.encode()).decode()

    def _digest(self, app: App, token: str) -> bytes:
        return self._sealer.digest(app.appid, token)


def _failure(stored: StoredAccessToken, now: datetime) -> PassportError:
    """What the last fetch met, for those who come before it is worth another."""
    refusal = catalogue().get(stored.error or "", TemporarilyUnavailable)
    wait = (stored.failed_until or now) - now
    told_when = refusal.retry_after is not None
    return refusal(
        wechat_errcode=stored.wechat_errcode,
        retry_after=max(1, round(wait.total_seconds())) if told_when else None,
    )
