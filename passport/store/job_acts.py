"""What a job does to one user, and how it is undone: pure rules over the user's document.

A document that is not of our form, as somebody's own script may have left it, raises TypeError, ValueError or KeyError.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passport.care.rules import MOST_TAGS
from passport.jobs.model import Act, Kind, Why
from passport.models import Ban
from passport.store.users import ban_document

Document = dict[str, Any]

# A session lives by its user's epoch (`passport.sessions`), so this ends them all in the same statement.
_END_SESSIONS: Document = {"$inc": {"session_epoch": 1}, "$unset": {"spared_session": ""}}

_LIFT: Document = {"$set": {"status": "active"}, "$unset": {"ban": ""}}
# The part of a user that acts and undoings look at.
STATE: Document = dict.fromkeys(("status", "ban", "tags", "session_epoch"), 1)


class Unable(Exception):
    """The act cannot be done to this user."""

    def __init__(self, why: Why) -> None:
        self.why = why


@dataclass(frozen=True, slots=True)
class Change:
    """A write to one user, what was there before, and the epoch after it when it ends the sessions."""

    update: Document
    before: Document
    epoch: int | None = None


def change(act: Act, user: Document, *, by: str, at: datetime) -> Change | None:
    """What the act changes about the user; None when it is so already.

    Args:
        act: what the job does.
        user: the members named in STATE.
        by: who bans.
        at: when.

    Raises:
        Unable: it cannot be done to this user.
    """
    match act.kind:
        case Kind.BAN:
            return None if holds(user, at) else _ban(act, user, by, at)
        case Kind.UNBAN:
            before = {"ban": user.get("ban"), "epoch": _epoch(user)}
            return Change(_LIFT, before) if _is_marked(user) else None
        case Kind.TAG:
            return None if act.tag in _tags(user) else _tagged(act, user)
        case Kind.UNTAG:
            return _untagged(act, user) if act.tag in _tags(user) else None
        case Kind.END_SESSIONS:
            return Change(_END_SESSIONS, {}, _epoch(user) + 1)


def restoration(act: Act, user: Document, note: Document, *, at: datetime) -> Change | None:
    """What puts the user back to where they were before the job; None when somebody changed them since.

    Args:
        act: what the job did.
        user: the members named in STATE, as they are now.
        note: what was noted of the change: `before`, `by`, `at`.
        at: now.

    Raises:
        Unable: it cannot be done to this user.
    """
    match act.kind:
        case Kind.BAN:
            ours = ban_document(_ban_of(act, note["by"], note["at"]))
            return Change(_put_back(note["before"]), {}) if user.get("ban") == ours else None
        case Kind.UNBAN:
            return _ban_again(user, note["before"], at)
        case Kind.TAG:
            return _untagged(act, user) if act.tag in _tags(user) else None
        case Kind.UNTAG:
            return None if act.tag in _tags(user) else _tagged(act, user)
        case Kind.END_SESSIONS:
            return None


def holds(user: Document, at: datetime) -> bool:
    """Whether the user is banned at this time: the rule of `passport.users.ensure_active`."""
    ban = user.get("ban")
    return ban is not None and (ban["until"] is None or ban["until"] > at)


def _ban(act: Act, user: Document, by: str, at: datetime) -> Change:
    before: Document = {name: user[name] for name in ("status", "ban") if name in user}
    ban = ban_document(_ban_of(act, by, at))
    return Change({"$set": {"status": "banned", "ban": ban}, **_END_SESSIONS}, before, _epoch(user) + 1)


def _ban_of(act: Act, by: str, at: datetime) -> Ban:
    return Ban(reason=act.reason, by=by, at=at, until=act.until, shown=act.shown)


def _put_back(before: Document) -> Document:
    update: Document = {"$set": {"status": before.get("status", "active")}}
    if "ban" in before:
        update["$set"]["ban"] = before["ban"]
    else:
        update["$unset"] = {"ban": ""}
    return update


def _ban_again(user: Document, before: Document, at: datetime) -> Change | None:
    # A ban by hand raises the epoch. So one that came and was lifted since is seen, and that decision stands.
    if _is_marked(user) or _epoch(user) != before["epoch"]:
        return None
    update: Document = {"$set": {"status": "banned", "ban": before["ban"]}}
    if not holds(before, at):
        return Change(update, {})
    return Change({**update, **_END_SESSIONS}, {}, _epoch(user) + 1)


def _is_marked(user: Document) -> bool:
    return user.get("ban") is not None


def _tagged(act: Act, user: Document) -> Change:
    tags = sorted({*_tags(user), act.tag})
    if len(tags) > MOST_TAGS:
        raise Unable(Why.TOO_MANY_TAGS)
    return Change({"$set": {"tags": tags}}, {})


def _untagged(act: Act, user: Document) -> Change:
    return Change({"$set": {"tags": [each for each in _tags(user) if each != act.tag]}}, {})


def _tags(user: Document) -> list[str]:
    return list(user.get("tags", ()))


def _epoch(user: Document) -> int:
    return int(user.get("session_epoch", 0))
