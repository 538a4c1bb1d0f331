"""A MongoDB that stalls: no code is burned, no caller waits longer than told, and the server still stops at once.

Also what is answered while the embedded mongod starts, and `server.py check` beside a server and without one.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymongo
import pytest

from passport.store.mongod_binary import find_mongod
from sandbox import StandIn
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import Mongod, ending, mongods_under, report, until
from tests.fault.test_database_faults import check_unavailable

ClientOf = Callable[[str], API]
# Seconds that a busy machine may add to a deadline.
SLACK = 6.0
TIMEOUTS = {"mongodb__timeout": "1s", "wechat__timeout": "1s"}


@pytest.fixture
def mongod(folder: Path) -> Iterator[Mongod]:
    """A running standalone, on which the driver cannot retry writes."""
    made = Mongod(folder / "mongod")
    with ending([made]):
        made.start()
        yield made


@pytest.fixture
def slow_mongod(folder: Path) -> Path:
    """A program that becomes mongod as soon as a file named `open` lies beside it."""
    program = folder / "slow-mongod"
    program.write_text(
        f"#!{sys.executable} -IS\n"
        "import os, sys, time\n"
        f"while not os.path.exists({str(folder / 'open')!r}):\n"
        "    time.sleep(0.02)\n"
        f"os.execv({str(find_mongod(None))!r}, sys.argv)\n",
        encoding="utf-8",
    )
    program.chmod(0o700)
    return program


@pytest.mark.gen_test(timeout=200)
async def test_a_code_that_met_a_frozen_mongod_is_not_burned(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(mongodb__uri=mongod.uri, **TIMEOUTS)
    api = client_of(await server.ready())
    # Connections for all that is asked at once: the first question on a new one would wait for a frozen mongod's hello.
    await asyncio.gather(*(api.registered(f"visitor-{number}") for number in range(10)))
    api.stand_in.calls.clear()
    visitor = api.wx_login()
    mongod.signal(signal.SIGSTOP)
    check_unavailable(await api.token(visitor))
    assert api.stand_in.calls.total == 0

    mongod.signal(signal.SIGCONT)
    with pymongo.MongoClient(mongod.uri) as client:
        logins = client.wxpassport.pending_logins
        # What was sent before the deadline is done now, for nobody.
        await until(lambda: logins.count_documents({"status": "busy"}) == 1, "mongod gives the turn too late")
    await server.ready()
    assert (await api.token(visitor)).status == 401
    assert (await api.register(visitor)).status == 201
    assert (await api.token(visitor)).status == 200
    assert api.stand_in.calls.of(visitor["code"]) == api.stand_in.calls.total == 1


@pytest.mark.gen_test(timeout=200)
async def test_more_callers_than_driver_threads_wait_one_deadline_for_a_frozen_mongod(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the driver's own deadlines alone, each crowd of ten would wait for the one before.
    monkeypatch.setenv("MOTOR_MAX_WORKERS", "10")
    server = start_server(mongodb__uri=mongod.uri, **TIMEOUTS)
    api = client_of(await server.ready())
    await api.registered("mei")
    api.stand_in.calls.clear()
    mongod.signal(signal.SIGSTOP)

    async def timed() -> float:
        began = time.monotonic()
        check_unavailable(await api.token(api.wx_login("mei")))
        return time.monotonic() - began

    posts = [asyncio.create_task(timed()) for _ in range(120)]
    alive = 0
    while not all(post.done() for post in posts):
        assert (await server.probe("/healthz"))[0] == 200
        alive += 1
        await asyncio.sleep(0.1)
    slowest = max(await asyncio.gather(*posts))
    report(f"120 requests on a frozen mongod: {slowest:.1f} s, and {alive} times /healthz")
    assert slowest < 1 + SLACK
    assert alive > 1
    assert api.stand_in.calls.total == 0

    mongod.signal(signal.SIGCONT)
    await server.ready()
    assert (await api.token(api.wx_login("mei"))).status == 200


@pytest.mark.gen_test(timeout=200)
async def test_callers_with_one_code_do_not_wait_for_each_others_deadlines(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(mongodb__uri=mongod.uri, **TIMEOUTS)
    api = client_of(await server.ready())
    await api.registered("mei")
    login = api.wx_login("mei")
    mongod.signal(signal.SIGSTOP)
    began = time.monotonic()
    replies = await asyncio.gather(*(api.token(login) for _ in range(12)))
    slowest = time.monotonic() - began
    report(f"12 requests with one code on a frozen mongod: {slowest:.1f} s")
    for reply in replies:
        check_unavailable(reply)
    assert slowest < 1 + 2 * 1 + SLACK

    mongod.signal(signal.SIGCONT)
    await server.ready()
    assert (await api.token(login)).status == 200
    assert api.stand_in.calls.of(login["code"]) == 1


@pytest.mark.gen_test(timeout=200)
async def test_sigterm_does_not_wait_for_a_frozen_mongod(
    mongod: Mongod, start_server: StartServer, client_of: ClientOf
) -> None:
    server = start_server(mongodb__uri=mongod.uri, **TIMEOUTS)
    api = client_of(await server.ready())
    await api.registered("mei")
    mongod.signal(signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    began = time.monotonic()
    assert await server.ended() == 0
    took = time.monotonic() - began
    report(f"ended {took:.1f} s after SIGTERM, with mongod frozen")
    assert took < 2 + 4  # the farewell has 2 s; four of them, one after the other, took 6.8
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_a_server_whose_mongod_starts_slowly_answers_meanwhile_and_becomes_ready(
    start_server: StartServer, client_of: ClientOf, folder: Path, slow_mongod: Path
) -> None:
    server = start_server(mongodb__binary=str(slow_mongod), **TIMEOUTS)
    api = client_of(await server.listening())
    await until(lambda: bool(mongods_under(folder)), "the program runs")
    assert (await api.get("/healthz")).status == 200
    assert (await server.probe("/readyz"))[0] == 503
    visitor = api.wx_login()
    check_unavailable(await api.token(visitor))
    assert api.stand_in.calls.total == 0
    assert server.log("mongod is ready") == []

    (folder / "open").touch()
    await server.ready()
    assert (await api.token(visitor)).status == 401
    assert (await api.register(visitor)).status == 201


@pytest.mark.gen_test(timeout=200)
async def test_sigterm_does_not_wait_for_a_mongod_that_starts_slowly(
    start_server: StartServer, client_of: ClientOf, folder: Path, slow_mongod: Path
) -> None:
    server = start_server(mongodb__binary=str(slow_mongod), **TIMEOUTS)
    api = client_of(await server.listening())
    await until(lambda: bool(mongods_under(folder)), "the program runs")
    check_unavailable(await api.token(api.wx_login()))
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    assert mongods_under(folder) == []
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_check_beside_a_running_server_finds_its_mongodb(
    start_server: StartServer, stand_in: StandIn
) -> None:
    server = start_server()
    await server.ready()
    check = start_server("check", mongodb__data_dir=server.settings["mongodb__data_dir"])
    assert await check.ended() == 0, check.output
    assert "ok    MongoDB: " in check.output
    assert "FAULT" not in check.output
    assert stand_in.calls.total == 1
    assert await server.is_ready()


@pytest.mark.gen_test(timeout=200)
async def test_check_makes_no_secret_key_and_leaves_no_mongod(
    start_server: StartServer, folder: Path
) -> None:
    check = start_server("check")
    assert await check.ended() == 0, check.output
    assert "ok    MongoDB: " in check.output
    assert not (check.folder / "data" / "secret_key").exists()
    assert mongods_under(folder) == []
