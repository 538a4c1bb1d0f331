"""What stands in the search box, and what it is taken for. Pure rules.

Each kind has a shape of its own, so whatever an operator has at hand can be pasted as it is. What is wrong about the
guess is cured by quotation marks: "13800138000" in them is a nickname.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["nothing", "name", "phone", "wechat_id", "document_id", "request_id", "token"]

# Tokens are longer than any search (passport.tokens has the same limit).
LONGEST_TOKEN = 4096
_TOKEN = re.compile(r"(?:Bearer\s+)?(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*)", re.IGNORECASE)
# The beginning of any JSON object in base64, and that of our refresh tokens.
_SECRET = re.compile(r"(?:Bearer\s+)?(?:eyJ|wpr_)\S{16,}", re.IGNORECASE)
_DOCUMENT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)
# Observed, not promised (auth.code2Session): 28 characters, of which the first is an o; unionids look the same.
_WECHAT_ID = re.compile(r"o[A-Za-z0-9_-]{26,31}")
_PHONE = re.compile(r"(?:\+|00)?[0-9]{7,15}")
_PHONE_BLANKS = re.compile(r"[\s().\-‐-―·]+")
_CHINESE_MOBILE = re.compile(r"(?:86)?(1[3-9][0-9]{9})")
_QUOTED = re.compile(r"[\"“”„'‘’「『](.+)[\"“”'‘’」』]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text is taken for, and the value to look for: a phone in E.164, an id in lower case."""

    kind: Kind
    value: str = ""


def understand(text: str) -> Understood:
    """What the text is taken for. Anything that is nothing else is a part of a nickname or of a handle."""
    text = text.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return _name(quoted.group(1).strip())
    plain = unicodedata.normalize("NFKC", text).strip()
    if token_in(plain):
        return Understood("token", token_in(plain))
    if _WECHAT_ID.fullmatch(plain):
        return Understood("wechat_id", plain)
    if _DOCUMENT_ID.fullmatch(plain):
        return Understood("document_id", plain.lower())
    phone = _e164(plain)
    if phone:
        return Understood("phone", phone)
    if _REQUEST_ID.fullmatch(plain):
        return Understood("request_id", plain.lower())
    return _name(text)


def token_in(text: str) -> str:
    """The token that the text is, with or without Bearer before it; empty when it is none. Not verified in any way."""
    found = _TOKEN.fullmatch(text.strip()) if len(text) <= LONGEST_TOKEN + 20 else None
    return found.group(1) if found else ""


def is_secret(text: str) -> bool:
    """Whether the text is a token or looks like a piece of one: it must be in no address."""
    return bool(_SECRET.match(text.strip()))


def subject_of(token: str) -> str | None:
    """Whom the token says it is about, believed for finding alone; None when it says nothing of the kind."""
    part = token.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) and _DOCUMENT_ID.fullmatch(subject) else None


def _name(text: str) -> Understood:
    return Understood("name", text) if text else Understood("nothing")


def _e164(text: str) -> str | None:
    """The number in E.164; None when it is no phone number. A Chinese mobile needs no country code."""
    digits = _PHONE_BLANKS.sub("", text)
    if not _PHONE.fullmatch(digits):
        return None
    chinese = _CHINESE_MOBILE.fullmatch(digits.removeprefix("+").removeprefix("00"))
    if chinese:
        return f"+86{chinese.group(1)}"
    if digits.startswith(("+", "00")):
        return "+" + digits.removeprefix("+").removeprefix("00")
    return None
