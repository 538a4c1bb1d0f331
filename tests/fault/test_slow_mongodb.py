"""A MongoDB that takes 200 ms for each command: sign-ins take longer and no more than that (R-027)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pymongo
import pytest

from tests.client import API
from tests.fault.test_database_faults import COMMANDS, failing

Database = pymongo.database.Database[dict[str, Any]]
SLOW = {"blockConnection": True, "blockTimeMS": 200}
CROWD = 120


@pytest.fixture
def configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """The deadline that a server has unless it is told otherwise."""
    return {**configuration, "mongodb": {"timeout": "3s"}}


@pytest.mark.gen_test(timeout=200)
async def test_a_crowd_signs_in_over_a_slow_mongodb_and_nobody_is_refused(
    api: API, mongodb_uri: str, database: Database
) -> None:
    people = [f"person-{number}" for number in range(CROWD // 3)]
    await asyncio.gather(*(api.registered(person) for person in people))
    visits = [api.wx_login(person) for person in people * 3]
    with failing(mongodb_uri, "alwaysOn", SLOW, COMMANDS):
        replies = await asyncio.gather(*(api.token(visit) for visit in visits))
    assert Counter(reply.status for reply in replies) == {200: CROWD}
    assert database.users.count_documents({"sign_ins": 3}) == len(people)
    assert database.sessions.count_documents({}) == CROWD
    assert (await api.token(api.wx_login("person-0"))).status == 200
