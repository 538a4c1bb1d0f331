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


class InvalidGrant(PassportError):
    """The refresh token is not ours, used, expired or of a session that is over (RFC 6749 section 5.2)."""

    code, status = "invalid_grant", 400
    description = "The refresh token is unknown, expired, used or revoked."
    hint = Hint(
        zh="会话已结束，请重新登录：wx.login 后调用 POST /oauth/token。刷新后请保存新的 refresh_token，旧的随即作废。",
        en="The session is over: sign in again (wx.login, then POST /oauth/token). Keep the new refresh_token of each "
        "refresh; the old one is spent.",
    )


class InvalidClient(PassportError):
    """The resource server did not prove who it is (RFC 6749 section 5.2)."""

    code, status = "invalid_client", 401
    description = "The client is unknown or its secret is wrong."
    hint = Hint(
        zh="请用 config.yaml 中 resource_servers 的 id 和 secret 以 HTTP Basic 方式认证。",
        en="Authenticate by HTTP Basic with the id and the secret of a resource server in config.yaml.",
    )
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Basic realm="wxpassport", charset="UTF-8"'}


class WrongUser(PassportError):
    """The code is of another WeChat user than the bearer of the token."""

    code, status = "wrong_user", 403
    description = "This code belongs to another WeChat user than the access token."
    hint = Hint(
        zh="请在同一个微信用户的小程序里重新调用 wx.login，并发送该用户自己的 access_token。",
        en="Call wx.login in the mini-program of the same WeChat user whose access_token you send.",
    )


class ConsentRequired(PassportError):
    """The user has not agreed to the privacy policy in force (PIPL article 14)."""

    code, status = "consent_required", 403
    description = "Registering needs the user's consent to the privacy policy: send consent_version."
    hint = Hint(
        zh="请先让用户同意隐私政策，再在注册时发送 consent_version（其值见 policy_version）。",
        en="Ask the user to agree to the privacy policy, then register with consent_version set to policy_version.",
    )
