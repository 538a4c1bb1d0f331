"""A MongoDB that comes late, dies or freezes under a running server.py, which answers 503 and recovers by itself."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymongo
import pytest

from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import Mongod, ending, report, until
from tests.fault.test_database_faults import check_unavailable
from tests.fault.visitors import visiting

ClientOf = Callable[[str], API]


@pytest.fixture
def mongod(folder: Path) -> Iterator[Mongod]:
    """A standalone, not started: on it the driver cannot retry writes, so our own answers show."""
    made = Mongod(folder / "mongod")
    with ending([made]):
        yield made


@pytest.mark.gen_test(timeout=200)
async def test_a_server_that_starts_before_mongodb_says_so_and_becomes_ready_without_a_restart(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(mongodb__uri=mongod.uri)
    api = client_of(await server.listening())
    began = time.monotonic()
    assert (await api.get("/healthz")).status == 200
    status, answer = await server.probe("/readyz")
    assert (status, answer["status"]) == (503, "unavailable")
    assert time.monotonic() - began < 15  # the driver alone would wait for 30 s

    async def blamed() -> bool:
        return "MongoDB does not answer" in (await server.probe("/readyz"))[1].get("problem", "")

    await until(blamed, "/readyz names MongoDB")
    for reply in (await api.register(api.wx_login("mei")), await api.get("/.well-known/jwks.json")):
        check_unavailable(reply)
    assert api.stand_in.calls.total == 0

    mongod.start()
    await mongod.answering()
    recovery = await until(server.is_ready, "ready")
    report(f"ready {recovery:.1f} s after MongoDB")
    assert (await api.register(api.wx_login("mei"))).status == 201
    assert len(server.log("ready to serve")) == 1


@pytest.mark.gen_test(timeout=200)
async def test_a_standalone_that_dies_under_load_is_503_and_recovers(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    mongod.start()
    server = start_server(mongodb__uri=mongod.uri)
    api = client_of(await server.ready())
    async with visiting([api], 8) as ledger:
        await until(lambda: len(ledger.sessions) >= 20, "people sign in")
        mongod.kill()
        await until(lambda: ledger.statuses[503] > 8, "503")
        assert (await server.probe("/readyz"))[0] == 503
        assert (await server.probe("/healthz"))[0] == 200
        mongod.start()
        await mongod.answering()
        back_at = time.monotonic()
        await until(lambda: ledger.last_success > back_at, "service returns")
        report(f"serving {ledger.last_success - back_at:.1f} s after the restart")
    await server.ready()
    report(ledger.summary())
    with pymongo.MongoClient(mongod.uri) as client:
        assert (ledger.lost(client.wxpassport), ledger.doubled(client.wxpassport), ledger.broken) == (
            [],
            [],
            [],
        )
    assert {status for status in ledger.statuses if status >= 500} == {503}


@pytest.mark.gen_test(timeout=200)
async def test_a_frozen_mongod_costs_a_deadline_and_not_more(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    mongod.start()
    server = start_server(mongodb__uri=mongod.uri, mongodb__timeout="1s")
    api = client_of(await server.ready())
    await api.registered("mei")
    mongod.signal(signal.SIGSTOP)
    began = time.monotonic()
    replies = await asyncio.gather(*(api.token(api.wx_login("mei")) for _ in range(20)))
    slowest = time.monotonic() - began
    report(f"20 requests on a frozen mongod: {slowest:.1f} s")
    for reply in replies:
        check_unavailable(reply)
    assert slowest < 1 + 8  # mongodb.timeout, and what a busy machine adds
    status, answer = await server.probe("/readyz")
    assert (status, "MongoDB does not answer" in answer["problem"]) == (503, True)
    assert (await api.get("/healthz")).status == 200

    mongod.signal(signal.SIGCONT)
    await server.ready()
    assert (await api.token(api.wx_login("mei"))).status == 200
