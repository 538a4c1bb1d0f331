"""Jobs as the dashboard shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from passport.jobs.model import Failure, Job, Preview, Progress, Selection
from passport.views.hostile import ShownText, shown_text
from passport.views.masking import masked

# Of those who failed, as many as anybody reads on a page.
_NAMED = 100
# Shorter ones are words that were typed; what is longer may be an openid, a token or a phone number.
_SHORT = 6


@dataclass(frozen=True)
class WhoView:
    """Whom a job means: so many that were picked, or else each condition of a filter as (field, value)."""

    picked: int | None
    conditions: tuple[tuple[str, ShownText], ...]

    @property
    def everybody(self) -> bool:
        """Whether nobody is left out."""
        return self.picked is None and not self.conditions


@dataclass(frozen=True)
class JobView:
    """A job.

    Args:
        kind: what it does: a `passport.jobs.model.Kind`.
        state: where it stands: a `State`.
        live: whether it is still moving.
        progress: of the act, or of its undoing while that goes on.
        measured: whether the bar has an end to go to.
        failures: those who could not be acted on, or not be restored, and why; `unnamed` counts the others.
        why: why it ended early.
    """

    job_id: str
    kind: str
    reason: ShownText
    tag: ShownText
    until: datetime | None
    who: WhoView
    state: str
    live: bool
    undoing: bool
    by: ShownText
    undone_by: ShownText
    created_at: datetime
    ended_at: datetime | None
    total: int
    exact: bool
    progress: Progress
    done: Progress
    undo: Progress
    measured: bool
    failures: tuple[Failure, ...]
    unnamed: int
    why: str | None
    can_stop: bool
    can_undo: bool


@dataclass(frozen=True)
class JobListView:
    """The list of jobs, a page of it."""

    jobs: tuple[JobView, ...]
    older: str | None
    newest: str | None


@dataclass(frozen=True)
class PersonView:
    """Somebody who would be met."""

    user_id: str
    nickname: ShownText


@dataclass(frozen=True)
class ActForm:
    """What was typed."""

    kind: str
    reason: str = ""
    lasting: str = "open"
    until: str = ""
    shown: bool = False
    tag: str = ""
    typed: str = ""


@dataclass(frozen=True)
class ActFaults:
    """What is wrong with it, by field: a fault of passport.care.rules; empty where nothing is."""

    reason: str = ""
    until: str = ""
    tag: str = ""
    typed: str = ""


@dataclass(frozen=True)
class NewJobView:
    """Whom a job would meet, and the form that starts it.

    Args:
        hidden: the fields that name the selection.
        people: a few of those meant.
        confirm: whether the number is to be typed.
        tags: those in use.
        zone: by whose clock the end of a ban is typed.
    """

    who: WhoView
    total: int
    exact: bool
    already: int
    people: tuple[PersonView, ...]
    hidden: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]
    form: ActForm
    faults: ActFaults
    confirm: bool
    tags: tuple[str, ...]
    zone: str
    reason_limit: int
    tag_limit: int

    @property
    def to_change(self) -> int:
        """How many are as the act would make them not yet."""
        return self.total - self.already


@dataclass(frozen=True)
class UsersExportView:
    """What an export would hold: whom, how many, and under which addresses it is to be had."""

    who: WhoView
    total: int
    exact: bool
    csv: str
    jsonl: str
    plain: str
    columns: tuple[str, ...]
    fresh: bool


def who_view(selection: Selection, *, picked: int | None = None) -> WhoView:
    """Whom a selection means. What was searched for may be somebody's number, and is masked then.

    Args:
        selection: by ids or by a filter.
        picked: how many ids there are, where they were not read.
    """
    if not selection.by_filter:
        return WhoView(len(selection.ids) or picked or 0, ())
    query = dict(selection.query or {})
    sought = query.get("q", "")
    if len(sought) > _SHORT and any(each.isdigit() for each in sought):
        query["q"] = masked(sought)
    return WhoView(None, tuple((name, shown_text(value)) for name, value in query.items()))


def job_view(job: Job, now: datetime) -> JobView:
    """A job as it stands now."""
    undoing = job.undoing or job.undone_by is not None
    failures = job.undo_failures if undoing else job.failures
    progress = job.undo if undoing else job.progress
    total = job.progress.changed if undoing else job.total
    return JobView(
        job_id=job.job_id,
        kind=job.act.kind.value,
        reason=shown_text(job.act.reason, most=500),
        tag=shown_text(job.act.tag),
        until=job.act.until,
        who=who_view(job.selection, picked=job.total),
        state=job.state.value,
        live=not job.state.over,
        undoing=undoing,
        by=shown_text(job.by_name),
        undone_by=shown_text(job.undone_by_name or ""),
        created_at=job.created_at,
        ended_at=job.ended_at,
        total=max(total, progress.done),
        exact=job.exact or undoing,
        progress=progress,
        done=job.progress,
        undo=job.undo,
        # Counted only so far, and further than that by now: nobody knows how much is left.
        measured=job.exact or undoing or progress.done < total,
        failures=tuple(failures[:_NAMED]),
        unnamed=max(0, (progress.failed + (progress.skipped if undoing else 0)) - len(failures[:_NAMED])),
        why=job.why,
        can_stop=job.can_stop(),
        can_undo=job.can_undo(now),
    )


def people_view(preview: Preview) -> tuple[PersonView, ...]:
    """A few of those whom a job would meet."""
    return tuple(PersonView(user_id, shown_text(name)) for user_id, name in preview.names)
