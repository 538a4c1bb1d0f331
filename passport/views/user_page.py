"""The page of one user, put together from what was read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.care.duplicates import Doubts, Duplicate
from passport.care.history import Page
from passport.config import App
from passport.models import Consent, LastAct, Session, User
from passport.views.hostile import ShownText
from passport.views.masking import masked
from passport.views.one_user import (
    BanView,
    IdentityView,
    PersonView,
    PhoneView,
    ProfileRow,
    SessionView,
    UndoView,
    ban_view,
    identity_views,
    person_view,
    phone_view,
    profile_rows,
    session_view,
    shown_lines,
    state_mark,
    undo_view,
)
from passport.views.user_history import HappeningView, happening_view

_ALIVE_SHOWN, _ENDED_SHOWN, _SUGGESTED = 50, 10, 30


@dataclass(frozen=True)
class Found:
    """What was read for the page."""

    alive: Sequence[Session]
    recent: Sequence[Session]
    history: Page
    doubts: Doubts
    tags_in_use: Sequence[str]
    undoable: LastAct | None


@dataclass(frozen=True)
class Asked:
    """How the page is asked for.

    Args:
        now: the present.
        apps: the configured mini-programs.
        policy: the version of the privacy policy in force.
        whole_ip: whether addresses are shown whole, which are masked for who only looks.
        before: the place in the history after which it goes on.
        revealed: the one field that is shown as it is.
        typed: what was typed into a form and could not be taken.
        alert: what an act has to say that could not be done.
    """

    now: datetime
    apps: Sequence[App]
    policy: str | None
    whole_ip: bool
    before: str | None = None
    revealed: str | None = None
    typed: Typed | None = None
    alert: str | None = None


@dataclass(frozen=True)
class Typed:
    """What was typed into a form that could not be taken, and why not: a fault of passport.care.rules, or `changed`."""

    form: str
    text: str
    fault: str


@dataclass(frozen=True)
class DoubtView:
    """An account that may be the same person's."""

    other: PersonView
    grounds: tuple[str, ...]
    sign_ins: int
    settled_by: str | None


@dataclass(frozen=True)
class NewUnionidView:
    """A unionid that came with a sign-in and is nobody's; masked."""

    conflict_id: str
    unionid: str
    sign_ins: int


@dataclass(frozen=True)
class ConsentView:
    """Which privacy policy the user agreed to."""

    version: str
    at: datetime
    current: bool


@dataclass(frozen=True)
class UserView:
    """All that the page shows. The marks say from which state each of its forms was made."""

    person: PersonView
    created_at: datetime
    last_seen_at: datetime
    sign_ins: int
    consent: ConsentView | None
    ban: BanView | None
    profile: tuple[ProfileRow, ...]
    identities: tuple[IdentityView, ...]
    unionid: str | None
    revealed: str | None
    phone: PhoneView | None
    tags: tuple[str, ...]
    suggestions: tuple[str, ...]
    note: tuple[ShownText, ...]
    note_text: str
    alive: tuple[SessionView, ...]
    alive_count: int
    ended: tuple[SessionView, ...]
    history: tuple[HappeningView, ...]
    older: str | None
    is_latest: bool
    doubts: tuple[DoubtView, ...]
    settled: tuple[DoubtView, ...]
    new_unionids: tuple[NewUnionidView, ...]
    undo: UndoView | None
    ban_mark: str
    note_mark: str
    tags_mark: str
    typed: Typed | None
    alert: str | None


def user_view(user: User, found: Found, asked: Asked) -> UserView:
    """The page of the user."""
    apps, typed, whole_ip = asked.apps, asked.typed, asked.whole_ip
    alive_ids = {session.session_id for session in found.alive}
    ended = [each for each in found.recent if each.session_id not in alive_ids][:_ENDED_SHOWN]
    doubts = [doubt_view(each, asked.now) for each in found.doubts.duplicates]
    return UserView(
        person=person_view(user, asked.now),
        created_at=user.created_at,
        last_seen_at=user.last_seen_at,
        sign_ins=user.sign_ins,
        consent=_consent(user.consent, asked.policy),
        ban=ban_view(user.ban),
        profile=profile_rows(user),
        identities=identity_views(user, apps, asked.revealed),
        unionid=_unionid(user, asked.revealed),
        revealed=asked.revealed,
        phone=phone_view(user, apps, asked.revealed),
        tags=user.tags,
        suggestions=tuple(each for each in found.tags_in_use if each not in user.tags)[:_SUGGESTED],
        note=shown_lines(user.note),
        note_text=typed.text if typed and typed.form == "note" else user.note,
        alive=tuple(
            session_view(each, apps, alive=True, whole_ip=whole_ip) for each in found.alive[:_ALIVE_SHOWN]
        ),
        alive_count=len(found.alive),
        ended=tuple(session_view(each, apps, alive=False, whole_ip=whole_ip) for each in ended),
        history=tuple(happening_view(each, apps, whole_ip=whole_ip) for each in found.history.happenings),
        older=found.history.older,
        is_latest=asked.before is None,
        doubts=tuple(each for each in doubts if each.settled_by is None),
        settled=tuple(each for each in doubts if each.settled_by is not None),
        new_unionids=tuple(
            NewUnionidView(each.conflict_id, masked(each.unionid or ""), each.sign_ins)
            for each in found.doubts.new_unionids
        ),
        undo=undo_view(found.undoable),
        ban_mark=state_mark(user.ban),
        note_mark=state_mark(user.note),
        tags_mark=state_mark(user.tags),
        typed=typed,
        alert=asked.alert,
    )


def doubt_view(duplicate: Duplicate, now: datetime) -> DoubtView:
    """An account that may be the same person's."""
    sign_ins = duplicate.conflict.sign_ins if duplicate.conflict else 0
    return DoubtView(person_view(duplicate.other, now), duplicate.grounds, sign_ins, duplicate.settled_by)


def _consent(consent: Consent | None, policy: str | None) -> ConsentView | None:
    return ConsentView(consent.version, consent.at, consent.version == policy) if consent else None


def _unionid(user: User, revealed: str | None) -> str | None:
    if user.unionid is None:
        return None
    return user.unionid if revealed == "unionid" else masked(user.unionid)
