"""Kills of mongod or of the server lose no acknowledged refresh or sign-out and end no honest client's session.

WXPASSPORT_KILLS raises the number of kills, to 20 for the figures (R-006, R-025, R-045).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pymongo
import pytest

from passport.store.embedded import EmbeddedMongo
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.kills import KILLS, LIMIT, kill_again_and_again, restarting
from tests.fault.running import ServerProcess, free_port, report
from tests.fault.signed_in import GRACE, SessionLedger, ended_as_replays, staying

ClientOf = Callable[[str], API]
PEOPLE = 12
BETWEEN = 12  # sign-ins between two kills


async def _settle(ledger: SessionLedger, server: ServerProcess, recoveries: list[float]) -> None:
    """Compare what was promised with what is kept, and with what is served."""
    await server.ready()
    mongo = EmbeddedMongo(server.folder / "data" / "mongodb")
    with pymongo.MongoClient(mongo.uri) as client:
        replays, lost = ended_as_replays(client.wxpassport), ledger.lost(client.wxpassport)
    lost += await ledger.broken_promises()
    worst = ", ".join(f"{each:.1f}" for each in recoveries)
    report(f"{KILLS} kills: {ledger.summary()}, lost {len(lost)}, recoveries {worst} s")
    assert (lost, replays, ledger.broken) == ([], [], [])
    assert {status for status in ledger.statuses if status >= 500} <= {503}
    assert ledger.refreshes >= KILLS * BETWEEN
    assert ledger.repeats > 0
    assert ledger.sign_outs > 0


@pytest.mark.timeout(LIMIT)
@pytest.mark.gen_test(timeout=LIMIT)
async def test_killing_mongod_loses_no_refresh_and_no_sign_out(
    start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(**GRACE)
    api = client_of(await server.ready())
    async with staying([api], PEOPLE) as ledger:
        recoveries = await kill_again_and_again(
            ledger, server, lambda: os.kill(server.mongod_pid, signal.SIGKILL), between=BETWEEN
        )
    await _settle(ledger, server, recoveries)


@pytest.mark.timeout(LIMIT)
@pytest.mark.gen_test(timeout=LIMIT)
async def test_killing_the_server_loses_no_refresh_and_no_sign_out(
    start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(server__port=free_port(), **GRACE)
    api = client_of(await server.ready())
    async with staying([api], PEOPLE) as ledger:
        recoveries = await kill_again_and_again(ledger, server, restarting(server), between=BETWEEN)
    await _settle(ledger, server, recoveries)
