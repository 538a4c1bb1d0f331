"""Do what WeChat's pushes ask for: erase what a user took back, close an account. Knows no HTTP.

Every effect is idempotent and comes before its receipt, so a crash in between repeats it and never loses it. A receipt
makes a repeated push do nothing: what the user entered in the meantime is not erased again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from passport.attempts import learnt
from passport.clock import Now
from passport.config import App
from passport.errors import Hint, NotFound, PushRefused, StoreUnavailable
from passport.models import Identity, User
from passport.records import PushReceipt
from passport.sealing import Sealer
from passport.store.erasure import ErasureStore
from passport.store.push_receipts import PushReceiptStore
from passport.store.push_signatures import PushSignatureStore
from passport.store.users import UserStore
from passport.wechat.pushes import (
    CANCELLED,
    FRESHNESS,
    MODIFIED,
    Channel,
    Envelope,
    Push,
    aes_key_of,
    echo,
    read_push,
)

log = logging.getLogger("wxpassport.pushes")

# WeChat cuts a push off after five seconds, and what it heard by then counts.
PATIENCE = 4.0

NICKNAME = ("nickname",)
AVATAR = ("avatar_url", "avatar")
PHONE = ("phone",)
# RevokeInfo (WeChat, 授权用户信息变更). The other kinds, such as invoices or the microphone, are nothing that we keep.
NAMED: Mapping[int, tuple[str, ...]] = {6: NICKNAME + AVATAR, 8: PHONE, 19: NICKNAME, 20: AVATAR}

_NOT_EXPECTED = Hint(
    zh="服务器没有为该 appid 配置消息推送：请在 wechat.apps 中为它加上 push。",
    en="This server expects no pushes for this appid: add push to it in wechat.apps.",
)


class Closing(Protocol):
    """Closes accounts."""

    async def close(self, user: User, *, by: str) -> object:
        """Erase the account for good. Safe to repeat, also at the same time elsewhere."""


class PushEvents:
    """What WeChat tells about users.

    Args:
        apps: the configured mini-programs; those with `push` are listened to.
        users: finds whom a push is about.
        erasure: erases named members.
        closing: closes accounts.
        receipts: remembers what was handled.
        signatures: remembers what plain signatures came with.
        sealer: digests what a receipt is found by.
        now: the clock.
    """

    def __init__(
        self,
        *,
        apps: Sequence[App],
        users: UserStore,
        erasure: ErasureStore,
        closing: Closing,
        receipts: PushReceiptStore,
        signatures: PushSignatureStore,
        sealer: Sealer,
        now: Now,
    ) -> None:
        self._channels = {app.appid: channel for app in apps if (channel := _channel(app))}
        self._users, self._erasure, self._closing = users, erasure, closing
        self._receipts, self._signatures = receipts, signatures
        self._sealer, self._now = sealer, now

    async def echo(self, appid: str, envelope: Envelope, echostr: str) -> str:
        """The answer to the console's check of the address.

        Raises:
            NotFound: no such app, or it has no `push`.
            PushRefused: the check is not WeChat's.
            StoreUnavailable: MongoDB does not answer.
        """
        channel = self._listened(appid)
        try:
            answer = echo(channel, envelope, echostr, now=self._now())
            await self._claim(envelope, self._sealer.digest("echo"))
        except PushRefused as refusal:
            _log_refusal(appid, refusal)
            raise
        return answer

    async def handle(self, appid: str, envelope: Envelope, body: bytes) -> None:
        """Do what the push asks for, once.

        Raises:
            NotFound: no such app, or it has no `push`.
            PushRefused: the push is not WeChat's.
            StoreUnavailable: not done, or not known to be; WeChat repeats the push.
        """
        channel = self._listened(appid)
        try:
            push = read_push(channel, envelope, body, now=self._now())
            if push is not None and push.plain:
                await self._claim(envelope, self._sealer.digest(*push.identity))
        except PushRefused as refusal:
            _log_refusal(appid, refusal)
            raise
        if push is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._once(appid, push)
        except TimeoutError as error:
            raise StoreUnavailable from error

    async def _claim(self, envelope: Envelope, push: bytes) -> None:
        """A plain signature covers no body, so it is good for the one it first came with."""
        signature = self._sealer.digest(envelope.timestamp, envelope.nonce, envelope.signature)
        # Fresh both ways: what comes from a clock ahead of ours is fresh for twice as long.
        expires_at = self._now() + 2 * FRESHNESS
        if not await self._signatures.claim(signature, push=push, expires_at=expires_at):
            raise PushRefused("a signature that came with another push")

    def _listened(self, appid: str) -> Channel:
        if appid not in self._channels:
            raise NotFound(hint=_NOT_EXPECTED)
        learnt(appid=appid)
        return self._channels[appid]

    async def _once(self, appid: str, push: Push) -> None:
        digest = self._sealer.digest(*push.identity)
        if await self._receipts.exists(digest):
            return
        user = await self._users.find_by_identity(Identity(appid, push.openid)) if push.openid else None
        outcome = await self._apply(push, user) if user else "no_account"
        receipt = PushReceipt(
            digest=digest,
            appid=appid,
            event=push.event,
            kinds=push.kinds,
            account_id=user.user_id if user else None,
            at=self._now(),
            outcome=outcome,
        )
        await self._receipts.keep(receipt, decisive=outcome in ("erased", "closed"))
        told = {"appid": appid, "event": push.event, "kinds": list(push.kinds), "outcome": outcome}
        log.info("push handled", extra={**told, "account_id": receipt.account_id})

    async def _apply(self, push: Push, user: User) -> str:
        """The outcome: closed, erased, or unchanged when we held nothing of it."""
        if push.event == CANCELLED:
            await self._closing.close(user, by="wechat")
            return "closed"
        # WeChat cleaned a nickname or an avatar and does not say which, so both go.
        named = NICKNAME + AVATAR if push.event == MODIFIED else _named(push.kinds)
        erased = bool(named) and await self._erasure.erase(user.user_id, named)
        return "erased" if erased else "unchanged"


def _named(kinds: Sequence[int]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(member for kind in kinds for member in NAMED.get(kind, ())))


def _channel(app: App) -> Channel | None:
    if app.push is None:
        return None
    key = app.push.encoding_aes_key
    return Channel(
        appid=app.appid,
        token=app.push.token.get_secret_value(),
        aes_key=aes_key_of(key.get_secret_value()) if key else None,
        accept_plain=app.push.accept_plain,
    )


def _log_refusal(appid: str, refusal: PushRefused) -> None:
    log.info("push refused", extra={"appid": appid, "reason": refusal.reason})
