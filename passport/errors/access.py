"""Refusals of who asks: no account, a banned one, no valid token, no right client."""

from __future__ import annotations

from typing import ClassVar

from passport.errors.base import Hint, PassportError


class Unregistered(PassportError):
    """The WeChat user has no account here."""

    code, status = "unregistered", 401
    description = "This WeChat user has no account yet."
    hint = Hint(
        zh="请用同样的 code、encryptedData、iv 调用 POST /accounts/wxapp 注册，再用同样的参数重新请求本接口。",
        en="Register with POST /accounts/wxapp and the same code, encryptedData and iv, then repeat this call "
        "with the same three.",
    )
    # RFC 9110 section 15.5.2: a 401 carries a challenge. Not Bearer: this is no token error.
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "WeChat"}


class AccountDisabled(PassportError):
    """An operator banned the account."""

    code, status = "account_disabled", 403
    description = "This account is disabled."
    hint = Hint(
        zh="该账号已被停用，请联系小程序的客服。",
        en="This account is disabled. Please contact the mini-program's support.",
    )


class InvalidToken(PassportError):
    """The access token is missing, malformed, expired, revoked or not ours (RFC 6750 section 3.1)."""

    code, status = "invalid_token", 401
    description = "The access token is missing, expired or not valid here."
    hint = Hint(
        zh="请重新登录（wx.login 后调用 POST /oauth/token），并以 Authorization: Bearer 头发送 access_token。",
        en="Sign in again (wx.login, then POST /oauth/token) and send the access_token as Authorization: Bearer.",
    )
    headers: ClassVar[dict[str, str]] = {
        "WWW-Authenticate": 'Bearer realm="wxpassport", error="invalid_token"'
    }


class MissingToken(InvalidToken):
    """No bearer token at all: RFC 6750 section 3.1 wants the challenge without an error code."""

    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="wxpassport"'}
