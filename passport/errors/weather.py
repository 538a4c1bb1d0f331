"""Refusals that may pass: limits, and what WeChat, MongoDB or the operator has to put right."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError


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
