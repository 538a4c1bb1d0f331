"""`server.processes`: several workers are one server. They share codes, end together, and are replaced when they die.

Their renewal by SIGHUP is in test_renewal.py.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import StandIn
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import Mongod, ServerProcess, free_port, mongods_under, until
from tests.fault.test_shutdown import KeptAlive, refuses_connections
from tests.fault.workers import all_ready, children_of, family_of, nobody_left, signal_all

ClientOf = Callable[[str], API]
IN_FLIGHT = 40
KEPT = 64


def answered(server: ServerProcess) -> Counter[int]:
    """How many requests each process answered, as far as the log has them."""
    return Counter(line["process"] for line in server.log() if line["logger"] == "wxpassport.access")


@pytest.mark.gen_test(timeout=200)
async def test_a_killed_parent_takes_everybody_with_it_and_a_new_one_can_start_at_once(
    start_server: StartServer, folder: Path
) -> None:
    server = start_server(server__processes=2, server__port=free_port())
    workers = await all_ready(server)
    family = family_of(server)
    assert len(set(workers)) == 2
    # The parent, the process that runs mongod, the workers.
    assert len(family) == 4

    server.signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    assert not set(await all_ready(server)) & set(workers)
    await nobody_left(family)
    assert len(mongods_under(folder)) == 1


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize(
    ("number", "who"), [(signal.SIGTERM, "parent"), (signal.SIGTERM, "all"), (signal.SIGINT, "all")]
)
async def test_requests_in_flight_are_answered_and_nobody_is_left(
    start_server: StartServer,
    client_of: ClientOf,
    stand_in: StandIn,
    folder: Path,
    number: signal.Signals,
    who: str,
) -> None:
    server = start_server(server__processes=2, wechat__timeout="15s")
    workers = await all_ready(server)
    family, api = family_of(server), client_of(server.url)
    stand_in.faults.set("slow", delay=4)
    in_flight = [asyncio.create_task(api.token(api.wx_login())) for _ in range(IN_FLIGHT)]
    await stand_in.calls.reach(IN_FLIGHT)

    signal_all({server.process.pid} if who == "parent" else family, number)
    await until(lambda: refuses_connections(server.url), "new connections are refused")
    assert not all(task.done() for task in in_flight)
    replies = await asyncio.gather(*in_flight)
    assert {(reply.status, reply.error) for reply in replies} == {(401, "unregistered")}
    assert await server.ended() == 0
    stopped = server.log("stopping")
    assert {line["process"] for line in stopped} == set(workers)
    assert sum(line["in_flight"] for line in stopped) == IN_FLIGHT
    assert server.log("a worker left badly") == server.log("a worker ended and is replaced") == []
    assert server.log("cut off after server.shutdown_grace") == []
    await nobody_left(family)
    assert mongods_under(folder) == []


@pytest.mark.gen_test(timeout=200)
async def test_a_code_posted_to_both_workers_is_one_call_and_a_second_signal_ends_at_once(
    start_server: StartServer, client_of: ClientOf, stand_in: StandIn, mongodb_uri: str, database: Any
) -> None:
    server = start_server(
        mongodb__uri=mongodb_uri,
        mongodb__database=database.name,
        server__processes=2,
        server__shutdown_grace="60s",
        wechat__timeout="60s",
    )
    workers = await all_ready(server)
    api, login = client_of(server.url), stand_in.people.login("mei")
    replies = await asyncio.gather(*(api.token(login) for _ in range(60)))
    assert {(reply.status, reply.error) for reply in replies} == {(401, "unregistered")}
    assert stand_in.calls.total == 1
    assert answered(server).keys() == set(workers)

    stand_in.faults.set("hang")
    stuck = asyncio.create_task(api.token(api.wx_login()))
    await stand_in.calls.reach(2)
    server.signal(signal.SIGTERM)
    await until(lambda: len(server.log("stopping")) == 2, "both workers stop")
    server.signal(signal.SIGTERM)
    assert await server.ended() == 1
    await asyncio.wait({stuck})
    assert isinstance(stuck.exception(), aiohttp.ClientError)
    assert len(server.log("ended at once, by a second signal")) == 1
    await nobody_left(family_of(server))


@pytest.mark.gen_test(timeout=200)
async def test_connections_are_shared_evenly_and_one_that_hangs_gets_no_more(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    server = start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name, server__processes=2)
    workers = await all_ready(server)
    kept = await asyncio.gather(*(KeptAlive.to(server.url) for _ in range(KEPT)))
    await until(lambda: answered(server).total() == KEPT, "each has its line in the log")
    counts = answered(server)
    assert counts.keys() == set(workers)
    # A busy machine may let one of them sleep for a while; with Tornado's way it is 2 of 64.
    assert min(counts.values()) >= KEPT / 8

    os.kill(workers[0], signal.SIGSTOP)
    try:
        kept += await asyncio.gather(*(KeptAlive.to(server.url) for _ in range(KEPT)))
    finally:
        os.kill(workers[0], signal.SIGCONT)
    for each in kept:
        each.close()


@pytest.mark.gen_test(timeout=200)
async def test_whoever_is_killed_comes_back(
    start_server: StartServer, client_of: ClientOf, folder: Path
) -> None:
    server = start_server(server__processes=2)
    workers = await all_ready(server)
    # More often than a server that cannot start would be given.
    for kills in range(1, 7):
        os.kill(workers[0], signal.SIGKILL)
        workers = await all_ready(server, times=kills + 1)
    assert len(set(workers)) == 2
    ends = server.log("a worker ended and is replaced")
    assert [(line["level"], line["exit_status"]) for line in ends] == [("WARNING", -signal.SIGKILL)] * 6

    keeper = server.log("mongod is ready")[-1]["process"]
    os.kill(keeper, signal.SIGKILL)
    await until(lambda: len(server.log("mongod is ready")) == 2, "mongod is there again")
    await server.ready()
    assert (await client_of(server.url).register(client_of(server.url).wx_login())).status == 201
    assert len(mongods_under(folder)) == 1
    # Whose pid a second server on the same data is told to stop.
    assert (server.folder / "data/mongodb/server.lock").read_text().strip() == str(server.process.pid)


@pytest.mark.gen_test(timeout=200)
async def test_workers_that_end_before_they_are_ready_again_and_again_end_the_server(
    start_server: StartServer, folder: Path
) -> None:
    # They wait for a MongoDB that never comes, and are killed while they do.
    server = start_server(mongodb__uri=Mongod(folder / "never started").uri, server__processes=2)
    await until(lambda: bool(children_of(server.process.pid)), "workers start")
    family = {server.process.pid}

    def kill_all() -> bool:
        for pid in children_of(server.process.pid):
            family.add(pid)
            os.kill(pid, signal.SIGKILL)
        return server.process.poll() is not None

    await until(kill_all, "it gives up")
    assert server.process.returncode == 1
    assert len(server.log("a worker ended and is replaced")) == 5
    assert len([line for line in server.log() if "giving up" in line["message"]]) == 1
    await nobody_left(family)


@pytest.mark.gen_test(timeout=200)
async def test_what_keeps_mongod_from_starting_is_said_once_and_ends_the_server(
    start_server: StartServer, folder: Path
) -> None:
    server = start_server(server__processes=2, mongodb__binary="/bin/false")
    assert await server.ended() == 1
    assert server.errors.count("false ended at start: exit status 1") == 1
    assert "Traceback" not in server.errors
    await nobody_left(family_of(server))
