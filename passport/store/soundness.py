"""Whether what was read of a user is what it is taken for: MongoDB keeps any type, and people edit by hand.

Sign-ins of the same moment are judged side by side, and there a surprise would be everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from passport.models import User


class UnsoundDocument(Exception):
    """A member of a document is of another type than it should be; the text is its name and no content."""


def ensure_sound(user: User) -> User:
    """The user, if a sign-in can rely on what it reads of them.

    Raises:
        UnsoundDocument: it cannot.
    """
    for each in user.identities:
        _ensure("identities", isinstance(each.appid, str) and isinstance(each.openid, str))
    _ensure("profile", _is_mapping(user.from_wechat))
    _ensure("active_in", _is_mapping(user.active_in))
    _ensure("active_in", all(isinstance(each, datetime) for each in user.active_in.values()))
    _ensure("ban", user.ban is None or isinstance(user.ban.until, datetime | None))
    return user


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _ensure(name: str, sound: bool) -> None:
    if not sound:
        raise UnsoundDocument(name)
