"""No acknowledged account or session is lost or doubled while mongod, or the whole server, is killed again and again.

WXPASSPORT_KILLS raises the number of kills, to 20 for the figures (R-006).
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
from tests.fault.visitors import Ledger, visiting

WRITERS = 12
BETWEEN = 25  # sign-ins between two kills

ClientOf = Callable[[str], API]


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
        recoveries = await kill_again_and_again(
            ledger, server, lambda: os.kill(server.mongod_pid, signal.SIGKILL), between=BETWEEN
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
    async with visiting([api], WRITERS) as ledger:
        recoveries = await kill_again_and_again(ledger, server, restarting(server), between=BETWEEN)
    _settle(ledger, server, recoveries)
