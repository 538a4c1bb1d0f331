"""Starts that fail, and starts that are broken off: a sentence with the cure, the right status, nothing left behind."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.fault.conftest import StartServer
from tests.fault.running import Mongod, ServerProcess, mongods_under, until


@pytest.mark.gen_test(timeout=200)
async def test_a_port_in_use_is_said_before_anything_is_started(
    start_server: StartServer, folder: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start_server(server__port=port)
        assert await server.ended() == 1
    assert f"server.host, server.port: 127.0.0.1:{port} is in use" in server.errors
    assert "--port" in server.errors
    assert "Traceback" not in server.errors
    assert not (server.folder / "data" / "mongodb").exists()


@pytest.mark.gen_test(timeout=200)
async def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on(
    start_server: StartServer,
) -> None:
    first = start_server()
    await first.ready()
    second = start_server(mongodb__data_dir=str(first.folder / "data"))
    assert await second.ended() == 1
    assert f"in use by the server with pid {first.process.pid}" in second.errors
    assert "Traceback" not in second.errors
    assert await first.is_ready()


@pytest.mark.gen_test(timeout=200)
async def test_an_address_that_is_not_ours_is_said(start_server: StartServer) -> None:
    server = start_server(server__host="192.0.2.1")  # RFC 5737: belongs to nobody
    assert await server.ended() == 1
    assert "server.host, server.port: 192.0.2.1:0 is not to be had" in server.errors
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_sigterm_while_mongod_starts_leaves_nothing(start_server: StartServer, folder: Path) -> None:
    server = start_server()
    await until(lambda: bool(mongods_under(folder)), "mongod starts")
    assert server.log("mongod is ready") == []
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    assert mongods_under(folder) == []
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_two_signals_while_mongod_starts_leave_nothing(start_server: StartServer, folder: Path) -> None:
    server = start_server()
    await until(lambda: bool(mongods_under(folder)), "mongod starts")
    for _ in range(2):
        server.signal(signal.SIGTERM)
        await asyncio.sleep(0.05)  # equal signals that come together are one
    # The first one's end can be over before the second comes, which then finds no handler any more.
    assert await server.ended() in (0, 1, -signal.SIGTERM)
    assert mongods_under(folder) == []
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_sigterm_while_mongodb_is_missing_ends_with_0(start_server: StartServer, folder: Path) -> None:
    server = start_server(mongodb__uri=Mongod(folder / "never started").uri)
    await server.listening()
    await until(lambda: bool(server.log("not ready")), "it noticed")
    server.signal(signal.SIGTERM)
    assert await server.ended() == 0
    assert "Traceback" not in server.errors


@pytest.mark.gen_test(timeout=200)
async def test_another_secret_key_is_said_and_nothing_is_served(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    settings = {"mongodb__uri": mongodb_uri, "mongodb__database": database.name}
    first = start_server(**settings)
    await first.ready()
    other = start_server(**settings, secret_key="0123456789abcdef" * 4)
    await other.listening()
    await until(lambda: _blames(other, "secret_key does not open the signing keys"), "/readyz names it")
    assert database.signing_keys.count_documents({}) == 1


async def _blames(server: ServerProcess, text: str) -> bool:
    status, answer = await server.probe("/readyz")
    return status == 503 and text in answer["problem"]
