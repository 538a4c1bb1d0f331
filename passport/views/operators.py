"""What the pages about operators show: their names, roles and devices; never a hash, a seed or a digest of a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from passport.models import Member, OperatorSession, Role

ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")
_ID_DIGITS = 16
# The first that is found names it: many claim to be Safari, and WeChat's own browser claims to be Chrome, too.
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS X|Macintosh", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class SignInView:
    """The form of name and password. `problem` is one text for whatever is wrong with them."""

    next: str
    name: str = ""
    problem: str | None = None


@dataclass(frozen=True)
class CodeView:
    """The form of the second factor: a code of the app, or with `recovery` one of the recovery codes."""

    next: str
    name: str
    recovery: bool
    problem: str | None = None


@dataclass(frozen=True)
class ReauthView:
    """The form that asks for the password again."""

    next: str
    name: str
    problem: str | None = None


@dataclass(frozen=True)
class SetUpView:
    """The form behind a one-time link: of the first admin, who chooses a name, or of whoever has one."""

    first: bool
    name: str
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeviceRow:
    """Where an operator is signed in. `id` names the session and opens nothing."""

    id: str
    browser: str
    ip: str
    signed_in_at: datetime
    last_used_at: datetime
    current: bool


@dataclass(frozen=True)
class AccountView:
    """Somebody's own account."""

    name: str
    role: Role
    second_factor_since: datetime | None
    recovery_codes_left: int
    devices: tuple[DeviceRow, ...]
    fresh: bool
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnrolmentView:
    """The QR code to scan, and the form for the first code."""

    picture: str = field(repr=False)
    seed: str = field(repr=False)
    sealed: str = field(repr=False)
    problem: str | None = None


@dataclass(frozen=True)
class CodesView:
    """Ten recovery codes, shown this once."""

    codes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class OperatorRow:
    """One operator as an admin sees them. `waits` says that they have not set a password yet."""

    operator_id: str
    name: str
    role: Role
    disabled_at: datetime | None
    created_at: datetime
    last_signed_in_at: datetime | None
    second_factor: bool
    waits: bool
    oneself: bool


@dataclass(frozen=True)
class OperatorView:
    """One operator, and whether the admin has just proved who they are, without which nothing is changed."""

    row: OperatorRow
    devices: tuple[DeviceRow, ...]
    fresh: bool


@dataclass(frozen=True)
class AddView:
    """The form that adds an operator."""

    name: str = ""
    role: str = "operator"
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkView:
    """A one-time link, shown this once, for the admin to hand over."""

    name: str
    operator_id: str
    link: str = field(repr=False)


def device_rows(
    sessions: list[OperatorSession], current: OperatorSession | None = None
) -> tuple[DeviceRow, ...]:
    """The devices of one operator, the present one first, then the newest."""
    rows = [
        DeviceRow(
            id=public_id(each),
            browser=browser_of(each.user_agent),
            ip=each.ip,
            signed_in_at=each.created_at,
            last_used_at=each.last_used_at,
            current=current is not None and each.digest == current.digest,
        )
        for each in sessions
    ]
    return tuple(sorted(rows, key=lambda row: not row.current))


def public_id(session: OperatorSession) -> str:
    """By which a form names a session: a part of the digest of its token, which is known to the browser alone."""
    return session.digest.hex()[:_ID_DIGITS]


def operator_row(member: Member, *, oneself: str) -> OperatorRow:
    """The row of this operator; `oneself` is the id of whoever looks."""
    operator = member.operator
    return OperatorRow(
        operator_id=operator.operator_id,
        name=operator.name,
        role=operator.role,
        disabled_at=operator.disabled_at,
        created_at=operator.created_at,
        last_signed_in_at=member.last_signed_in_at,
        second_factor=member.second_factor is not None,
        waits=member.password_hash is None,
        oneself=operator.operator_id == oneself,
    )


def browser_of(user_agent: str) -> str:
    """`Chrome · Windows`, as far as the browser tells; empty when it does not."""
    names = (_first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent))
    return " · ".join(name for name in names if name)


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for pattern, name in table if re.search(pattern, user_agent)), "")
