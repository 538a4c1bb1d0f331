"""What a pasted text may be: a token, an id, a number, perhaps in the middle of a log line or an answer. Pure.

Only the form is looked at. Chats break long lines and people copy too much, so white space, quotes and what stands
around a token are overlooked.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST = 16_384


class Form(StrEnum):
    """What a text looks like."""

    NOTHING = "nothing"
    JWT = "jwt"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  a form, not a token
    REQUEST_ID = "request_id"
    RID = "rid"
    OBJECT_ID = "object_id"  # of an account or of a session
    APPID = "appid"
    WECHAT_ID = "wechat_id"  # an openid or a unionid: they look alike
    PHONE = "phone"
    ERRCODE = "errcode"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A text and what it looks like; `alone` is whether there was nothing around it."""

    form: Form
    text: str = field(default="", repr=False)
    alone: bool = True


_WHOLE: tuple[tuple[Form, re.Pattern[str]], ...] = (
    (Form.REFRESH_TOKEN, re.compile(r"wpr_\S*")),
    (Form.JWT, re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")),
    (Form.REQUEST_ID, re.compile(r"[0-9a-f]{16}")),
    (Form.OBJECT_ID, re.compile(r"[0-9a-f]{24}")),
    (Form.APPID, re.compile(r"wx[0-9a-f]{16}")),
    (Form.RID, re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")),
    (Form.WECHAT_ID, re.compile(r"o[A-Za-z0-9_-]{27}")),
    (Form.PHONE, re.compile(r"(?:\+[1-9][0-9]{6,14}|1[3-9][0-9]{9})")),
    (Form.ERRCODE, re.compile(r"-1|[1-9][0-9]{4,6}")),
)
# In a longer text, the first of these that occurs; each is unlikely to be there by chance.
_WITHIN: tuple[tuple[Form, re.Pattern[str]], ...] = (
    (Form.JWT, re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")),
    (Form.REFRESH_TOKEN, re.compile(r"\bwpr_[A-Za-z0-9_-]+")),
    (Form.REQUEST_ID, re.compile(r"(?i:request[_-]id)\W{1,5}([0-9a-f]{16})\b")),
    (Form.RID, re.compile(r"\brid: *([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})\b")),
    (Form.OBJECT_ID, re.compile(r"(?i:(?:account|session)_id|sub|sid)\W{1,5}([0-9a-f]{24})\b")),
    (Form.WECHAT_ID, re.compile(r"(?i:openid|unionid)\W{1,5}(o[A-Za-z0-9_-]{27})(?![\w-])")),
    (Form.ERRCODE, re.compile(r"\berrcode\W{1,5}(-1\b|[1-9][0-9]{4,6}\b)")),
    (Form.REQUEST_ID, re.compile(r"(?<![\w-])([0-9a-f]{16})(?![\w-])")),
    (Form.OBJECT_ID, re.compile(r"(?<![\w-])([0-9a-f]{24})(?![\w-])")),
)
_BEARER = re.compile(r"(?i)^(?:authorization:)?\s*bearer\s+")
_AROUND = "\"'`“”‘’<>,; \t\r\n\ufeff\u200b"


def recognised(text: str) -> Pasted:
    """What the text looks like; never raises."""
    text = _BEARER.sub("", text[:LONGEST].strip(_AROUND)).strip(_AROUND)
    if not text:
        return Pasted(Form.NOTHING)
    whole = _whole(text)
    if whole is not None:
        return whole
    for form, pattern in _WITHIN:
        if found := pattern.search(text):
            return Pasted(form, found[found.lastindex or 0], alone=False)
    return Pasted(Form.UNKNOWN, text)


def _whole(text: str) -> Pasted | None:
    # A phone number is written with spaces and dashes, and a token that went through a chat has line breaks.
    for spelling in (text, re.sub(r"\s+", "", text), re.sub(r"[\s()-]+", "", text)):
        for form, pattern in _WHOLE:
            digits_alone = spelling is not text and form not in (Form.JWT, Form.REFRESH_TOKEN, Form.PHONE)
            if not digits_alone and pattern.fullmatch(spelling):
                return Pasted(form, spelling)
    return None


def claims_in(token: str) -> tuple[dict[str, object], dict[str, object]] | None:
    """A JWT's header and claims as they say of themselves, unverified; None when it is no JWT at all."""
    try:
        parts = [urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")[:2]]
        header, claims = (json.loads(part.decode()) for part in parts)
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return None
    return header, claims
