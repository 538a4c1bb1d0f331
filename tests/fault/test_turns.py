"""A code whose turn-holder died: the next call waits for the end of that turn and never asks WeChat a second time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import Clock
from tests.fault.conftest import StartServer

ClientOf = Callable[[str], API]


def _abandon(database: Any, until: datetime, *, forget_session: bool = False) -> None:
    """Make the one record look as a process leaves it that died in its turn."""
    change: dict[str, Any] = {
        "$set": {"status": "busy", "owner": "dead", "process": "dead", "busy_until": until}
    }
    if forget_session:
        change["$unset"] = {"sealed_session": "", "kept_until": ""}
    assert database.pending_logins.update_one({}, change).matched_count == 1


async def test_a_turn_that_ended_by_death_gives_the_kept_result_to_the_next(
    api: API, clock: Clock, database: Any
) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    _abandon(database, clock() - timedelta(milliseconds=1))
    assert (await api.register(visitor)).status == 201
    assert (await api.token(visitor)).status == 200
    assert api.stand_in.calls.total == 1


async def test_a_turn_that_ended_by_death_before_the_answer_was_noted_is_a_used_code(
    api: API, clock: Clock, database: Any
) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    _abandon(database, clock() - timedelta(milliseconds=1), forget_session=True)
    for _ in range(2):
        refused = await api.register(visitor)
        assert (refused.status, refused.error) == (403, "code_used")
    assert api.stand_in.calls.total == 1
    assert database.users.count_documents({}) == 0


async def test_a_turn_of_another_process_is_waited_for(api: API, clock: Clock, database: Any) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    _abandon(database, clock() + timedelta(minutes=1))
    waiting = asyncio.create_task(api.register(visitor))
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    assert done == set()
    # The result is still to be had when its turn ends, within the time it is kept.
    database.pending_logins.update_one({}, {"$set": {"busy_until": clock()}})
    assert (await waiting).status == 201
    assert api.stand_in.calls.total == 1


async def test_a_turn_that_never_ends_is_a_503_in_the_end(api: API, clock: Clock, database: Any) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    _abandon(database, clock() + timedelta(days=1))
    waiting = asyncio.create_task(api.register(visitor))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert done == set()
    clock.advance(minutes=1)
    reply = await waiting
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")


@pytest.mark.gen_test(timeout=200)
async def test_a_process_killed_in_the_middle_of_the_exchange_leaves_a_used_code(
    start_server: StartServer, client_of: ClientOf, stand_in: StandIn, mongodb_uri: str, database: Any
) -> None:
    settings = {"mongodb__uri": mongodb_uri, "mongodb__database": database.name}
    # A turn lasts wechat.timeout + 5 x mongodb.timeout.
    settings |= {"wechat__timeout": "1s", "mongodb__timeout": "500ms"}
    dying, other = (start_server(**settings) for _ in range(2))
    first, second = client_of(await dying.ready()), client_of(await other.ready())
    await second.registered("mei")
    stand_in.calls.clear()
    stand_in.faults.set("hang", burns=True)
    login = stand_in.people.login("mei")
    cut = asyncio.create_task(first.token(login))
    await stand_in.calls.reach(1)
    dying.signal(signal.SIGKILL)
    await asyncio.wait({cut})
    assert cut.exception() is not None
    stand_in.faults.clear()

    turn_ends_at = database.pending_logins.find_one({"status": "busy"})["busy_until"]
    refused = await second.token(login)
    while refused.status == 503:  # on a busy machine, since mongodb.timeout is so short here
        refused = await second.token(login)
    assert (refused.status, refused.error) == (403, "code_used")
    assert datetime.now(UTC) >= turn_ends_at
    assert stand_in.calls.of(login["code"]) == stand_in.calls.total == 1
    assert (await second.token(stand_in.people.login("mei"))).status == 200
