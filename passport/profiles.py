"""What a WeChat payload tells about a person, and what of it is worth keeping. Pure rules.

Since 2021 and 2022 WeChat gives every user the same nickname and the same grey avatar (WeChat, wx.getUserInfo and
wx.getUserProfile adjustments of 2021-04-28 and 2022-11-08). Those are the absence of a profile, so they are never
stored and never overwrite what the user entered.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

NICKNAME_LIMIT = 64
# What a person would call characters: an emoji of seven code points is one.
NICKNAME_GRAPHEMES = 32
URL_LIMIT = 512
ANONYMOUS_NICKNAME = "微信用户"
# The grey avatar's path up to its size, which varies (/132, /0).
ANONYMOUS_AVATAR = (
    "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg"
)
# Pages show avatars from these hosts alone, and a URL to anywhere else is no avatar of WeChat's.
AVATAR_HOSTS = frozenset({"thirdwx.qlogo.cn", "wx.qlogo.cn"})

_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_TEXTS = {
    "nickName": "nickname",
    "city": "city",
    "province": "province",
    "country": "country",
    "language": "language",
}


def entered_text(text: str, *, most_graphemes: int | None = None) -> str:
    """What a user may enter as a nickname or a place, without the space around it.

    Raises:
        ValueError: with what is wrong, to be read after the member's name.
    """
    # Before the space around it goes, so that the longest text accepted has a length that can be documented.
    if len(text) > NICKNAME_LIMIT:
        raise ValueError(f"is longer than {NICKNAME_LIMIT} code points")
    text = text.strip()
    if not text or not any(unicodedata.category(each)[0] in "LNPS" for each in text):
        raise ValueError("has no visible character")
    # Cc: control characters, line breaks among them. Cs: half a surrogate pair, which MongoDB cannot keep.
    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text):
        raise ValueError("holds a control character")
    # They turn the text around them, and with it the page of an operator (Unicode TR 36 section 2.11).
    if any(unicodedata.bidirectional(each) in _TURNING for each in text):
        raise ValueError("holds a character that changes the direction of the text")
    if most_graphemes is not None and _graphemes(text) > most_graphemes:
        raise ValueError(f"is longer than {most_graphemes} characters")
    return text


def _graphemes(text: str) -> int:
    # Imported when somebody corrects their nickname: 1.4 MB.
    import regex

    return len(regex.findall(r"\X", text))


def entered_nickname(text: str) -> str:
    """A nickname as the user wants it. Raises ValueError."""
    nickname = entered_text(text, most_graphemes=NICKNAME_GRAPHEMES)
    if nickname == ANONYMOUS_NICKNAME:
        raise ValueError("is the placeholder that WeChat gives everybody; ask the user for a name")
    return nickname


def profile_from_payload(payload: Mapping[str, Any]) -> dict[str, str | int]:
    """The known part of a decrypted payload: absent, anonymous, empty or malformed members are left out."""
    profile: dict[str, str | int] = {}
    for theirs, ours in _TEXTS.items():
        text = payload.get(theirs)
        if (
            isinstance(text, str)
            and 0 < len(text.strip()) <= len(text) <= NICKNAME_LIMIT
            and "\0" not in text
        ):
            profile[ours] = text
    if profile.get("nickname") == ANONYMOUS_NICKNAME:
        del profile["nickname"]
    avatar_url = _avatar_url(payload.get("avatarUrl"))
    if avatar_url:
        profile["avatar_url"] = avatar_url
    # JSON's true equals 1 in Python, and is no gender.
    if payload.get("gender") in (1, 2) and type(payload["gender"]) is int:
        profile["gender"] = payload["gender"]
    return profile


def _avatar_url(url: object) -> str | None:
    if not isinstance(url, str) or len(url) > URL_LIMIT or not url.isascii() or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # Compared with the whole authority, so user info, ports and look-alikes fall out.
    if parts.scheme not in ("http", "https") or parts.netloc not in AVATAR_HOSTS or ANONYMOUS_AVATAR in url:
        return None
    return parts._replace(scheme="https").geturl()
