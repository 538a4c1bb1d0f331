"""WeChat's refusals: the errcode, its errmsg and the rid that WeChat support asks for."""

import secrets
from typing import Any

# WeChat: auth.code2Session and the global return codes; texts as seen in recorded answers.
ERRMSG = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
    40226: "code blocked",
    40243: "AppSecret frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
    48004: "api forbidden for irregularities, view detail on mp.weixin.qq.com",
    50002: "user limited",
}


class Refused(Exception):
    """WeChat would answer this errcode."""

    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


def refusal(errcode: int, *, now: float, errmsg: str | None = None) -> dict[str, Any]:
    """The answer's body; an errcode that is not in the table gets a text of the same form."""
    text = ERRMSG.get(errcode, "system error") if errmsg is None else errmsg
    return {"errcode": errcode, "errmsg": f"{text}, rid: {rid(now)}"}


def rid(now: float) -> str:
    """Three groups of eight hex digits, of which the first is the Unix time of the call."""
    return f"{int(now):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
