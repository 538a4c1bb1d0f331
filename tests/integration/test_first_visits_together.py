"""First visits of the same moment, on a real mongod: they share statements, and one code still has one turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest
from motor.motor_asyncio import AsyncIOMotorCollection

from passport.services import Services
from passport.store.code_turns import Attempt, take_all
from tests.client import API
from tests.conftest import Clock
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]
Records = AsyncIOMotorCollection[dict[str, Any]]
CROWD = 40
SOON, AGO = timedelta(minutes=1), timedelta(minutes=-1)


async def test_they_share_their_statements_and_each_has_an_account_of_their_own(
    api: API, database: Database
) -> None:
    visits = [api.wx_login(f"person-{number}") for number in range(CROWD)]
    with profiling(database):
        unknown = await asyncio.gather(*(api.token(each) for each in visits))
        registered = await asyncio.gather(*(api.register(each) for each in visits))
        signed_in = await asyncio.gather(*(api.token(each) for each in visits))
        statements = Counter(
            (each["op"], each["ns"].partition(".")[2]) for each in asked(database) if each["op"] != "getmore"
        )
    assert [{each.status for each in replies} for replies in (unknown, registered, signed_in)] == [
        {401},
        {201},
        {200},
    ]
    accounts = [each.json["account_id"] for each in registered]
    assert [each.json["account_id"] for each in signed_in] == accounts
    assert len(set(accounts)) == database.users.count_documents({"sign_ins": 1}) == CROWD
    assert database.pending_logins.count_documents({"status": "consumed"}) == CROWD
    assert api.stand_in.calls.total == CROWD
    # An update command is written down once for each of its statements, so the reads and inserts tell. Of turns there
    # are three for each: one insert and, when the code has a record, an insert that fails and a read.
    assert statements["insert", "users"] <= CROWD / 2
    assert statements["insert", "pending_logins"] <= 3 * CROWD / 2
    assert statements["query", "pending_logins"] + statements["command", "pending_logins"] <= 2 * CROWD / 2


async def test_of_ten_registrations_of_one_person_in_one_round_one_makes_the_account(
    api: API, database: Database
) -> None:
    visits = [api.wx_login("mei") for _ in range(10)]
    replies = await asyncio.gather(*(api.register(each) for each in visits))
    assert Counter(reply.status for reply in replies) == {201: 1, 200: 9}
    assert {reply.json["account_id"] for reply in replies} == {str(database.users.find_one()["_id"])}


@pytest.fixture
def records(services: Services) -> Records:
    """The collection, as the server uses it."""
    return services.login._codes._store._collection


def attempt(digest: bytes, now: datetime, owner: str) -> Attempt:
    """Of this process."""
    ours = {"status": "busy", "owner": owner, "process": "here", "busy_until": now + SOON}
    return Attempt(digest, ours, now)


def every_state(now: datetime) -> list[dict[str, Any]]:
    """A record of each state that a code can be in."""
    busy = {"status": "busy", "owner": "another"}
    return [
        {"status": "kept", "sealed_session": b"sealed", "kept_until": now + SOON},
        {"status": "failed", "error": "rate_limited", "retry_at": now + AGO},
        {"status": "failed", "error": "invalid_code", "retry_at": now + SOON},
        {"status": "consumed", "sealed_answer": b"sealed", "answered_at": now, "request": b"request"},
        {**busy, "process": "there", "busy_until": now + SOON},
        {**busy, "process": "there", "busy_until": now + AGO},
        {**busy, "process": "here", "busy_until": now + SOON},
        # What was there before an earlier turn is not what was there before this one.
        {**busy, "process": "here", "busy_until": now + SOON, "before": {"status": "kept", "owner": "older"}},
    ]


async def test_whoever_takes_turns_together_gets_and_learns_what_they_would_alone(
    services: Services, records: Records, clock: Clock
) -> None:
    now = clock()
    states = every_state(now)
    for side in (b"alone", b"together"):
        await records.insert_many(
            {"_id": side + bytes([number]), **state} for number, state in enumerate(states)
        )
    # And one that is gone.
    numbers = range(len(states) + 1)
    alone = [
        (await take_all(records, [attempt(b"alone" + bytes([number]), now, f"owner-{number}")]))[0]
        for number in numbers
    ]
    together = await take_all(
        records, [attempt(b"together" + bytes([number]), now, f"owner-{number}") for number in numbers]
    )

    assert together == alone
    taken = [not isinstance(each, Exception) and each[0] for each in together]
    assert taken == [True, True, False, False, False, True, True, True, False]
    owners = {each["_id"]: each.get("owner") async for each in records.find()}
    for number in range(len(states)):
        owner = f"owner-{number}" if taken[number] else states[number].get("owner")
        assert owners[b"alone" + bytes([number])] == owners[b"together" + bytes([number])] == owner


async def test_of_ten_who_want_one_turn_in_one_round_one_gets_it(records: Records, clock: Clock) -> None:
    now = clock()
    await records.insert_one({"_id": b"code", "status": "kept", "sealed_session": b"sealed"})
    attempts = [attempt(b"code", now, f"owner-{number}") for number in range(10)]
    # Each of a process of its own: within one, a lock comes before the record.
    strangers = [
        Attempt(each.digest, {**each.ours, "process": str(number)}, now)
        for number, each in enumerate(attempts)
    ]
    outcomes = await take_all(records, strangers)
    assert Counter(not isinstance(each, Exception) and each[0] for each in outcomes) == {True: 1, False: 9}


async def test_a_turn_that_cannot_be_taken_fails_its_own_visit_alone(records: Records, clock: Clock) -> None:
    now = clock()
    too_large = b"x" * (16 * 2**20 - 200)
    await records.insert_many(
        [
            {"_id": b"damaged", "status": "kept", "sealed_session": too_large},
            {"_id": b"whole", "status": "kept"},
        ]
    )
    attempts = [attempt(each, now, "owner-" + "o" * 150) for each in (b"damaged", b"whole")]
    damaged, whole = await take_all(records, attempts)
    assert isinstance(damaged, Exception)
    assert not isinstance(whole, Exception)
    assert whole[0]
