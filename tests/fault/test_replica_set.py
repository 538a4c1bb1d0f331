"""A replica set of three whose primary is killed or frozen under registrations and rejoins: nothing is rolled back."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pymongo
import pytest

from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.replica_sets import ReplicaSet, a_primary, caught_up
from tests.fault.running import report, until
from tests.fault.visitors import Ledger, visiting

ClientOf = Callable[[str], API]
WRITERS = 12


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


@pytest.mark.gen_test(timeout=200)
async def test_a_primary_that_is_killed_and_rejoins_takes_back_nothing(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri)
    api = client_of(await server.ready())
    async with visiting([api], WRITERS) as ledger:
        await _more(ledger, 20)
        primary = await a_primary(members)
        primary.kill()
        killed_at = time.monotonic()
        await until(lambda: ledger.last_success > killed_at + 0.1, "sign-ins go on", seconds=60)
        recovery = ledger.last_success - killed_at
        await _more(ledger, 20)
        primary.start()
        await until(lambda: caught_up(members), "it rejoined", seconds=60)
        await _more(ledger, 20)
    _settle(uri, ledger, "killed", recovery)


@pytest.mark.gen_test(timeout=200)
async def test_a_primary_that_freezes_costs_no_answer_but_503_within_the_deadline(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri)
    api = client_of(await server.ready())
    async with visiting([api], WRITERS) as ledger:
        await _more(ledger, 20)
        primary = await a_primary(members)
        primary.signal(signal.SIGSTOP)
        frozen_at = time.monotonic()
        others = [each for each in members if each is not primary]
        await a_primary(others)
        await _more(ledger, 5)
        recovery = time.monotonic() - frozen_at
        primary.signal(signal.SIGCONT)
        await until(lambda: caught_up(members), "it rejoined", seconds=60)
        await _more(ledger, 5)
    _settle(uri, ledger, "frozen", recovery)
