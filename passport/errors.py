"""Every refusal, one class each: its stable code, its HTTP status and the words that cure it.

`code` and `status` are the contract (RFC 6749 section 5.2 where it has a name for the case), `description` is
printable ASCII as RFC 6749 asks, and `hint` says in Chinese and in English what to change in the mini-program.
The cause of an error stays private: it is chained, logged and never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


class StartupError(Exception):
    """The server cannot start; the text says why and names the cure."""


@dataclass(frozen=True)
class Hint:
    """What the reader can do about a refusal, in both languages of the API."""

    zh: str
    en: str


class PassportError(Exception):
    """A refusal that the client is told about.

    Args:
        description: ASCII text for developers; the class has a default.
        hint: overrides the class's hint where the case allows a better one.
        retry_after: whole seconds the client should wait, sent as `Retry-After`.
        wechat_errcode: the number WeChat answered with, when it was WeChat that refused.
        rid: WeChat's request id, for our log alone; WeChat's support asks for it.
        details: further members of the answer, such as when a ban ends.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    description: str
    hint: Hint
    retry_after: int | None = None
    headers: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        description: str | None = None,
        *,
        hint: Hint | None = None,
        retry_after: int | None = None,
        wechat_errcode: int | None = None,
        rid: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        if description is not None:
            self.description = description
        if hint is not None:
            self.hint = hint
        if retry_after is not None:
            self.retry_after = retry_after
        self.wechat_errcode = wechat_errcode
        self.rid = rid
        self.details = dict(details or {})
        super().__init__(self.description)


# --- what the mini-program sent -----------------------------------------------------------------------------


class InvalidRequest(PassportError):
    """A field is missing, of the wrong type, too long, or not base64 even after repair."""

    code, status = "invalid_request", 403
    description = "A parameter is missing or malformed."
    hint = Hint(
        zh="请按 error_description 修正参数：code、encryptedData、iv 原样取自 wx.login 和 wx.getUserInfo。",
        en="Correct the parameter that error_description names: send code, encryptedData and iv "
        "unchanged, as wx.login and wx.getUserInfo gave them.",
    )


class InvalidCode(PassportError):
    """WeChat does not know the code (40029): wrong, expired, or of another appid."""

    code, status = "invalid_code", 403
    description = (
        "WeChat does not accept this code: it is wrong, older than five minutes, or of another appid."
    )
    hint = Hint(
        zh="请重新调用 wx.login 并立即发送新的 code；确认小程序的 appid 与服务器配置的一致，且没有误用手机号的 code。",
        en="Call wx.login again and send the new code at once; check that the mini-program's appid is the one "
        "configured here and that this is not a phone number code.",
    )


class CodeUsed(PassportError):
    """The code was redeemed before (40163, or our own record of it)."""

    code, status = "code_used", 403
    description = "This code has been used. A code works once."
    hint = Hint(
        zh="每个 code 只能用一次：请重新调用 wx.login，再取 encryptedData 和 iv 一起发送；"
        "避免重复点击和自动重试旧的 code。",
        en="A code works once: call wx.login again, then fetch encryptedData and iv and send all three; "
        "do not resend an old code.",
    )


class UserBlocked(PassportError):
    """WeChat's risk control intercepted the sign-in (40226)."""

    code, status = "user_blocked", 403
    description = "WeChat blocked this sign-in because it rates the user as high-risk."
    hint = Hint(
        zh="微信判定该用户为高风险并拦截了登录，请勿重试；用户可在微信的安全中心处理。",
        en="WeChat's risk control stopped this user. Do not retry; the user can resolve it in WeChat's "
        "security centre.",
    )


class DecryptFailed(PassportError):
    """Everything that can go wrong inside encryptedData. One class, so that nobody learns which (R-021)."""

    code, status = "decrypt_failed", 403
    description = "encryptedData cannot be decrypted and verified with this code's session_key."
    hint = Hint(
        zh="请先调用 wx.login，再调用 wx.getUserInfo，然后把 code、encryptedData、iv 一起发送。"
        "顺序相反时 session_key 已更换，数据无法解密。",
        en="Call wx.login first, then wx.getUserInfo, then send code, encryptedData and iv together: "
        "a wx.login after wx.getUserInfo replaces the session_key, and the data no longer decrypts.",
    )


class SignatureMismatch(PassportError):
    """`signature` is not sha1(rawData + session_key)."""

    code, status = "signature_mismatch", 403
    description = "signature does not match rawData."
    hint = Hint(
        zh="请原样发送 wx.getUserInfo 返回的 rawData 字符串，不要先 JSON.parse 再 JSON.stringify；"
        "并确认 wx.login 在它之前调用。",
        en="Send the rawData string exactly as wx.getUserInfo returned it, without JSON.parse and JSON.stringify, "
        "and call wx.login before it.",
    )


# --- who asks -----------------------------------------------------------------------------------------------


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


# --- the weather --------------------------------------------------------------------------------------------


class SlowDown(PassportError):
    """A limit is reached: WeChat's (45011) or ours."""

    code, status = "slow_down", 429
    description = "Too many requests. Retry after the time in Retry-After."
    hint = Hint(
        zh="请求过于频繁，请按 Retry-After 等待后再试；不要在每次 onShow 时都调用 wx.login。",
        en="Wait for Retry-After before the next try; do not call wx.login in every onShow.",
    )
    retry_after: int | None = 60


class TemporarilyUnavailable(PassportError):
    """WeChat or MongoDB does not answer as it should; the same request may succeed later."""

    code, status = "temporarily_unavailable", 503
    description = "The service is temporarily unavailable. Retry after the time in Retry-After."
    hint = Hint(
        zh="服务暂时不可用，请按 Retry-After 等待，然后重新调用 wx.login 再试。",
        en="Wait for Retry-After, then call wx.login again and retry.",
    )
    retry_after: int | None = 2


class StoreUnavailable(TemporarilyUnavailable):
    """MongoDB did not carry out an operation within its deadline; whether it did anything is unknown."""

    hint = Hint(
        zh="服务暂时不可用，请按 Retry-After 等待，然后用同样的参数再试一次。",
        en="Wait for Retry-After, then repeat the same request.",
    )


class ServerMisconfigured(PassportError):
    """WeChat refuses the server itself: appid, AppSecret, IP allow-list or the mini-program's state."""

    code, status = "server_misconfigured", 500
    description = "WeChat refuses this server's configuration. The operator has to act; see the server's log."
    hint = Hint(
        zh="这不是小程序代码的问题：请让服务器管理员按 wechat_errcode 检查 appid、AppSecret 和 IP 白名单。",
        en="Nothing is wrong in the mini-program: ask the operator to check the appid, AppSecret and IP allow-list "
        "by wechat_errcode.",
    )


# --- HTTP ---------------------------------------------------------------------------------------------------


class UnsupportedGrantType(PassportError):
    """RFC 6749 section 5.2."""

    code, status = "unsupported_grant_type", 400
    description = "This grant_type is not supported."
    hint = Hint(
        zh="登录时请省略 grant_type，或使用 urn:wxpassport:oauth:grant-type:wxapp。",
        en="Leave grant_type out to sign in, or send urn:wxpassport:oauth:grant-type:wxapp.",
    )


class NotFound(PassportError):
    """No such path."""

    code, status = "not_found", 404
    description = "There is nothing at this path."
    hint = Hint(
        zh="请检查地址：登录是 POST /oauth/token，注册是 POST /accounts/wxapp。",
        en="Check the address: POST /oauth/token signs in, POST /accounts/wxapp registers.",
    )


class MethodNotAllowed(PassportError):
    """The path exists, the method does not."""

    code, status = "method_not_allowed", 405
    description = "This method is not allowed here. See the Allow header."
    hint = Hint(
        zh="请改用响应头 Allow 中列出的方法。",
        en="Use one of the methods in the Allow header.",
    )


class UnsupportedMediaType(PassportError):
    """The body is neither JSON nor form-encoded."""

    code, status = "unsupported_media_type", 415
    description = "The body must be application/json or application/x-www-form-urlencoded, in UTF-8."
    hint = Hint(
        zh="请使用 wx.request 默认的 content-type: application/json，或 application/x-www-form-urlencoded。",
        en="Use wx.request's default content-type application/json, or application/x-www-form-urlencoded.",
    )


class PayloadTooLarge(PassportError):
    """The body is over the limit."""

    code, status = "payload_too_large", 413
    description = "The body is larger than 64 KiB."
    hint = Hint(
        zh="请求体不能超过 64 KiB：只需发送 code、encryptedData、iv（以及可选的 rawData、signature、appid）。",
        en="Keep the body under 64 KiB: code, encryptedData and iv (and optionally rawData, signature, appid) "
        "are enough.",
    )


class InternalError(PassportError):
    """Our own fault; the log has the cause under the request id."""

    code, status = "server_error", 500
    description = "The server failed on this request. Its log has the cause under the request_id."
    hint = Hint(
        zh="服务器内部错误，请把 request_id 提供给管理员。",
        en="The server failed. Give the request_id to the operator.",
    )


def _classes(base: type[PassportError]) -> list[type[PassportError]]:
    return [base, *(each for direct in base.__subclasses__() for each in _classes(direct))]


def catalogue() -> dict[str, type[PassportError]]:
    """Every refusal by its code; the README's table and the record of a refused code are read from it."""
    return {cls.code: cls for cls in reversed(_classes(PassportError)[1:])}
