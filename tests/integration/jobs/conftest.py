"""A crowd of users, an operator, and workers that do one batch when they are told to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from tornado.ioloop import IOLoop

from passport.jobs.model import Act, Job, Kind, Selection
from passport.models import Operator
from passport.services import Services
from passport.store import job_batches, user_walk
from passport.store.search import search_fields
from tests.conftest import APPID, Clock

Database = pymongo.database.Database[dict[str, Any]]
Start = Callable[..., Awaitable[Job]]
EVERYBODY = Selection(query={})
SPAM = Act(Kind.BAN, reason="spam")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of three users, in slices of five, so that a dozen users make several of both."""
    monkeypatch.setattr(job_batches, "BATCH", 3)
    monkeypatch.setattr(user_walk, "SLICE", 5)


@pytest.fixture
def lin(io_loop: IOLoop, services: Services) -> Operator:
    """An operator."""
    return io_loop.run_sync(
        lambda: services.store.operators.insert("lin", role="operator", at=services.admin.now())
    )


@pytest.fixture
def start(services: Services, lin: Operator) -> Start:
    """Start a job; its worker does nothing by itself."""
    services.admin.jobs.worker.start = lambda: None  # type: ignore[method-assign]

    async def start(act: Act = SPAM, selection: Selection = EVERYBODY) -> Job:
        preview = await services.admin.jobs.preview(act, selection)
        return await services.admin.jobs.start(act, selection, by=lin, preview=preview)

    return start


async def work(services: Services, turns: int | None = None) -> int:
    """Let the worker do so many turns, or all that there is to do; how many it did."""
    done = 0
    while done != turns and await services.admin.jobs.worker.turn():
        done += 1
    return done


async def found(services: Services, job: Job) -> Job:
    """The job as it is now."""
    now = await services.admin.jobs.find(job.job_id)
    assert now is not None
    return now


@pytest.fixture
def crowd(database: Database, clock: Clock) -> list[str]:
    """A dozen users, registered an hour ago; their ids in order."""
    return register(database, clock, 12)


def register(database: Database, clock: Clock, how_many: int, **more: Any) -> list[str]:
    """Users that were registered an hour ago."""
    at = clock() - timedelta(hours=1)
    users = [
        {
            "_id": ObjectId(),
            "identities": [{"appid": APPID, "openid": f"o{ObjectId()}"}],
            "profile": {"nickname": f"user {number}"},
            "status": "active",
            "created_at": at,
            "last_seen_at": at,
            "sign_ins": 1,
            **more,
        }
        for number in range(how_many)
    ]
    for user in users:
        user |= search_fields(str(user["_id"]), user["profile"]["nickname"])
    database.users.insert_many(users)
    return [str(each["_id"]) for each in users]


def documents(database: Database, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The users as they are kept, in order."""
    return list(database.users.find({"_id": {"$in": [ObjectId(each) for each in ids]}}).sort("_id", 1))


def statuses(database: Database, ids: Sequence[str]) -> list[str]:
    """Whether they are banned."""
    return [each["status"] for each in documents(database, ids)]
