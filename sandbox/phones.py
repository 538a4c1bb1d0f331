"""Phone numbers and the codes of `<button open-type="getPhoneNumber">`. Pure state, the clock is passed in.

Source: WeChat, getPhoneNumber: a code works once, for five minutes, and is none of wx.login. A used one looks like one
that never was (40029). `phoneNumber` of a number abroad begins with the country code, of one in China it does not, and
`countryCode` is a string in the table of that page and a number in its example; Tao's is a number.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.errcodes import Refused
from sandbox.recent import Recent

CODE_TTL = 300.0
MAX_CODES = 50_000

# (countryCode, purePhoneNumber), all made up: 13800000xxx and 0000 numbers are given to nobody.
CAST: Mapping[str, tuple[str | int, str]] = {
    "mei": ("86", "13800000001"),
    "bo": ("86", "13800000002"),
    "lin": ("852", "00000003"),
    "yun": ("1", "2025550104"),
    "tao": (86, "13800000005"),
}


@dataclass(slots=True)
class PhoneCode:
    """A code and whose number it stands for; `info` replaces members of the answer."""

    appid: str
    name: str
    asked_at: float
    info: Mapping[str, Any]


class Phones:
    """The codes that are still good."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._codes: Recent[str, PhoneCode] = Recent(MAX_CODES)

    def mint(self, name: str, appid: str, info: Mapping[str, Any]) -> str:
        """The code that the button gives, 64 hex digits."""
        code = secrets.token_hex(32)
        self._codes[code] = PhoneCode(appid, name, self._now(), info)
        return code

    def owner(self, code: str) -> str | None:
        """Whose code it is; None when nobody's."""
        known = self._codes.get(code)
        return None if known is None else known.name

    def redeem(self, code: str, appid: str) -> dict[str, Any]:
        """Burn the code and return `phone_info`. Raises Refused (40029) when it is not to be had."""
        known = self._codes.get(code)
        if known is None or known.appid != appid or self._now() >= known.asked_at + CODE_TTL:
            raise Refused(40029)
        del self._codes[code]
        watermark = {"timestamp": int(known.asked_at), "appid": appid}
        return {**phone_info(known.name), "watermark": watermark, **known.info}


def phone_info(name: str) -> dict[str, Any]:
    """phoneNumber, purePhoneNumber and countryCode of this person."""
    country_code, pure = CAST.get(name) or ("86", _made_up(name))
    abroad = str(country_code) != "86"
    return {
        "phoneNumber": f"{country_code}{pure}" if abroad else pure,
        "purePhoneNumber": pure,
        "countryCode": country_code,
    }


def _made_up(name: str) -> str:
    return f"138{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**8:08d}"
