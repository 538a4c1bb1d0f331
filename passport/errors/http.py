"""Refusals of the HTTP request itself, and our own failure."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError


class UnsupportedGrantType(PassportError):
    """RFC 6749 section 5.2."""

    code, status = "unsupported_grant_type", 400
    description = "This grant_type is not supported."
    hint = Hint(
        zh="登录时请省略 grant_type，或使用 urn:wxpassport:oauth:grant-type:wxapp；刷新时使用 refresh_token。",
        en="Leave grant_type out to sign in, or send urn:wxpassport:oauth:grant-type:wxapp; to refresh, refresh_token.",
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
