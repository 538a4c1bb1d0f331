"""What fails each time is tried so often and no more; the rest goes on, and the result says whom the job failed for."""

from __future__ import annotations

from typing import Any

import pytest
from bson import BSON, ObjectId
from bson.raw_bson import RawBSONDocument

from passport.errors import StoreUnavailable
from passport.jobs.model import Act, Failure, Job, Kind, Progress, Selection, State
from passport.services import Services
from passport.store.job_batches import PATIENCE, JobBatches
from passport.store.job_outcome import Outcome
from tests.integration.jobs.conftest import SPAM, Database, Start, found, statuses

TAG = Act(Kind.TAG, tag="spam")


async def work_through_faults(services: Services, *, most: int) -> int:
    """Let the worker go on after each fault, as it does in the background; how many turns failed."""
    failed = 0
    for _ in range(most):
        try:
            if not await services.admin.jobs.worker.turn():
                return failed
        except Exception:
            failed += 1
    raise AssertionError(f"not over after {most} turns, of which {failed} failed")


def damage(database: Database, user_id: str) -> None:
    """Make the user one whom nobody can read: by a tag that is no UTF-8, as a tool of another language may write it."""
    text = BSON.encode({"tags": ["x"]}).replace(b"x\0\0\0", b"\xff\0\0\0")
    database.users.update_one({"_id": ObjectId(user_id)}, {"$set": RawBSONDocument(text)})


@pytest.mark.parametrize("picked", [False, True], ids=["by filter", "picked"])
async def test_a_user_at_whom_a_batch_fails_each_time_is_named_and_the_rest_goes_on(
    services: Services, database: Database, crowd: list[str], start: Start, picked: bool
) -> None:
    for number in (1, 7):
        damage(database, crowd[number])
    job = await start(SPAM, Selection(ids=tuple(crowd)) if picked else Selection(query={}))
    failed = await work_through_faults(services, most=60)
    done = await found(services, job)
    assert (done.state, done.why) == (State.DONE, None)
    assert done.progress == Progress(done=12, changed=10, failed=2)
    assert done.failures == (Failure(crowd[1], "gave_up"), Failure(crowd[7], "gave_up"))
    assert PATIENCE <= failed <= 2 * (PATIENCE + 3)
    banned = [{"status": "banned", "session_epoch": 1}] * 10
    wanted = {"_id": {"$nin": [ObjectId(crowd[1]), ObjectId(crowd[7])]}}
    assert list(database.users.find(wanted, {"_id": 0, "status": 1, "session_epoch": 1})) == banned


async def test_a_batch_that_takes_too_long_is_done_in_smaller_ones(
    services: Services,
    database: Database,
    crowd: list[str],
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = JobBatches._write

    async def slow(batches: JobBatches, outcome: Outcome, session: Any) -> None:
        if len(outcome.users) > 1:
            raise StoreUnavailable
        await write(batches, outcome, session)

    monkeypatch.setattr(JobBatches, "_write", slow)
    job = await start(SPAM)
    await work_through_faults(services, most=60)
    assert (await found(services, job)).progress == Progress(done=12, changed=12)
    assert statuses(database, crowd) == ["banned"] * 12


async def test_a_user_who_cannot_be_restored_is_named_and_the_rest_is(
    services: Services, database: Database, crowd: list[str], start: Start, lin: Any
) -> None:
    job = await start(SPAM)
    await work_through_faults(services, most=20)
    damage(database, crowd[4])
    assert await services.admin.jobs.undo(job.job_id, by=lin)
    await work_through_faults(services, most=40)
    undone = await found(services, job)
    assert undone.state is State.UNDONE
    assert undone.undo == Progress(done=12, changed=11, failed=1)
    assert undone.undo_failures == (Failure(crowd[4], "gave_up"),)


async def test_a_job_that_cannot_go_on_is_ended_and_the_next_one_is_done(
    services: Services,
    database: Database,
    crowd: list[str],
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, next_job = await start(SPAM), await start(TAG, Selection(ids=tuple(crowd)))
    reach = JobBatches._reach

    async def out_of_reach(batches: JobBatches, job: Job, *more: Any) -> Any:
        if job.act.kind is Kind.BAN:
            raise RuntimeError("an app of its filter is no longer configured")
        return await reach(batches, job, *more)

    monkeypatch.setattr(JobBatches, "_reach", out_of_reach)
    failed = await work_through_faults(services, most=40)
    assert failed == PATIENCE + 2
    ended = await found(services, job)
    assert (ended.state, ended.why, ended.progress) == (State.STOPPED, "failed", Progress())
    assert (await found(services, next_job)).progress == Progress(done=12, changed=12)
    assert statuses(database, crowd) == ["active"] * 12
