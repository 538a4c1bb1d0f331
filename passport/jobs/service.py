"""Jobs, as an operator has them: look whom one would meet, start it, stop it, undo it. The work is the worker's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from passport.clock import Now
from passport.jobs.model import MOST_PICKED, Act, Job, Preview, Selection, State, UserChange
from passport.jobs.worker import Means, Worker
from passport.models import Operator
from passport.store.job_selection import JobSelection
from passport.store.jobs import JobStore

# From how many users on their number is typed before anything happens to them.
CONFIRMED_FROM = 101
_LISTED = 50
_CHANGES_TOLD = 100


class NotConfirmed(Exception):
    """The number that was typed is not how many would be met; `preview` says how many they are."""

    def __init__(self, preview: Preview) -> None:
        self.preview = preview


@dataclass(frozen=True)
class Page:
    """Jobs, newest first, and the last of them when older ones follow."""

    jobs: tuple[Job, ...]
    next_before: str | None


class Jobs:
    """All jobs of the deployment.

    Args:
        store: where they are kept.
        selection: whom they would meet.
        means: whom a selection by filter means.
        worker: of this process.
        now: the clock.
    """

    def __init__(
        self, *, store: JobStore, selection: JobSelection, means: Means, worker: Worker, now: Now
    ) -> None:
        self._store, self._selection, self._means = store, selection, means
        self.worker, self._now = worker, now

    @staticmethod
    def new_id() -> str:
        """The id of a job to be, so that it can be noted before it is made."""
        return JobStore.new_id()

    async def preview(self, act: Act, selection: Selection) -> Preview:
        """Whom the act would meet."""
        meant = self._means(selection)
        return await self._selection.preview(act, selection.ids, meant, now=self._now())

    async def confirmed(self, act: Act, selection: Selection, typed: str) -> Preview:
        """Whom the act meets, if the operator knows how many they are.

        Args:
            act, selection: what to do to whom.
            typed: the number, as it was typed; not looked at when they are few.

        Raises:
            NotConfirmed: it is another one. People come and go meanwhile, so one percent more is no other number.
        """
        preview = await self.preview(act, selection)
        digits = "".join(each for each in typed if each.isdecimal())[:12]
        if preview.total >= CONFIRMED_FROM and not preview.total <= int(digits or 0) * 1.01:
            raise NotConfirmed(preview)
        return preview

    async def start(
        self, act: Act, selection: Selection, *, by: Operator, preview: Preview, job_id: str | None = None
    ) -> Job:
        """Make the job; it begins within moments. People who register from now on are not among those it meets."""
        assert len(selection.ids) <= MOST_PICKED
        job = Job(
            job_id=job_id or self.new_id(),
            act=act,
            selection=selection,
            state=State.WAITING,
            by=by.operator_id,
            by_name=by.name,
            created_at=self._now(),
            total=preview.total,
            exact=preview.exact,
            last_id=await self._store.newest_user(),
        )
        await self._store.insert(job)
        self.worker.wake()
        return job

    async def find(self, job_id: str) -> Job | None:
        """None when there is no such job."""
        return await self._store.find(job_id)

    async def newest(self, *, before: str | None = None) -> Page:
        """The newest jobs, or those before the one named."""
        found = await self._store.newest(before=before, limit=_LISTED + 1)
        told = tuple(found[:_LISTED])
        return Page(told, told[-1].job_id if len(found) > _LISTED else None)

    async def stop(self, job_id: str, *, by: Operator) -> bool:
        """Have it end after the batch it is at; False when it is not under way."""
        asked = await self._store.ask_to_stop(job_id, by_name=by.name)
        self.worker.wake()
        return asked

    async def undo(self, job_id: str, *, by: Operator) -> bool:
        """Have everybody that it changed, and nobody changed since, put back; False when that cannot be."""
        asked = await self._store.ask_to_undo(job_id, by=by.operator_id, by_name=by.name, now=self._now())
        self.worker.wake()
        return asked

    def can_undo(self, job: Job) -> bool:
        """Whether there is a way back, now."""
        return job.can_undo(self._now())

    async def changes_of(
        self, user_id: str, *, until: datetime | None = None, limit: int = _CHANGES_TOLD
    ) -> list[UserChange]:
        """What jobs did to one user up to a moment, newest first, for their timeline."""
        now = self._now()
        return await self._store.changes_of(user_id, now=now, until=until or now, limit=limit)
