"""What the audit page shows: acts with what they changed, the filter, and the state of the chain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.audit import Head
from passport.audit.fields import is_hidden
from passport.audit.reading import ShownAct
from passport.models import Act
from passport.operators.roles import Rank

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)

# Where a target can be looked at, and who may.
_PAGES = {
    "user": ("/admin/users/", Rank.VIEWER),
    "job": ("/admin/jobs/", Rank.VIEWER),
    "operator": ("/admin/operators/", Rank.ADMIN),
}


@dataclass(frozen=True)
class Value:
    """A field on one side of a change. `hidden`: it was not kept, only a digest by which it can be compared."""

    text: str
    hidden: bool


@dataclass(frozen=True)
class Change:
    """One field of an act; None on a side that does not name it."""

    name: str
    before: Value | None
    after: Value | None

    @property
    def is_same(self) -> bool:
        """Whether both sides say the same."""
        return self.before == self.after


@dataclass(frozen=True)
class ActRow:
    """One act."""

    seq: int
    at: datetime
    name: str
    failed: bool
    actor: str
    actor_id: str
    target_kind: str
    target_id: str
    target_path: str | None
    changes: tuple[Change, ...]
    ip: str
    request_id: str
    genuine: bool


@dataclass(frozen=True)
class ChainState:
    """What is known of the chain.

    Args:
        head: the last entry.
        anchored: the head in the file of this host; None when there is none.
        anchor_problem: the file is there and holds none.
        checked_at, checked_by, entries: of the last check; None when there was none.
        sound: what came of it; None when it came to no end.
        entry, fault: the first bad entry and what is wrong with it.
        running: one is under way.
    """

    head: Head | None
    anchored: Head | None
    anchor_problem: bool
    running: bool
    checked_at: datetime | None = None
    checked_by: str = ""
    entries: int = 0
    sound: bool | None = None
    entry: int | None = None
    fault: str = ""


@dataclass(frozen=True)
class FilterFields:
    """The filter as it was typed, and what is wrong with it, by field."""

    actor: str = ""
    kind: str = ""
    target: str = ""
    since: str = ""
    until: str = ""
    faults: frozenset[str] = frozenset()

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered."""
        return any((self.actor, self.kind, self.target, self.since, self.until))


@dataclass(frozen=True)
class AuditView:
    """The page.

    Args:
        total: how many match; `counted_up` when there are at least so many.
        actors, kinds: what can be chosen, as pairs of value and text.
        older, newer, csv, jsonl: addresses; None where there is nothing more.
        may_verify: whether whoever looks may begin a check.
    """

    rows: tuple[ActRow, ...]
    total: int
    counted_up: bool
    fields: FilterFields
    actors: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    chain: ChainState
    older: str | None
    newer: str | None
    csv: str
    jsonl: str
    may_verify: bool


@dataclass(frozen=True)
class Words:
    """How things are called in the page's language: acts by kind, fields by name, values, and times."""

    act: Callable[[str], str]
    field: Callable[[str], str]
    value: Callable[[str, str], str]
    time: Callable[[datetime], str]


def act_row(shown: ShownAct, *, words: Words, rank: Rank) -> ActRow:
    """The act as it is shown to somebody of this rank."""
    act = shown.act
    return ActRow(
        seq=shown.seq,
        at=act.at,
        name=words.act(act.kind.removesuffix(".failed")),
        failed=act.kind.endswith(".failed"),
        actor=act.actor_name,
        actor_id=act.actor_id,
        target_kind=act.target_kind,
        target_id=act.target_id,
        target_path=_path(act, rank),
        changes=changes(act.before, act.after, words),
        ip=act.ip,
        request_id=act.request_id,
        genuine=shown.genuine,
    )


def changes(before: Mapping[str, object], after: Mapping[str, object], words: Words) -> tuple[Change, ...]:
    """Every field that either side names, in the order in which they are named."""
    names = list(dict.fromkeys([*before, *after]))
    return tuple(
        Change(words.field(name), _side(before, name, words), _side(after, name, words)) for name in names
    )


def chain_state(
    last: Act | None, *, head: Head | None, anchored: Head | None, anchor_problem: bool, running: bool
) -> ChainState:
    """The state, from the act that the last check was."""
    found = last.after if last else {}
    entries, entry, sound = found.get("entries"), found.get("entry"), found.get("sound")
    return ChainState(
        head=head,
        anchored=anchored,
        anchor_problem=anchor_problem,
        running=running,
        checked_at=last.at if last else None,
        checked_by=last.actor_name if last else "",
        entries=entries if isinstance(entries, int) else 0,
        sound=sound if isinstance(sound, bool) else None,
        entry=entry if isinstance(entry, int) else None,
        fault=str(found.get("fault", "")),
    )


def _path(act: Act, rank: Rank) -> str | None:
    if act.target_kind == "key":
        return "/admin/keys" if rank >= Rank.ADMIN else None
    start, least = _PAGES.get(act.target_kind, ("", Rank.VIEWER))
    # The id comes from the database, so it must look like one before it goes into an address.
    usable = start and act.target_id.isascii() and act.target_id.isalnum()
    return start + act.target_id if usable and rank >= least else None


def _side(values: Mapping[str, object], name: str, words: Words) -> Value | None:
    if name not in values:
        return None
    value = values[name]
    return Value(_text(name, value, words), is_hidden(value))


def _text(name: str, value: object, words: Words) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return "✓" if value else "✗"
        case str():
            moment = _moment(value)
            return words.time(moment) if moment else words.value(name, value)
        case Sequence():
            return ", ".join(_text(name, each, words) for each in value) or "–"
        case _:
            return str(value)


def _moment(text: str) -> datetime | None:
    """The time that is kept as such a text; None for any other text."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
