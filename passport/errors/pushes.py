"""The refusal of a push that is not WeChat's."""

from __future__ import annotations

from passport.errors.base import Hint, PassportError


class PushRefused(PassportError):
    """Everything that can be wrong with a push. One answer, so that a forger learns nothing from it (R-021).

    Args:
        reason: a few words for the operator's log; never sent.
    """

    code, status = "push_refused", 403
    description = "This push is not accepted: it is not signed for this app, not fresh, or malformed."
    hint = Hint(
        zh="请核对小程序后台“消息推送”中的 Token、EncodingAESKey 与服务器配置一致，并校准服务器时间；"
        "原因见服务器日志。",
        en="Check that Token and EncodingAESKey in the console's message push settings equal the server's, and the "
        "server's clock; its log has the reason.",
    )

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
