"""A replica set of three whose primary is killed or frozen under registrations and rejoins: nothing is rolled back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pymongo
import pytest
from tornado.ioloop import IOLoop

from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import Mongod, ending, make_replica_set, primary_of, report, until
from tests.fault.visitors import Ledger, visiting

ClientOf = Callable[[str], API]
WRITERS = 12
ReplicaSet = tuple[str, Sequence[Mongod]]


@pytest.fixture
def replica_set(io_loop: IOLoop, folder: Path) -> Iterator[ReplicaSet]:
    """Its URI and its members."""
    uri, members = io_loop.run_sync(lambda: make_replica_set(folder))
    with ending(members):
        yield uri, members


async def _caught_up(members: Sequence[Mongod]) -> bool:
    status = await asyncio.to_thread(_status, members)
    return status is not None and all(
        each["stateStr"] in ("PRIMARY", "SECONDARY") for each in status["members"]
    )


def _status(members: Sequence[Mongod]) -> dict[str, Any] | None:
    primary = primary_of(members)
    return primary.command("replSetGetStatus") if primary else None


async def _primary(members: Sequence[Mongod]) -> Mongod:
    found: list[Mongod | None] = [None]

    async def look() -> bool:
        found[0] = await asyncio.to_thread(primary_of, members)
        return found[0] is not None

    await until(look, "there is a primary", seconds=30)
    assert found[0] is not None
    return found[0]


async def _more(ledger: Ledger, sign_ins: int) -> None:
    seen = len(ledger.sessions)
    await until(lambda: len(ledger.sessions) >= seen + sign_ins, "people sign in", seconds=60)


def _settle(uri: str, ledger: Ledger, event: str, seconds: float) -> None:
    with pymongo.MongoClient(uri, readPreference="primary") as client:
        lost, doubled = ledger.lost(client.wxpassport), ledger.doubled(client.wxpassport)
    report(
        f"primary {event}: {ledger.summary()}, lost {len(lost)}, doubled {len(doubled)}, back after {seconds:.1f} s"
    )
    assert (lost, doubled, ledger.broken) == ([], [], [])
    assert {status for status in ledger.statuses if status >= 500} <= {503}


@pytest.mark.gen_test(timeout=110)
async def test_a_primary_that_is_killed_and_rejoins_takes_back_nothing(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri)
    api = client_of(await server.ready())
    async with visiting([api], WRITERS) as ledger:
        await _more(ledger, 20)
        primary = await _primary(members)
        primary.kill()
        killed_at = time.monotonic()
        await until(lambda: ledger.last_success > killed_at + 0.1, "sign-ins go on", seconds=30)
        recovery = ledger.last_success - killed_at
        await _more(ledger, 20)
        primary.start()
        await until(lambda: _caught_up(members), "it rejoined", seconds=30)
        await _more(ledger, 20)
    _settle(uri, ledger, "killed", recovery)


@pytest.mark.gen_test(timeout=110)
async def test_a_primary_that_freezes_costs_no_answer_but_503_within_the_deadline(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri)
    api = client_of(await server.ready())
    async with visiting([api], WRITERS) as ledger:
        await _more(ledger, 20)
        primary = await _primary(members)
        primary.signal(signal.SIGSTOP)
        frozen_at = time.monotonic()
        others = [each for each in members if each is not primary]
        await _primary(others)
        await _more(ledger, 5)
        recovery = time.monotonic() - frozen_at
        primary.signal(signal.SIGCONT)
        await until(lambda: _caught_up(members), "it rejoined", seconds=30)
        await _more(ledger, 5)
    _settle(uri, ledger, "frozen", recovery)
