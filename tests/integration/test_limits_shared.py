"""Limits over two processes that share nothing but the database: one limit, not one each (R-042)."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import cycle
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import Clock
from tests.integration.helpers import configured
from tests.integration.test_limits import StoppedClock

Database = pymongo.database.Database[dict[str, Any]]

LIMIT = 100


@pytest.fixture
def clock() -> Clock:
    return StoppedClock()


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    limits = {"token_per_ip": f"{LIMIT}/minute", "token_global": "off", "bearer_per_user": "10/minute"}
    # Two hundred requests wait for one counter on a busy machine.
    return {**configured(stand_in), "limits": limits, "mongodb": {"timeout": "30s"}}


async def storm(clients: list[API], number: int) -> Counter[int]:
    """The statuses of cheap requests, in turns to each process, some at once."""
    gate, turns = asyncio.Semaphore(40), cycle(clients)

    async def one(client: API) -> int:
        async with gate:
            return (await client.post("/oauth/token", json={})).status

    return Counter(await asyncio.gather(*(one(next(turns)) for _ in range(number))))


async def test_ten_times_the_limit_at_two_processes_is_one_limit(
    api: API, other_process: API, clock: Clock
) -> None:
    for _ in range(2):
        statuses = await storm([api, other_process], 10 * LIMIT)
        assert set(statuses) == {403, 429}
        assert 0.9 * LIMIT <= statuses[403] <= 1.05 * LIMIT
        clock.advance(minutes=1)


async def test_who_used_the_limit_at_one_process_has_nothing_left_at_the_other(
    api: API, other_process: API
) -> None:
    assert (await storm([api], 2 * LIMIT))[403] == LIMIT
    assert (await storm([other_process], LIMIT))[403] <= 0.05 * LIMIT


async def test_a_bearer_has_one_limit_at_both(api: API, other_process: API) -> None:
    headers = {"Authorization": f"Bearer {await api.signed_in('mei')}"}
    statuses = Counter(
        [
            (await client.get("/accounts/me", headers=headers)).status
            for client, _ in zip(cycle([api, other_process]), range(30), strict=False)
        ]
    )
    assert statuses == {200: 10, 429: 20}


async def test_those_who_come_at_once_wait_for_one_question_and_not_for_one_each(
    api: API, database: Database
) -> None:
    fault = {
        "failCommands": ["findAndModify"],
        "blockConnection": True,
        "blockTimeMS": 500,
        "namespace": f"{database.name}.limit_counters",
    }
    admin = database.client.admin
    begun = admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fault)["count"]
    statuses = Counter(
        reply.status
        for reply in await asyncio.gather(*(api.post("/oauth/token", json={}) for _ in range(30)))
    )
    questions = admin.command("configureFailPoint", "failCommand", mode="off")["count"] - begun
    assert statuses == {403: 30}
    assert 1 <= questions <= 3


async def test_most_requests_ask_mongodb_nothing_of_the_limit(api: API, database: Database) -> None:
    assert (await api.post("/oauth/token", json={})).status == 403
    assert database.limit_counters.count_documents({}) == 0
    database.command("profile", 2)
    await storm([api], LIMIT - 1)
    database.command("profile", 0)
    questions = database["system.profile"].count_documents({"command.findAndModify": "limit_counters"})
    assert 0 < questions <= 0.4 * LIMIT
