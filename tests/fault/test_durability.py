"""No acknowledged account or session is lost or doubled while mongod, or the whole server, is killed again and again.

WXPASSPORT_KILLS raises the number of kills, to 20 for the figures (R-006).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pymongo
import pytest

from passport.store.embedded import EmbeddedMongo
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import ServerProcess, free_port, report, until
from tests.fault.visitors import Ledger, visiting

KILLS = int(os.environ.get("WXPASSPORT_KILLS", "2"))
WRITERS = 12
BETWEEN = 25  # sign-ins between two kills
STEADY = (
    1.5  # seconds from recovery to the next kill; a mongod that dies younger is started again more slowly
)
LIMIT = 40 + 10 * KILLS

ClientOf = Callable[[str], API]


async def _kill_again_and_again(
    ledger: Ledger, server: ServerProcess, kill: Callable[[], Any]
) -> list[float]:
    """Kill whenever some more people have signed in; the seconds until the next success, for each."""
    recoveries: list[float] = []
    for _ in range(KILLS):
        seen, steady_at = len(ledger.sessions), time.monotonic() + STEADY

        def steady(seen: int = seen, at: float = steady_at) -> bool:
            return len(ledger.sessions) >= seen + BETWEEN and time.monotonic() >= at

        await until(steady, "people sign in", seconds=30)
        kill()
        killed_at = time.monotonic()
        # An answer that was on its way may still arrive, so the first success well after the kill counts.
        try:
            await until(lambda at=killed_at: ledger.last_success > at + 0.1, "service returns", seconds=30)
        except AssertionError as error:
            error.add_note(server.errors[-3000:])
            raise
        recoveries.append(ledger.last_success - killed_at)
    seen = len(ledger.sessions)
    await until(lambda: len(ledger.sessions) >= seen + BETWEEN, "people sign in again", seconds=30)
    return recoveries


def _settle(ledger: Ledger, server: ServerProcess, recoveries: list[float]) -> None:
    """Compare what was promised with what is kept."""
    mongo = EmbeddedMongo(server.folder / "data" / "mongodb")
    with pymongo.MongoClient(mongo.uri) as client:
        lost, doubled = ledger.lost(client.wxpassport), ledger.doubled(client.wxpassport)
    worst = ", ".join(f"{each:.1f}" for each in recoveries)
    report(
        f"{KILLS} kills: {ledger.summary()}, lost {len(lost)}, doubled {len(doubled)}, recoveries {worst} s"
    )
    assert (lost, doubled, ledger.broken) == ([], [], [])
    assert {status for status in ledger.statuses if status >= 500} <= {503}
    assert len(ledger.accounts) >= KILLS * BETWEEN


@pytest.mark.timeout(LIMIT)
@pytest.mark.gen_test(timeout=LIMIT)
async def test_killing_mongod_loses_nothing_that_was_acknowledged(
    start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server()
    api = client_of(await server.ready())
    async with visiting([api], WRITERS) as ledger:
        recoveries = await _kill_again_and_again(
            ledger, server, lambda: os.kill(server.mongod_pid, signal.SIGKILL)
        )
    assert server.process.poll() is None
    assert len(server.log("mongod is ready")) == KILLS + 1
    _settle(ledger, server, recoveries)


@pytest.mark.timeout(LIMIT)
@pytest.mark.gen_test(timeout=LIMIT)
async def test_killing_the_server_loses_nothing_that_was_acknowledged(
    start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(server__port=free_port())
    api = client_of(await server.ready())

    def kill_and_start_again() -> None:
        server.signal(signal.SIGKILL)
        server.process.wait()
        server.start()

    async with visiting([api], WRITERS) as ledger:
        recoveries = await _kill_again_and_again(ledger, server, kill_and_start_again)
    _settle(ledger, server, recoveries)
