"""Put jobs together: what they are given of the rest of the domain."""

from __future__ import annotations

from passport.audit import Audit
from passport.clock import Now
from passport.config import Settings
from passport.directory.filters import UserFilter
from passport.jobs.model import Job, Progress, Selection, State, Why
from passport.jobs.service import Jobs
from passport.jobs.worker import Busy, Ended, Means, Worker
from passport.models import Act
from passport.operators.roles import Rank, rank_of
from passport.store import Store
from passport.store.job_batches import Meant


def make_jobs(settings: Settings, *, store: Store, audit: Audit, busy: Busy, now: Now) -> Jobs:
    """The jobs of the deployment, and this process's worker, which does not work yet.

    Args:
        settings: the apps, and the time zone of the days in a filter.
        store: the database.
        audit: where it is noted that a job is over.
        busy: whether others need the database more.
        now: the clock.
    """
    means = meaning(settings)

    async def allowed(operator_id: str) -> bool:
        operator = await store.operators.find(operator_id)
        return bool(operator and operator.disabled_at is None and rank_of(operator.role) >= Rank.OPERATOR)

    worker = Worker(
        store=store.jobs,
        batches=store.job_batches,
        means=means,
        ended=_ended(audit, now),
        allowed=allowed,
        busy=busy,
        now=now,
    )
    return Jobs(store=store.jobs, selection=store.job_selection, means=means, worker=worker, now=now)


def meaning(settings: Settings) -> Means:
    """Whom a selection by filter means, in this deployment's time zone and apps; None when the users were picked."""
    appids = tuple(app.appid for app in settings.wechat.apps)

    def means(selection: Selection) -> Meant | None:
        if selection.query is None:
            return None
        asked, faults = UserFilter.from_query(selection.query, settings.dashboard.zone)
        # Without its faulty part a filter means more people than anybody wanted.
        assert not faults, "a job is made of a filter without faults"
        return Meant(asked, appids)

    return means


def _ended(audit: Audit, now: Now) -> Ended:
    async def ended(job: Job, state: State, why: Why | None) -> None:
        undone = job.undoing
        await audit.record(
            Act(
                kind=f"job.{state.value}",
                actor_id=(job.undone_by if undone else job.by) or "",
                actor_name=(job.undone_by_name if undone else job.by_name) or "",
                target_kind="job",
                target_id=job.job_id,
                before={},
                after={
                    **_counts(job.undo if undone else job.progress),
                    "action": job.act.kind.value,
                    **told_selection(job.selection),
                    "why": why.value if why else None,
                },
                # Nobody asks for this: the worker tells it.
                ip="",
                request_id="",
                at=now(),
            )
        )

    return ended


def told_selection(selection: Selection) -> dict[str, object]:
    """Whom a job or an export means, for the audit log. What was searched for may be somebody's name or number.

    So it is a field of its own, of which the log keeps a digest.
    """
    if selection.query is None:
        return {"count": len(selection.ids)}
    kept = [f"{name}={value}" for name, value in selection.query.items() if name != "q"]
    sought = selection.query.get("q")
    return {"filter": kept or ["everybody"]} if sought is None else {"filter": kept, "sought": sought}


def _counts(progress: Progress) -> dict[str, object]:
    return {name: getattr(progress, name) for name in ("done", "changed", "skipped", "failed")}
