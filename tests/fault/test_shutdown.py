"""SIGTERM and SIGINT: what is in flight is finished within the grace, nothing new is taken, nothing is left behind."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from sandbox import StandIn
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import mongods_under, until

ClientOf = Callable[[str], API]
IN_FLIGHT = 100
SIGNALS = [signal.SIGTERM, signal.SIGINT]


async def refuses_connections(url: str) -> bool:
    """Whether nobody listens there."""
    try:
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    except ConnectionError:  # reset, when it was waiting to be accepted as the door closed
        return True
    writer.close()
    await writer.wait_closed()
    return False


class KeptAlive:
    """One raw connection that answered once and stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, url: str) -> KeptAlive:
        """Open it and let it answer once."""
        made = cls(*await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port))
        assert "200 OK" in await made.get("/healthz")
        return made

    async def get(self, path: str) -> str:
        """The head and body of an answer."""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: login.test\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.splitlines() if line.startswith("Content-Length:")).split()[1]
        return head + (await self._reader.readexactly(int(length))).decode()

    def close(self) -> None:
        """Close it from this side."""
        self._writer.close()

    async def ended(self) -> bool:
        """Whether the server closes it, without another byte."""
        async with asyncio.timeout(20):
            rest = await self._reader.read()
        self.close()
        await self._writer.wait_closed()
        return rest == b""


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("number", SIGNALS)
async def test_requests_in_flight_are_answered_and_nothing_is_left(
    start_server: StartServer, client_of: ClientOf, stand_in: StandIn, folder: Path, number: signal.Signals
) -> None:
    server = start_server(wechat__timeout="15s")
    api = client_of(await server.ready())
    idle, busy = await KeptAlive.to(server.url), await KeptAlive.to(server.url)
    stand_in.faults.set("slow", delay=4)
    in_flight = [asyncio.create_task(api.token(api.wx_login())) for _ in range(IN_FLIGHT)]
    await stand_in.calls.reach(IN_FLIGHT)

    server.signal(number)
    await until(lambda: refuses_connections(server.url), "new connections are refused")
    told = await busy.get("/readyz")
    assert "503 Service Unavailable" in told
    assert "shutting down" in told
    assert "Connection: close" in told
    busy.close()
    replies = await asyncio.gather(*in_flight)
    assert {(reply.status, reply.error) for reply in replies} == {(401, "unregistered")}
    assert {reply.headers.get("Connection") for reply in replies} == {"close"}
    assert await idle.ended()
    assert await server.ended() == 0
    assert server.log("stopping")[0]["in_flight"] == IN_FLIGHT
    assert server.log("cut off after server.shutdown_grace") == []
    assert [line for line in server.log() if line["level"] == "ERROR"] == []
    assert mongods_under(folder) == []


@pytest.mark.gen_test(timeout=200)
async def test_what_outlasts_the_grace_is_cut_off_with_a_line_in_the_log(
    start_server: StartServer, client_of: ClientOf, stand_in: StandIn, folder: Path
) -> None:
    server = start_server(wechat__timeout="30s", server__shutdown_grace="500ms")
    api = client_of(await server.ready())
    stand_in.faults.set("hang")
    stuck = asyncio.create_task(api.token(api.wx_login()))
    await stand_in.calls.reach(1)
    server.signal(signal.SIGTERM)
    assert await server.ended(seconds=25) == 0
    await asyncio.wait({stuck})
    assert isinstance(stuck.exception(), aiohttp.ClientError)
    assert server.log("cut off after server.shutdown_grace")[0]["in_flight"] == 1
    assert "Traceback" not in server.errors
    assert mongods_under(folder) == []


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("number", SIGNALS)
async def test_a_second_signal_ends_at_once(
    start_server: StartServer,
    client_of: ClientOf,
    stand_in: StandIn,
    folder: Path,
    number: signal.Signals,
) -> None:
    server = start_server(wechat__timeout="60s", server__shutdown_grace="60s")
    api = client_of(await server.ready())
    stand_in.faults.set("hang")
    stuck = asyncio.create_task(api.token(api.wx_login()))
    await stand_in.calls.reach(1)
    server.signal(number)
    await until(lambda: bool(server.log("stopping")), "stopping")
    began = time.monotonic()
    server.signal(number)
    assert await server.ended(seconds=20) == 1
    assert time.monotonic() - began < 15
    await asyncio.wait({stuck})
    assert isinstance(stuck.exception(), aiohttp.ClientError) or stuck.result().status == 503
    assert "Traceback" not in server.errors
    assert len(server.log("ended at once, by a second signal")) == 1
    assert mongods_under(folder) == []


@pytest.mark.gen_test(timeout=200)
async def test_a_client_that_never_pauses_cannot_hold_the_shutdown_open(
    start_server: StartServer, client_of: ClientOf, mongodb_uri: str, database: Any
) -> None:
    server = start_server(
        mongodb__uri=mongodb_uri, mongodb__database=database.name, server__shutdown_grace="60s"
    )
    api = client_of(await server.ready())
    outcomes: list[object] = []

    async def never_pauses() -> None:
        while True:
            reply = await api.get("/.well-known/jwks.json")
            outcomes.append(reply.status)

    clients = [asyncio.create_task(never_pauses()) for _ in range(8)]
    await until(lambda: len(outcomes) > 50, "requests are answered")
    server.signal(signal.SIGTERM)
    assert await server.ended(seconds=30) == 0
    await asyncio.wait(clients)
    assert set(outcomes) == {200}
    assert all(isinstance(each.exception(), aiohttp.ClientConnectionError) for each in clients)
