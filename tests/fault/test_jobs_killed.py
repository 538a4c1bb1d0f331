"""kill -9 of the process that carries out a job, in the middle of a batch: nothing is lost, nothing is done twice.

MongoDB keeps the killed process's transaction open, and with it its users and the job locked. It is told here to do
so for an hour, where its default is a minute: whoever waits for that never ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.config import Settings
from passport.jobs.model import Act, Job, Kind, Selection, State
from passport.models import Device
from passport.services import Services, make_services
from tests.client import API
from tests.conftest import APP_SECRET, APPID, Clock
from tests.fault.conftest import StartServer
from tests.fault.running import SECRET_KEY, until
from tests.integration.admin.dashboard import Dashboard
from tests.integration.jobs.conftest import register

Database = pymongo.database.Database[dict[str, Any]]
# Three batches.
USERS = 500
# For how long mongod holds the second one, which is killed as soon as it is held.
HELD_MS = 8_000


@pytest.fixture
def endless_transactions(database: Database) -> Iterator[None]:
    """A transaction that nobody ends stays open; at the end no command is held up any more."""
    command = database.client.admin.command
    usual = command("getParameter", 1, transactionLifetimeLimitSeconds=1)["transactionLifetimeLimitSeconds"]
    command("setParameter", 1, transactionLifetimeLimitSeconds=3600)
    yield
    command("configureFailPoint", "failCommand", mode="off")
    command("setParameter", 1, transactionLifetimeLimitSeconds=usual)


@contextlib.asynccontextmanager
async def services_beside(uri: str, database: Database) -> AsyncIterator[Services]:
    """Services over the servers' database, with their secret; their worker never works."""
    wechat = {"apps": [{"appid": APPID, "secret": APP_SECRET}]}
    settings = Settings.model_validate({"mongodb": {"database": database.name}, "wechat": wechat})
    services = make_services(settings, mongodb_uri=uri, secret_key=SECRET_KEY.encode())
    services.admin.jobs.worker.start = lambda: None  # type: ignore[method-assign]
    try:
        yield services
    finally:
        await services.close()


async def a_ban_of_everybody(services: Services) -> tuple[Job, str]:
    """The job, and the session of the operator who started it."""
    lin = await services.store.operators.insert("lin", role="operator", at=services.admin.now())
    assert lin
    jobs, act, everybody = services.admin.jobs, Act(Kind.BAN, reason="spam"), Selection(query={})
    job = await jobs.start(act, everybody, by=lin, preview=await jobs.preview(act, everybody))
    return job, await services.admin.sessions.start(lin, Device("192.0.2.7", "a browser"))


async def second_batch_is_open(database: Database) -> None:
    """Wait until one batch is done, and the next has written its users and waits before it is committed."""
    command = database.client.admin.command
    block = {"failCommands": ["insert"], "blockConnection": True, "blockTimeMS": HELD_MS}
    here = {"namespace": f"{database.name}.job_changes", "appName": "wxpassport"}
    before = command("configureFailPoint", "failCommand", mode={"skip": 1}, data={**block, **here})["count"]
    command_and_wait = {"waitForFailPoint": "failCommand", "timesEntered": before + 1, "maxTimeMS": 60_000}
    await asyncio.to_thread(command, command_and_wait)


@pytest.mark.gen_test(timeout=200)
async def test_another_process_ends_the_batch_of_a_killed_one_and_goes_on(
    start_server: StartServer,
    client_of: Callable[[str], API],
    database: Database,
    mongodb_uri: str,
    clock: Clock,
    endless_transactions: None,
) -> None:
    crowd = register(database, clock, USERS)
    one, other = (
        start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name, mongodb__timeout="10s")
        for _ in range(2)
    )
    await one.ready()
    url = await other.ready()
    other.signal(signal.SIGSTOP)
    async with services_beside(mongodb_uri, database) as services:
        opening = asyncio.create_task(second_batch_is_open(database))
        job, token = await a_ban_of_everybody(services)
        await opening
        one.signal(signal.SIGKILL)
        one.process.wait()
        # Off at once, but answered when nobody is held any more.
        await asyncio.to_thread(
            database.client.admin.command, "configureFailPoint", "failCommand", mode="off"
        )
        assert database.users.count_documents({"status": "banned"}) == 200
        other.signal(signal.SIGCONT)
        dashboard = Dashboard(url, token)
        assert "200" in (await dashboard.get(f"/admin/jobs/{job.job_id}")).text
        await until(lambda: over(services, job.job_id), "the job is done", seconds=90)
        page = await dashboard.get(f"/admin/jobs/{job.job_id}")
        await dashboard.close()
        done = await services.admin.jobs.find(job.job_id)
    assert done is not None
    assert (done.state, done.progress.changed, done.progress.failed) == (State.DONE, USERS, 0)
    assert f"{USERS} of {USERS}" in page.text
    # Each of them once: a ban counts the epoch up.
    assert (
        list(database.users.find({}, {"_id": 0, "status": 1, "session_epoch": 1}))
        == [{"status": "banned", "session_epoch": 1}] * USERS
    )
    assert database.job_changes.distinct("user_id") == [ObjectId(each) for each in crowd]
    assert database.job_changes.count_documents({}) == USERS
    assert [each["kind"] for each in database.audit_events.find({"target_id": job.job_id})] == ["job.done"]


async def over(services: Services, job_id: str) -> bool:
    """Whether nobody works on it any more."""
    job = await services.admin.jobs.find(job_id)
    return job is not None and job.state.over
