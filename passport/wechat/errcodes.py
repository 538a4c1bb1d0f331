"""WeChat's error codes on code2session, and what each means for us.

Source: WeChat, auth.code2Session and the global return codes; those seen in the field but on no page (40163, 45009,
40164 on this call) are marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from passport.errors import (
    CodeUsed,
    InvalidCode,
    PassportError,
    ServerMisconfigured,
    SlowDown,
    TemporarilyUnavailable,
    UserBlocked,
)

BUSY = -1


@dataclass(frozen=True)
class Meaning:
    """What an errcode turns into.

    `operator` is what the operator has to do, for the log; None when there is nothing to do.
    """

    refusal: type[PassportError]
    retry_after: int | None = None
    operator: str | None = None


_MEANINGS: Mapping[int, Meaning] = {
    BUSY: Meaning(TemporarilyUnavailable, retry_after=2),
    40029: Meaning(InvalidCode),
    40163: Meaning(CodeUsed),  # seen, not documented: double taps, retries, proxies that repeat a GET
    40226: Meaning(UserBlocked),
    45011: Meaning(SlowDown, retry_after=60),
    45009: Meaning(  # seen at traffic peaks since 2022, not documented for this call
        TemporarilyUnavailable,
        retry_after=300,
        operator="the daily quota of this API is used up; raise or clear it at mp.weixin.qq.com",
    ),
    40002: Meaning(
        ServerMisconfigured, operator="grant_type was refused; report this as a bug of wxpassport"
    ),
    40013: Meaning(ServerMisconfigured, operator="the appid is wrong; compare it with mp.weixin.qq.com"),
    40125: Meaning(ServerMisconfigured, operator="the AppSecret is wrong or was reset; set the new one"),
    40164: Meaning(
        ServerMisconfigured,
        operator="this server's address is not on the API IP allow-list; add the address that errmsg names",
    ),
    40243: Meaning(ServerMisconfigured, operator="the AppSecret is frozen; unfreeze it at mp.weixin.qq.com"),
    41002: Meaning(
        ServerMisconfigured, operator="the appid did not reach WeChat; look for a proxy in between"
    ),
    41004: Meaning(
        ServerMisconfigured, operator="the AppSecret did not reach WeChat; look for a proxy in between"
    ),
    41008: Meaning(InvalidCode),
    50002: Meaning(ServerMisconfigured, operator="the mini-program is banned, frozen or cancelled at WeChat"),
}
_UNKNOWN = Meaning(
    TemporarilyUnavailable, retry_after=2, operator="WeChat sent an errcode that is not in our table"
)


def meaning_of(errcode: int) -> Meaning:
    """What the errcode means; one we do not know is treated as WeChat's trouble, and the operator is told."""
    return _MEANINGS.get(errcode, _UNKNOWN)


def known_errcodes() -> Mapping[int, Meaning]:
    """The whole table, for tests and documentation."""
    return _MEANINGS
