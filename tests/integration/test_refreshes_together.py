"""Refreshes and reads of the same moment, on a real mongod: they share statements, each with its own outcome."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pymongo
from bson import ObjectId

from passport.models import Refresh, Session
from passport.services import Services
from tests.client import API
from tests.conftest import Clock
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]
CROWD = 40


async def sessions_of(api: API, database: Database, *people: str) -> list[dict[str, Any]]:
    """Their sessions, one for each who signs in."""
    for person in people:
        await api.sign_in(person)
    return list(database.sessions.find().sort("created_at"))


def successor(session: dict[str, Any]) -> Refresh:
    """Of the session's current token."""
    current = Refresh(**{**session["refresh"], "digest": bytes(session["refresh"]["digest"])})
    return replace(current, generation=current.generation + 1, digest=b"the successor", uses=1)


async def test_they_share_their_statements_and_each_has_the_answer_of_their_own(
    api: API, database: Database
) -> None:
    tokens = await asyncio.gather(*(api.sign_in(f"person-{number}") for number in range(CROWD)))
    with profiling(database):
        replies = await asyncio.gather(*(api.refresh(each["refresh_token"]) for each in tokens))
        statements = Counter(
            (each["op"], each["ns"].partition(".")[2]) for each in asked(database) if each["op"] != "getmore"
        )
    assert [reply.json["account_id"] for reply in replies] == [each["account_id"] for each in tokens]
    assert len({reply.json["refresh_token"] for reply in replies}) == CROWD
    generations = Counter(each["refresh"]["generation"] for each in database.sessions.find())
    assert list(generations.values()) == [CROWD]
    # An update command is written down once for each of its statements, so the reads tell.
    assert max(statements["query", each] for each in ("users", "sessions")) <= CROWD / 2


async def test_of_ten_rotations_of_one_token_in_one_round_one_is_carried_out(
    api: API, services: Services, database: Database, clock: Clock
) -> None:
    [session] = await sessions_of(api, database, "mei")
    outcomes = await asyncio.gather(
        *(
            services.sessions._store.rotate(
                str(session["_id"]),
                digest=bytes(session["refresh"]["digest"]),
                successor=successor(session),
                at=clock(),
            )
            for _ in range(10)
        )
    )
    assert Counter(outcomes) == {True: 1, False: 9}


async def test_in_one_round_whoever_is_late_ended_or_gone_is_refused_alone(
    api: API, services: Services, database: Database, clock: Clock
) -> None:
    current, late, ended, gone = await sessions_of(api, database, "mei", "bo", "lin", "tao")
    database.sessions.update_one({"_id": ended["_id"]}, {"$set": {"ended_at": clock(), "ended_by": "user"}})
    database.sessions.delete_one({"_id": gone["_id"]})
    before = {each["_id"]: each for each in database.sessions.find()}
    outcomes = await asyncio.gather(
        *(
            services.sessions._store.rotate(
                str(each["_id"]),
                digest=b"another" if each is late else bytes(each["refresh"]["digest"]),
                successor=successor(each),
                at=clock(),
            )
            for each in (current, late, ended, gone)
        )
    )
    assert outcomes == [True, False, False, False]
    after = {each["_id"]: each for each in database.sessions.find()}
    assert after.pop(current["_id"])["refresh"]["digest"] == b"the successor"
    del before[current["_id"]]
    assert after == before


async def test_a_document_that_cannot_be_read_fails_its_own_reader_alone(
    api: API, services: Services, database: Database
) -> None:
    broken, sound = await sessions_of(api, database, "mei", "bo")
    database.sessions.update_one({"_id": broken["_id"]}, {"$unset": {"refresh": ""}})
    told = await asyncio.gather(
        *(services.sessions.find(str(each["_id"])) for each in (broken, sound)), return_exceptions=True
    )
    assert isinstance(told[0], KeyError)
    assert isinstance(told[1], Session)


async def test_a_read_is_never_older_than_what_was_told_before_it_began(
    api: API, services: Services, database: Database
) -> None:
    [session] = await sessions_of(api, database, "mei")
    user_id, session_id = str(session["user_id"]), str(session["_id"])
    for turn in range(20):
        # A round may be under way when the write is answered; whoever asks after that is not told its result.
        others = [asyncio.create_task(services.users.find(user_id)) for _ in range(5)]
        await asyncio.sleep(0)
        database.users.update_one({"_id": ObjectId(user_id)}, {"$set": {"sign_ins": turn}})
        database.sessions.update_one({"_id": ObjectId(session_id)}, {"$set": {"ip": f"192.0.2.{turn}"}})
        user, found = await asyncio.gather(services.users.find(user_id), services.sessions.find(session_id))
        assert user is not None
        assert found is not None
        assert (user.sign_ins, found.ip) == (turn, f"192.0.2.{turn}")
        await asyncio.gather(*others)
