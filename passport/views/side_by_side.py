"""Two accounts that may be one person's, row by row, with what differs and what is the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from passport.care.duplicates import Duplicate
from passport.config import App
from passport.models import User
from passport.views.hostile import ShownText, shown_text
from passport.views.masking import masked, masked_phone
from passport.views.one_user import PersonView, app_name, person_view
from passport.views.user_page import DoubtView, doubt_view

Verdict = Literal["same", "differs", "unknown"]


@dataclass(frozen=True)
class Row:
    """One thing of both. `verdict` compares what is kept, not what is shown of it.

    It is `unknown` where one has none, and where being equal says nothing.
    """

    name: str
    left: ShownText | datetime | None
    right: ShownText | datetime | None
    verdict: Verdict


@dataclass(frozen=True)
class SideBySideView:
    """Two accounts beside each other."""

    left: PersonView
    right: PersonView
    doubt: DoubtView
    rows: tuple[Row, ...]


def side_by_side(user: User, duplicate: Duplicate, apps: Sequence[App], now: datetime) -> SideBySideView:
    """The user and the other."""
    other = duplicate.other
    return SideBySideView(
        left=person_view(user, now),
        right=person_view(other, now),
        doubt=doubt_view(duplicate, now),
        rows=tuple(_rows(user, other, apps)),
    )


def _rows(left: User, right: User, apps: Sequence[App]) -> list[Row]:
    compared = [
        ("phone", _phone(left), _phone(right)),
        ("unionid", left.unionid, right.unionid),
        *((name, _said(left, name), _said(right, name)) for name in ("nickname", "gender", "city")),
    ]
    told = [
        ("apps", _apps(left, apps), _apps(right, apps)),
        ("tags", ", ".join(left.tags) or None, ", ".join(right.tags) or None),
        ("sign_ins", str(left.sign_ins), str(right.sign_ins)),
    ]
    hidden = {"phone": masked_phone, "unionid": masked}
    rows = [
        Row(name, _shown(one, hidden.get(name)), _shown(two, hidden.get(name)), _verdict(one, two))
        for name, one, two in compared
    ]
    rows += [Row(name, _shown(one, None), _shown(two, None), "unknown") for name, one, two in told]
    times = (
        ("created_at", left.created_at, right.created_at),
        ("last_seen_at", left.last_seen_at, right.last_seen_at),
    )
    return [*rows, *(Row(name, one, two, "unknown") for name, one, two in times)]


def _phone(user: User) -> str | None:
    return user.phone.number if user.phone else None


def _apps(user: User, apps: Sequence[App]) -> str:
    return ", ".join(app_name(apps, each.appid) for each in user.identities)


def _said(user: User, name: str) -> str | None:
    value = user.profile.get(name)
    return str(value) if value is not None else None


def _verdict(one: str | None, two: str | None) -> Verdict:
    if one is None or two is None:
        return "unknown"
    return "same" if one == two else "differs"


def _shown(text: str | None, hide: object) -> ShownText | None:
    if text is None:
        return None
    return shown_text(hide(text) if callable(hide) else text)
