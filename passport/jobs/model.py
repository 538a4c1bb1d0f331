"""What a job is: plain data that the domain, the store and the views pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# How many users can be picked one by one; more are named by a filter.
MOST_PICKED = 1_000
# For how long a job can be undone, and a user's timeline tells of it.
CHANGES_LAST = timedelta(days=30)
# Of those that failed, how many are named.
FAILURES_TOLD = 1_000


class Kind(StrEnum):
    """What a job does to each user."""

    BAN = "ban"
    UNBAN = "unban"
    TAG = "tag"
    UNTAG = "untag"
    END_SESSIONS = "end_sessions"

    @property
    def undoable(self) -> bool:
        """Whether there is a way back: ended sessions stay ended."""
        return self is not Kind.END_SESSIONS


class State(StrEnum):
    """Where a job stands. The last three are over, of which the first two may be undone."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    UNDOING = "undoing"
    DONE = "done"
    STOPPED = "stopped"
    UNDONE = "undone"

    @property
    def over(self) -> bool:
        """Whether nobody works on it."""
        return self in (State.DONE, State.STOPPED, State.UNDONE)


class Why(StrEnum):
    """Why a user was not acted on, or a job ended early."""

    GONE = "gone"
    REFUSED = "refused"
    TOO_MANY_TAGS = "too_many_tags"
    CHANGED_SINCE = "changed_since"
    GAVE_UP = "gave_up"
    ASKED = "asked"
    OPERATOR_DISABLED = "operator_disabled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Act:
    """What to do to each user. `until` None bans until the ban is lifted; `tag` is for tag and untag."""

    kind: Kind
    reason: str = ""
    until: datetime | None = None
    shown: bool = False
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is meant: the users picked one by one, or with `query` all that match that filter of the user list."""

    ids: tuple[str, ...] = ()
    query: Mapping[str, str] | None = None

    @property
    def by_filter(self) -> bool:
        """Whether all that match are meant."""
        return self.query is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job or its undoing is: users looked at, and what became of them.

    `skipped` had nothing to change. While undoing, `changed` counts those restored and `skipped` those left alone.
    """

    done: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A user that could not be acted on."""

    user_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Which worker has a job, and until when nobody else takes it."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """One act on many users.

    Args:
        total: how many were counted before the start; `exact` tells whether it is all of them or a floor.
        last_id: the newest user there was at the start; with `created_at` it keeps newcomers out.
        position: the last user that was looked at; `walked` when no one is left.
        by, by_name: the operator who started it; `undone_by` the one who had it undone.
        tries: how often a worker took it since it last moved; `size` is how many users the next batch has at most.
        why: why it ended early.
        unmarked: users whose sessions it ended in the last batch, with their new epoch: the login history does not
            say so yet.
    """

    job_id: str
    act: Act
    selection: Selection
    state: State
    by: str
    by_name: str
    created_at: datetime
    total: int
    exact: bool = True
    last_id: str | None = None
    position: str | None = None
    walked: bool = False
    progress: Progress = Progress()
    failures: tuple[Failure, ...] = ()
    tries: int = 0
    size: int | None = None
    why: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lease: Lease | None = None
    undo: Progress = Progress()
    undo_position: str | None = None
    undo_failures: tuple[Failure, ...] = ()
    undo_walked: bool = False
    undone_by: str | None = None
    undone_by_name: str | None = None
    unmarked: Mapping[str, int] = field(default_factory=dict)

    @property
    def undoing(self) -> bool:
        """Whether it is being undone."""
        return self.state is State.UNDOING

    @property
    def now_walked(self) -> bool:
        """Whether nobody is left to act on, or to restore."""
        return self.undo_walked if self.undoing else self.walked

    def can_stop(self) -> bool:
        """Whether it is under way and was not told to stop."""
        return self.state in (State.WAITING, State.RUNNING)

    def can_undo(self, now: datetime) -> bool:
        """Whether it changed somebody, there is a way back, and what was before is still known."""
        ended = self.state in (State.DONE, State.STOPPED) and self.progress.changed > 0
        return ended and self.act.kind.undoable and now < self.created_at + CHANGES_LAST


@dataclass(frozen=True, slots=True)
class UserChange:
    """That a job changed a user, for the user's timeline; `undone_at` when it was put back."""

    job_id: str
    act: Act
    by_name: str
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Whom a job would meet.

    Args:
        total: how many are selected; at least so many when not `exact`.
        already: how many of them have nothing to change.
        names: a few of them.
    """

    total: int
    exact: bool
    already: int
    names: tuple[tuple[str, str], ...]
