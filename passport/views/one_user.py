"""One user as the dashboard shows them: masked, told apart by who said it, with the state that each form expects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit

from passport.care.devices import device_name
from passport.config import App
from passport.models import Ban, ClosedAccount, LastAct, Session, User
from passport.profiles import AVATAR_HOSTS
from passport.views.handles import handle_of
from passport.views.hostile import ShownText, shown_text
from passport.views.masking import masked, masked_phone

Status = Literal["active", "banned", "ban_over"]
_PROFILE = ("nickname", "gender", "city", "province", "country", "language")
_LONGEST, _AGENT = 2_000, 256


def state_mark(state: Ban | LastAct | str | tuple[str, ...] | None) -> str:
    """Names a state without telling it: a form sends it back, so that an act is done from no other than was seen.

    The same in every process.
    """
    plain = asdict(state) if isinstance(state, Ban | LastAct) else state
    return sha256(json.dumps(plain, default=datetime.isoformat).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PersonView:
    """Who somebody is, in a line. `avatar` is an address; None means that their pattern is drawn."""

    user_id: str
    nickname: ShownText | None
    handles: Mapping[str, str]
    avatar: str | None
    status: Status


@dataclass(frozen=True)
class BanView:
    """A ban in words."""

    reason: tuple[ShownText, ...]
    by: str
    at: datetime
    until: datetime | None
    shown: bool


@dataclass(frozen=True)
class ProfileRow:
    """One thing known of a person: WeChat's word and their own. `removed`: it was taken away, by them or for them."""

    name: str
    wechat: ShownText | None
    own: ShownText | None
    removed: bool


@dataclass(frozen=True)
class IdentityView:
    """Who they are to one mini-program. `field` is what a form asks for to see the openid."""

    app: str
    appid: str
    openid: str
    field: str
    revealed: bool


@dataclass(frozen=True)
class PhoneView:
    """The phone number, masked unless it was revealed."""

    number: str
    app: str
    bound_at: datetime
    revealed: bool


@dataclass(frozen=True)
class SessionView:
    """One sign-in. `state` is `alive`, `ended`, or `over` when its time was up."""

    session_id: str
    app: str
    device: str
    user_agent: ShownText
    ip: str
    created_at: datetime
    last_used_at: datetime
    state: str
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True)
class UndoView:
    """The last act, as long as it can be undone."""

    kind: str
    by: str
    at: datetime
    mark: str


def person_view(user: User, now: datetime) -> PersonView:
    """The user in a line."""
    nickname = user.profile.get("nickname")
    return PersonView(
        user_id=user.user_id,
        nickname=shown_text(str(nickname)) if nickname else None,
        handles={language: handle_of(user.user_id, language) for language in ("zh", "en")},
        avatar=avatar_address(user.avatar, user.profile.get("avatar_url")),
        status=status_of(user.ban, now),
    )


def status_of(ban: Ban | None, now: datetime) -> Status:
    """What a ban comes to now."""
    if ban is None:
        return "active"
    return "ban_over" if ban.until is not None and ban.until <= now else "banned"


def shown_lines(text: str) -> tuple[ShownText, ...]:
    """A text of several lines, each to be shown on its own; none for an empty text."""
    return tuple(shown_text(line, most=_LONGEST) for line in text.split("\n")) if text else ()


def ban_view(ban: Ban | None) -> BanView | None:
    """The ban in words."""
    if ban is None:
        return None
    return BanView(shown_lines(ban.reason), ban.by, ban.at, ban.until, ban.shown)


def profile_rows(user: User) -> tuple[ProfileRow, ...]:
    """What WeChat and what the person said, thing by thing; what nobody said is left out."""
    rows = (_profile_row(user, name) for name in _PROFILE)
    return tuple(row for row in rows if row.wechat or row.own or row.removed)


def identity_views(user: User, apps: Sequence[App], revealed: str | None) -> tuple[IdentityView, ...]:
    """The person's openids; the one that `revealed` names as it is."""
    fields = [f"openid.{number}" for number, _ in enumerate(user.identities)]
    return tuple(
        IdentityView(
            app=app_name(apps, identity.appid),
            appid=identity.appid,
            openid=identity.openid if field == revealed else masked(identity.openid),
            field=field,
            revealed=field == revealed,
        )
        for field, identity in zip(fields, user.identities, strict=True)
    )


def phone_view(user: User, apps: Sequence[App], revealed: str | None) -> PhoneView | None:
    """The phone number; as it is when `revealed` names it."""
    phone = user.phone
    if phone is None:
        return None
    number = phone.number if revealed == "phone" else masked_phone(phone.number)
    return PhoneView(number, app_name(apps, phone.appid), phone.bound_at, revealed == "phone")


def session_view(session: Session, apps: Sequence[App], *, alive: bool, whole_ip: bool) -> SessionView:
    """A sign-in as a row."""
    state = "alive" if alive else "ended" if session.ended_at is not None else "over"
    return SessionView(
        session_id=session.session_id,
        app=app_name(apps, session.appid),
        device=device_name(session.user_agent).text,
        user_agent=shown_text(session.user_agent, most=_AGENT),
        ip=session.ip if whole_ip else masked(session.ip),
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        state=state,
        ended_at=session.ended_at,
        ended_by=session.ended_by,
    )


def undo_view(act: LastAct | None) -> UndoView | None:
    """What the undo button says."""
    return UndoView(act.kind, act.by, act.at, state_mark(act)) if act else None


@dataclass(frozen=True)
class ClosedView:
    """What is left of an account: that there was one."""

    user_id: str
    registered_at: datetime
    closed_at: datetime
    by: str


def closed_view(closed: ClosedAccount) -> ClosedView:
    """The tombstone."""
    return ClosedView(closed.user_id, closed.registered_at, closed.closed_at, closed.closed_by)


def app_name(apps: Sequence[App], appid: str) -> str:
    """The mini-program's name in the configuration, else its appid."""
    return next((app.name or app.appid for app in apps if app.appid == appid), appid)


def _profile_row(user: User, name: str) -> ProfileRow:
    wechat, entered = user.from_wechat.get(name), user.entered.get(name)
    return ProfileRow(
        name=name,
        wechat=shown_text(str(wechat)) if wechat is not None else None,
        own=shown_text(str(entered)) if entered is not None else None,
        removed=name in user.entered and entered is None,
    )


def avatar_address(uploaded: str | None, wechats: object) -> str | None:
    """Where the picture is: the one that was uploaded, else WeChat's; None for any other address."""
    if uploaded:
        return f"/avatars/{uploaded}"
    url = str(wechats or "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    # Checked again where it is shown: from any other address a picture would tell somebody who looks at whom.
    return url if parts.scheme == "https" and parts.netloc in AVATAR_HOSTS else None
