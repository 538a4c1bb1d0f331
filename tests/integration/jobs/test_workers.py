"""Several workers, dead ones, late ones: each user is acted on once, and no job is left lying."""

from __future__ import annotations

import asyncio
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.errors import StoreUnavailable
from passport.jobs.model import Act, Job, Kind, Progress, State
from passport.jobs.worker import LEASE
from passport.models import Operator
from passport.services import Services
from tests.conftest import Clock
from tests.integration.helpers import until
from tests.integration.jobs.conftest import EVERYBODY, SPAM, Start, documents, found, statuses, work

Database = pymongo.database.Database[dict[str, Any]]
SIGN_OUT = Act(Kind.END_SESSIONS)


def epochs(database: Database, ids: list[str]) -> list[int]:
    """How often the sessions of each were ended: by a job that acts twice, twice."""
    return [each.get("session_epoch", 0) for each in documents(database, ids)]


async def dies_after_the_batch(job: Job, **_: Any) -> None:
    """As `mark_sessions`, of a worker that is killed as soon as it has something to mark."""
    if job.unmarked:
        raise ConnectionError("killed")


async def test_a_job_that_one_worker_has_is_not_anothers(
    services: Services, other_services: Services, crowd: list[str], start: Start
) -> None:
    await start(SIGN_OUT)
    await work(services, turns=1)
    assert not await other_services.admin.jobs.worker.turn()


async def test_two_workers_at_once_act_on_each_user_once(
    services: Services, other_services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    job = await start(SIGN_OUT)
    for _ in range(12):
        turns = (each.admin.jobs.worker.turn() for each in (services, other_services))
        await asyncio.gather(*turns)
    done = await found(services, job)
    assert (done.state, done.progress) == (State.DONE, Progress(done=12, changed=12))
    assert epochs(database, crowd) == [1] * 12


async def test_another_worker_goes_on_where_a_dead_one_stood(
    services: Services,
    other_services: Services,
    database: Database,
    clock: Clock,
    crowd: list[str],
    start: Start,
) -> None:
    job = await start(SIGN_OUT)
    await work(services, turns=2)
    clock.advance(seconds=31)
    await work(other_services)
    done = await found(services, job)
    assert (done.state, done.progress) == (State.DONE, Progress(done=12, changed=12))
    assert epochs(database, crowd) == [1] * 12


async def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(
    services: Services,
    other_services: Services,
    database: Database,
    clock: Clock,
    crowd: list[str],
    start: Start,
) -> None:
    job = await start(SIGN_OUT)
    await work(services, turns=1)
    clock.advance(seconds=31)
    # The other stands where this one believes to stand.
    await work(other_services, turns=1)
    taken = epochs(database, crowd)
    await work(services, turns=1)
    assert epochs(database, crowd) == taken
    assert sum(taken) == (await found(services, job)).progress.changed
    await work(other_services)
    assert epochs(database, crowd) == [1] * 12


async def test_a_worker_does_nothing_once_another_has_its_job(
    services: Services, database: Database, clock: Clock, crowd: list[str], start: Start
) -> None:
    await start(SIGN_OUT)
    await work(services, turns=1)
    clock.advance(seconds=31)
    # The other has done nothing yet, so both believe to stand at the same place.
    now = clock()
    assert await services.store.jobs.claim("another", now=now, until=now + LEASE)
    await work(services, turns=1)
    assert sum(epochs(database, crowd)) == 3


async def test_a_batch_whose_worker_dies_is_not_half_done(
    services: Services,
    other_services: Services,
    database: Database,
    clock: Clock,
    crowd: list[str],
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = await start(SPAM)
    await work(services, turns=1)

    async def dies(*_: Any) -> None:
        raise ConnectionError("killed")

    # After the users were written, and before the job was.
    with monkeypatch.context() as patched:
        patched.setattr(services.store.job_batches, "_note", dies)
        with pytest.raises(ConnectionError):
            await work(services, turns=1)
    assert statuses(database, crowd).count("banned") == 3
    assert database.job_changes.count_documents({}) == 3
    clock.advance(seconds=31)
    await work(other_services)
    assert statuses(database, crowd) == ["banned"] * 12
    assert (await found(services, job)).progress == Progress(done=12, changed=12)


async def test_history_is_marked_by_the_next_worker_when_one_dies_before_it(
    services: Services,
    other_services: Services,
    api: Any,
    database: Database,
    clock: Clock,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await api.sign_in("mei")
    await start(SPAM)

    monkeypatch.setattr(services.store.jobs, "mark_sessions", dies_after_the_batch)
    with pytest.raises(ConnectionError):
        await work(services)
    clock.advance(seconds=31)
    await work(other_services)
    assert [each.get("ended_by") for each in database.sessions.find()] == ["ban"]


async def test_a_session_that_began_since_is_not_marked_by_the_next_worker(
    services: Services,
    other_services: Services,
    api: Any,
    database: Database,
    clock: Clock,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await api.sign_in("mei")
    await start(SIGN_OUT)

    monkeypatch.setattr(services.store.jobs, "mark_sessions", dies_after_the_batch)
    with pytest.raises(ConnectionError):
        await work(services)
    again = await api.sign_in("mei")
    clock.advance(seconds=31)
    await work(other_services)
    assert (await api.me(again["access_token"])).status == 200
    assert [each.get("ended_by") for each in database.sessions.find().sort("_id", 1)] == ["operator", None]


async def test_a_fault_of_mongodb_repeats_no_act(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    job = await start(SIGN_OUT)
    await work(services, turns=1)
    fault = {"failCommands": ["commitTransaction"], "errorCode": 11601, "closeConnection": False}
    admin = database.client.admin
    admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fault)
    with pytest.raises(StoreUnavailable):
        await work(services, turns=1)
    admin.command("configureFailPoint", "failCommand", mode="off")
    # No lease runs out first: it is still this worker's.
    await work(services)
    assert epochs(database, crowd) == [1] * 12
    assert (await found(services, job)).state is State.DONE


async def test_a_job_stops_after_the_batch_it_is_at(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services, turns=1)
    assert await services.admin.jobs.stop(job.job_id, by=lin)
    await work(services)
    stopped = await found(services, job)
    assert (stopped.state, stopped.why, stopped.progress.changed) == (State.STOPPED, "asked", 3)
    assert statuses(database, crowd).count("banned") == 3
    assert not await services.admin.jobs.stop(job.job_id, by=lin)


async def test_a_job_of_an_operator_who_was_disabled_stops(
    services: Services, database: Database, clock: Clock, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services, turns=1)
    database.operators.update_one({"_id": ObjectId(lin.operator_id)}, {"$set": {"disabled_at": clock()}})
    await work(services)
    stopped = await found(services, job)
    assert (stopped.state, stopped.why) == (State.STOPPED, "operator_disabled")
    assert statuses(database, crowd).count("banned") == 3


async def test_a_job_of_an_operator_who_only_views_now_stops(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    database.operators.update_one({"_id": ObjectId(lin.operator_id)}, {"$set": {"role": "viewer"}})
    await work(services)
    assert (await found(services, job)).state is State.STOPPED
    assert statuses(database, crowd) == ["active"] * 12


async def test_a_process_that_ends_leaves_its_job_to_the_others_at_once(
    services: Services, other_services: Services, crowd: list[str], start: Start
) -> None:
    job = await start()
    await work(services, turns=1)
    await services.admin.jobs.worker.close()
    await work(other_services)
    assert (await found(services, job)).state is State.DONE


async def test_a_worker_in_the_background_does_all_of_it_by_itself(
    other_services: Services, database: Database, crowd: list[str], lin: Operator
) -> None:
    jobs = other_services.admin.jobs
    everybody = SPAM, EVERYBODY
    job = await jobs.start(*everybody, by=lin, preview=await jobs.preview(*everybody))

    async def is_done() -> bool:
        now = await jobs.find(job.job_id)
        return now is not None and now.state is State.DONE

    await until(is_done)
    assert statuses(database, crowd) == ["banned"] * 12


async def test_a_busy_server_comes_first(
    services: Services, database: Database, crowd: list[str], start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await start()
    worker = services.admin.jobs.worker
    asked = asyncio.Event()

    async def busy() -> bool:
        asked.set()
        return True

    monkeypatch.setattr(worker, "_busy", busy)
    type(worker).start(worker)
    await asked.wait()
    await worker.close()
    assert statuses(database, crowd) == ["active"] * 12
    assert (await found(services, job)).progress.done == 0
