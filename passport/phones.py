"""Bind a user's phone number, as WeChat vouches for it, and take it away again. Knows no HTTP.

Apart from signing in, because a phone number is sensitive and asked for by itself (PIPL article 29).
Source: WeChat, getPhoneNumber. The number is in no log line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeGuard

from passport.clock import Now
from passport.config import App
from passport.errors import TAP_AGAIN, InvalidPhoneCode, InvalidToken, PhoneCodeUsed, TemporarilyUnavailable
from passport.locks import KeyedLocks
from passport.models import Phone, User
from passport.sealing import Sealer
from passport.store.users import UserStore
from passport.wechat.access_tokens import AccessTokens
from passport.wechat.client import PhoneNumber, WeChatClient

log = logging.getLogger("wxpassport.phones")

# A code of WeChat's phone button lives this long.
REPEATED = timedelta(minutes=5)
# How long another process may take, in seconds, to write down a number that WeChat told it.
_LOOKS = (0.0, 0.1, 0.4)


class Phones:
    """The phone numbers of users.

    Args:
        apps: the configured mini-programs.
        wechat: tells the number.
        access_tokens: what WeChat wants for that.
        store: where users are kept.
        sealer: digests the codes.
        patience: how long one binding may take at WeChat, in all.
        now: the clock.
    """

    def __init__(
        self,
        *,
        apps: Sequence[App],
        wechat: WeChatClient,
        access_tokens: AccessTokens,
        store: UserStore,
        sealer: Sealer,
        patience: timedelta,
        now: Now,
    ) -> None:
        self._apps = {app.appid: app for app in apps}
        self._wechat, self._access_tokens, self._store, self._now = wechat, access_tokens, store, now
        self._sealer, self._patience = sealer, patience.total_seconds()
        self._locks = KeyedLocks()

    async def bind(self, user: User, *, appid: str, phone_code: str) -> Phone:
        """Make the number of this code the user's; one that they had before is replaced.

        The same code of the same user again gets the same answer for as long as a code lives.

        Args:
            user: who asks.
            appid: the mini-program that signed them in; the code must be of the same one.
            phone_code: what the getPhoneNumber button gave.

        Raises:
            InvalidPhoneCode, PhoneCodeUsed: WeChat's verdict on the code.
            InvalidToken: the app is no longer configured, or the user is gone.
            SlowDown, TemporarilyUnavailable, ServerMisconfigured: as WeChat or MongoDB has it.
        """
        app = self._apps.get(appid)
        if app is None:
            raise InvalidToken
        digest = self._sealer.digest(appid, phone_code)
        try:
            async with self._locks.hold(digest, until=asyncio.get_running_loop().time() + self._patience):
                return await self._bind(user.user_id, app, phone_code, digest)
        except TimeoutError:
            raise TemporarilyUnavailable(hint=TAP_AGAIN) from None
        except TemporarilyUnavailable as error:
            # The code may be spent, whoever failed; only the button gives another.
            error.hint = TAP_AGAIN
            raise

    async def unbind(self, user: User) -> None:
        """Forget the user's number; without one nothing happens. Raises StoreUnavailable."""
        await self._store.set_phone(user.user_id, None)
        log.info("phone removed", extra={"account_id": user.user_id})

    async def _bind(self, user_id: str, app: App, phone_code: str, digest: bytes) -> Phone:
        user = await self._store.find(user_id)
        if user is not None and self._is_repeated(user.phone, digest):
            # A double tap, or a retry whose answer was lost: WeChat would refuse the code that has just worked.
            return user.phone
        try:
            number = await self._ask(app, phone_code)
        except (InvalidPhoneCode, PhoneCodeUsed):
            # Another process may have had the same tap and be about to write the number down.
            bound = await self._bound_elsewhere(user_id, digest)
            if bound is None:
                raise
            return bound
        phone = self._phone(app, number, digest)
        if not await self._store.set_phone(user_id, phone):
            raise InvalidToken
        log.info("phone bound", extra={"account_id": user_id, "appid": app.appid})
        return phone

    async def _bound_elsewhere(self, user_id: str, digest: bytes) -> Phone | None:
        for pause in _LOOKS:
            await asyncio.sleep(pause)
            user = await self._store.find(user_id)
            if user is not None and self._is_repeated(user.phone, digest):
                return user.phone
        return None

    def _is_repeated(self, phone: Phone | None, digest: bytes) -> TypeGuard[Phone]:
        return phone is not None and phone.code_digest == digest and self._now() - phone.bound_at <= REPEATED

    async def _ask(self, app: App, phone_code: str) -> PhoneNumber:
        until = asyncio.get_running_loop().time() + self._patience

        async def call(wechat_access_token: str) -> PhoneNumber:
            return await self._wechat.phone_number(app, wechat_access_token, phone_code, until=until)

        return await self._access_tokens.use(app, call, until=until)

    def _phone(self, app: App, number: PhoneNumber, digest: bytes) -> Phone:
        # A number that was given to another mini-program is not the one that this user showed to this one.
        if number.appid != app.appid:
            log.error("the phone number's watermark is of another appid", extra={"appid": app.appid})
            raise InvalidPhoneCode
        return Phone(
            number=f"+{number.country_code}{number.pure_number}",
            country_code=number.country_code,
            pure_number=number.pure_number,
            appid=app.appid,
            bound_at=self._now(),
            code_digest=digest,
        )
