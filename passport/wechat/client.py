"""The calls to WeChat: what each sends and what its answer must hold. How they travel is `passport.wechat.transport`.

Source: WeChat, auth.code2Session, auth.getStableAccessToken, getPhoneNumber.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from passport.config import App, WeChat
from passport.wechat.breaker import Breaker
from passport.wechat.errcodes import CODE2SESSION, PHONE_NUMBER, STABLE_TOKEN
from passport.wechat.health import Health
from passport.wechat.transport import Request, Transport, Unanswered, unintelligible

__all__ = [
    "PhoneNumber",
    "Unanswered",
    "WeChatAccessToken",
    "WeChatClient",
    "WeChatSession",
]

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,128}")
# WeChat asks for room for 512 characters at least.
_TOKEN = re.compile(r"[!-~]{1,2048}")
_LONGEST_LIFE = 86_400
# ITU-T E.164 sections 6.2.1 and 6.2.2: a country code of up to three digits, fifteen digits in all.
_COUNTRY_CODE, _NATIONAL = re.compile(r"[1-9][0-9]{0,2}"), re.compile(r"[0-9]{4,14}")
_LONGEST_NUMBER = 15


@dataclass(frozen=True)
class WeChatSession:
    """What code2session says about a user. `session_key` never leaves the server."""

    openid: str
    unionid: str | None
    session_key: str = field(repr=False)


@dataclass(frozen=True)
class WeChatAccessToken:
    """WeChat's server credential and for how many seconds it is good."""

    token: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True)
class PhoneNumber:
    """What getuserphonenumber says: digits alone, and the mini-program of the watermark."""

    country_code: str
    pure_number: str = field(repr=False)
    appid: str


class WeChatClient:
    """WeChat's server API for the configured apps. Made inside the running event loop.

    Args:
        settings: where it is, and how patient we are.
        breaker: of code2session.
        health: told how each call went.
    """

    def __init__(
        self, settings: WeChat, *, breaker: Breaker | None = None, health: Health | None = None
    ) -> None:
        self._transport = Transport(settings, health or Health())
        # One for each call, so that a number service that is down keeps nobody from signing in.
        self._breaker = breaker or Breaker(name="code2session")
        self._token_breaker = Breaker(name="stable_token")
        self._phone_breaker = Breaker(name="getuserphonenumber")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    def held_back(self) -> tuple[str, ...]:
        """The calls that are not made at present, because WeChat does not answer them."""
        breakers = (self._breaker, self._token_breaker, self._phone_breaker)
        return tuple(each.name for each in breakers if each.is_open)

    async def code2session(self, app: App, code: str) -> WeChatSession:
        """Exchange a code of wx.login for the user's openid, unionid and session_key.

        Raises:
            InvalidCode, CodeUsed, UserBlocked: WeChat's verdict on this code.
            SlowDown, TemporarilyUnavailable: WeChat or we are too busy; the code is unspent.
            Unanswered: the answer was lost, late or unintelligible; the code may be spent.
            ServerMisconfigured: WeChat refuses the appid, the AppSecret or this server.
        """
        return await self._transport.exchange(app, self._breaker, lambda: self._call(app, code))

    async def stable_token(
        self, app: App, *, force_refresh: bool = False, until: float = float("inf")
    ) -> WeChatAccessToken:
        """The app's access_token: the same for every caller while it lasts, unless force_refresh voids it.

        Raises:
            TemporarilyUnavailable: WeChat or we are too busy, or the answer was lost; asking again is harmless.
            ServerMisconfigured: WeChat refuses the appid, the AppSecret or this server.
        """
        secret = app.secret.get_secret_value()
        request = Request(
            method="POST",
            path="/cgi-bin/stable_token",
            meanings=STABLE_TOKEN,
            refused="WeChat refused an access_token",
            body={
                "grant_type": "client_credential",
                "appid": app.appid,
                "secret": secret,
                "force_refresh": force_refresh,
            },
            secrets=(secret,),
        )

        async def call() -> WeChatAccessToken:
            return _access_token_in(app, await self._transport.send(app, request))

        return await self._transport.exchange(app, self._token_breaker, call, until=until)

    async def phone_number(
        self, app: App, wechat_access_token: str, phone_code: str, *, until: float = float("inf")
    ) -> PhoneNumber:
        """Exchange a code of the getPhoneNumber button for the number.

        Raises:
            InvalidPhoneCode, PhoneCodeUsed: WeChat's verdict on this code.
            AccessTokenRefused: the wechat_access_token is void or over. WeChat looks at it first: the code is unspent.
            SlowDown, TemporarilyUnavailable: WeChat or we are too busy; the code is unspent.
            Unanswered: the answer was lost, late or unintelligible; the code may be spent.
            ServerMisconfigured, PhoneNumbersNotAllowed: the operator has to act.
        """
        request = Request(
            method="POST",
            path="/wxa/business/getuserphonenumber",
            meanings=PHONE_NUMBER,
            refused="WeChat refused a phone number",
            query={"access_token": wechat_access_token},
            body={"code": phone_code},
            secrets=(wechat_access_token, phone_code),
        )

        async def call() -> PhoneNumber:
            return _phone_number_in(app, await self._transport.send(app, request))

        return await self._transport.exchange(app, self._phone_breaker, call, until=until)

    async def _call(self, app: App, code: str) -> WeChatSession:
        secret = app.secret.get_secret_value()
        request = Request(
            method="GET",
            path="/sns/jscode2session",
            meanings=CODE2SESSION,
            refused="WeChat refused the code",
            query={
                "appid": app.appid,
                "secret": secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
            secrets=(secret, code),
        )
        return _session_in(app, await self._transport.send(app, request))


def _session_in(app: App, reply: dict[str, Any]) -> WeChatSession:
    openid, session_key, unionid = reply.get("openid"), reply.get("session_key"), reply.get("unionid")
    if not _is_identifier(openid) or not isinstance(session_key, str) or not 0 < len(session_key) <= 128:
        raise unintelligible(app, "no openid or session_key")
    return WeChatSession(openid, unionid if _is_identifier(unionid) else None, session_key)


def _access_token_in(app: App, reply: dict[str, Any]) -> WeChatAccessToken:
    token, expires_in = reply.get("access_token"), reply.get("expires_in")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise unintelligible(app, "no access_token")
    if type(expires_in) is not int or not 0 < expires_in <= _LONGEST_LIFE:
        raise unintelligible(app, "no expires_in")
    return WeChatAccessToken(token, expires_in)


def _phone_number_in(app: App, reply: dict[str, Any]) -> PhoneNumber:
    """countryCode is a string in WeChat's table and a number in its example, so both are taken."""
    info = reply.get("phone_info")
    watermark = info.get("watermark") if isinstance(info, dict) else None
    if not isinstance(info, dict) or not isinstance(watermark, dict):
        raise unintelligible(app, "no phone_info")
    country_code, pure_number = _text(info.get("countryCode")), _text(info.get("purePhoneNumber"))
    fits = len(country_code) + len(pure_number) <= _LONGEST_NUMBER
    if not _COUNTRY_CODE.fullmatch(country_code) or not _NATIONAL.fullmatch(pure_number) or not fits:
        raise unintelligible(app, "no phone number")
    return PhoneNumber(country_code, pure_number, _text(watermark.get("appid")))


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _is_identifier(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _IDENTIFIER.fullmatch(value) is not None
