"""The worker of this process: takes jobs one at a time and carries them out batch by batch, after the logins.

Every process has one. A job is leased, and the lease renewed with every batch; when its worker dies another ends the
batch that it left open and goes on where it stood. What happens twice at most is the note in the audit log that a job
is over. A batch that fails is tried again in smaller parts, until the one user at whom it fails can be named.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta

from passport.clock import Now
from passport.errors import StoreUnavailable
from passport.jobs.model import Job, Kind, Selection, State, Why
from passport.store.job_batches import PATIENCE, JobBatches, LeaseLost, Meant, Turn
from passport.store.jobs import JobStore

log = logging.getLogger("wxpassport.jobs")

LEASE = timedelta(seconds=10)
# After so many tries that moved nothing, not even past one user, the job is ended: others wait behind it.
_LAST_TRY = PATIENCE + 2
# Seconds between two looks for a job that another process made.
_POLL = 2.0
# A job rests as long as it works, so that at most half of the database's time for writes is its.
_REST_AT_LEAST, _REST_WHEN_BUSY = 0.02, 0.5
_AFTER_A_FAULT = 2.0


# Notes in the audit log that a job is over; durable when it returns.
Ended = Callable[[Job, State, Why | None], Awaitable[None]]
Allowed = Callable[[str], Awaitable[bool]]
Busy = Callable[[], Awaitable[bool]]
Means = Callable[[Selection], Meant | None]


class Worker:
    """Works on jobs until it is closed.

    Args:
        store, batches: the jobs.
        means: whom a selection by filter means.
        ended: told of each job that is over, before anybody else is.
        allowed: whether the operator of this id may still act on users.
        busy: whether others need the database more.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        batches: JobBatches,
        means: Means,
        ended: Ended,
        allowed: Allowed,
        busy: Busy,
        now: Now,
    ) -> None:
        self._store, self._batches, self._means, self._ended = store, batches, means, ended
        self._allowed, self._busy, self._now = allowed, busy, now
        self._owner = secrets.token_hex(8)
        self._job: Job | None = None
        self._woken, self._closing = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Work in the background from now on."""
        if self._running is None and not self._closing.is_set():
            self._running = asyncio.create_task(self._run(), name="jobs")

    def wake(self) -> None:
        """There is something to do."""
        self.start()
        self._woken.set()

    async def close(self) -> None:
        """Finish the batch at hand and leave the job to the other processes, or to the next start."""
        self._closing.set()
        self._woken.set()
        if self._running is not None:
            await asyncio.wait({self._running})
        with contextlib.suppress(StoreUnavailable):
            await self._store.release(self._owner, now=self._now())

    async def turn(self) -> bool:
        """Do one batch of the job that we have, or of the next one; False when there is nothing to do.

        Raises:
            StoreUnavailable: MongoDB does not answer; the job is asked for again.
        """
        job, self._job = self._job or await self._claimed(), None
        if job is None:
            return False
        try:
            self._job = await self._advance(job)
        except LeaseLost:
            # Told to stop, or another's by now; in which case there is none.
            self._job = await self._renewed(job)
        except StoreUnavailable:
            log.warning("a job waits for MongoDB", extra={"job": job.job_id})
            raise
        finally:
            if self._job is None:
                self._batches.leave_session()
        return True

    async def _claimed(self) -> Job | None:
        now = self._now()
        session = await self._batches.session()
        job = await self._store.claim(self._owner, now=now, until=now + LEASE, session=session)
        if job is not None and job.tries <= _LAST_TRY:
            await self._mark(job)
        return job

    async def _advance(self, job: Job) -> Job | None:
        """The job after its next batch; None when it is over."""
        ending = await self._ending(job)
        if ending is not None:
            await self._end(job, *ending)
            return None
        now = self._now()
        turn = Turn(self._owner, at=now, until=now + LEASE)
        moved = await self._batches.advance(job, turn, self._means(job.selection))
        await self._mark(moved)
        return moved

    async def _ending(self, job: Job) -> tuple[State, Why | None] | None:
        """How the job ends, if it goes no further."""
        if job.state is State.STOPPING:
            return State.STOPPED, Why.ASKED
        if job.tries > _LAST_TRY:
            return State.STOPPED, Why.FAILED
        if not await self._allowed((job.undone_by if job.undoing else job.by) or ""):
            return State.STOPPED, Why.OPERATOR_DISABLED
        if job.now_walked:
            return (State.UNDONE if job.undoing else State.DONE), None
        return None

    async def _mark(self, job: Job) -> None:
        by = "operator" if job.act.kind is Kind.END_SESSIONS else "ban"
        await self._store.mark_sessions(job, by=by, at=self._now())

    async def _end(self, job: Job, state: State, why: Why | None) -> None:
        # First, because what is not in the audit log has not happened.
        await self._ended(job, state, why)
        await self._store.finish(job, self._owner, state, why=why, at=self._now())
        log.info("a job is over", extra={"job": job.job_id, "state": state.value, "why": why and why.value})

    async def _run(self) -> None:
        while not self._closing.is_set():
            try:
                await self._one_round()
            except StoreUnavailable:
                await self._sleep(_AFTER_A_FAULT)
            except Exception:
                # A worker that gave up would leave every job of this process where it is, and nobody would know why.
                log.exception("a job failed; it is tried again")
                await self._sleep(_AFTER_A_FAULT)

    async def _one_round(self) -> None:
        clock = asyncio.get_running_loop().time
        if await self._busy():
            await self._sleep(_REST_WHEN_BUSY)
            await self._keep()
            return
        self._woken.clear()
        began = clock()
        if await self.turn():
            await self._sleep(max(_REST_AT_LEAST, clock() - began))
        else:
            await self._until_woken()

    async def _keep(self) -> None:
        """Keep the lease while there is no work."""
        if self._job is not None:
            self._job = await self._renewed(self._job)

    async def _renewed(self, job: Job) -> Job | None:
        return await self._store.renew(job, self._owner, until=self._now() + LEASE)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _until_woken(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL):
                await self._woken.wait()
