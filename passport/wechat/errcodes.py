"""WeChat's error codes, and what each means for us: a table for code2session, and what other calls change in it.

Source: WeChat, auth.code2Session, auth.getStableAccessToken, getPhoneNumber and the global return codes; those seen in
the field but on no page (40163, 45009, 40164 on code2session) are marked so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from passport.errors import (
    AccessTokenRefused,
    CodeUsed,
    InvalidCode,
    InvalidPhoneCode,
    PassportError,
    PhoneCodeUsed,
    PhoneNumbersNotAllowed,
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


Meanings = Mapping[int, Meaning]

CODE2SESSION: Meanings = {
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
# Here the request is the server's own, so a limit is no fault of the user who happened to need the token.
# There is no code in it either: a verdict on one would be WeChat's trouble.
STABLE_TOKEN: Meanings = {
    **{
        errcode: meaning
        for errcode, meaning in CODE2SESSION.items()
        if meaning.refusal in (TemporarilyUnavailable, ServerMisconfigured)
    },
    40001: Meaning(ServerMisconfigured, operator="the AppSecret is wrong or was reset; set the new one"),
    45011: Meaning(
        TemporarilyUnavailable,
        retry_after=60,
        operator="access_tokens are fetched too often; look for another program that uses this AppSecret",
    ),
}
_NO_RIGHT = "the mini-program may not ask for phone numbers: that takes a certified organisation; see mp.weixin.qq.com"
PHONE_NUMBER: Meanings = {
    **CODE2SESSION,
    40001: Meaning(AccessTokenRefused, retry_after=2),
    40014: Meaning(AccessTokenRefused, retry_after=2),
    42001: Meaning(AccessTokenRefused, retry_after=2),
    40029: Meaning(InvalidPhoneCode),
    40163: Meaning(PhoneCodeUsed),
    41008: Meaning(InvalidPhoneCode),
    41001: Meaning(
        ServerMisconfigured, operator="the access_token did not reach WeChat; look for a proxy in between"
    ),
    48001: Meaning(PhoneNumbersNotAllowed, operator=_NO_RIGHT),
    48004: Meaning(PhoneNumbersNotAllowed, operator="WeChat took this API away; see mp.weixin.qq.com"),
}
_UNKNOWN = Meaning(
    TemporarilyUnavailable, retry_after=2, operator="WeChat sent an errcode that is not in our table"
)


def meaning_of(errcode: int, meanings: Meanings = CODE2SESSION) -> Meaning:
    """What the errcode means; one we do not know is treated as WeChat's trouble, and the operator is told."""
    return meanings.get(errcode, _UNKNOWN)


def known_errcodes() -> Meanings:
    """The whole table of code2session, for tests and documentation."""
    return CODE2SESSION
