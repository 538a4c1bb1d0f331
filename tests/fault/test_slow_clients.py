"""Clients that drip, stall or leave: cut at the limits, forgotten by the count of what is in flight."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from handlers.serving import make_http_server
from passport.services import Services
from sandbox import StandIn
from tests.client import API
from tests.fault.running import until

LIMIT = 0.3
POST = b"POST /oauth/token HTTP/1.1\r\nHost: login.test\r\nContent-Type: application/json\r\nContent-Length: 400\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def impatient(io_loop: IOLoop, services: Services) -> Iterator[int]:
    """The port of our HTTP server, its limits shortened."""

    async def start() -> tuple[HTTPServer, int]:
        server = make_http_server(services)
        assert server.conn_params.header_timeout == 30
        assert server.conn_params.body_timeout == 10
        server.conn_params.header_timeout = server.conn_params.body_timeout = LIMIT
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        return server, sockets[0].getsockname()[1]

    server, port = io_loop.run_sync(start)
    yield port

    async def stop() -> None:
        server.stop()
        await server.close_all_connections()

    io_loop.run_sync(stop)


async def _drip(port: int, head: bytes, drop: bytes) -> float:
    """Send the head, then a drop now and then; after how many seconds the server hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    try:
        writer.write(head)
        while time.monotonic() - began < 20:
            writer.write(drop)
            await asyncio.wait({end := asyncio.ensure_future(reader.read())}, timeout=0.02)
            if end.done():
                break
            end.cancel()
            await asyncio.wait({end})
        assert end.done()
        assert end.cancelled() or end.exception() is not None or end.result() == b""
        return time.monotonic() - began
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):  # cut by the server, which is what the test is about
            await writer.wait_closed()


@pytest.mark.parametrize(
    ("head", "drop"),
    [(b"GET /healthz HTTP/1.1\r\n", b"X-A: b\r\n"), (POST, b"X-A: b\r\n"), (POST + b"\r\n", b" ")],
    ids=["header of a GET", "header of a POST", "body"],
)
async def test_a_request_that_drips_in_is_cut_and_others_are_served_meanwhile(
    impatient: int, api: API, services: Services, stand_in: StandIn, head: bytes, drop: bytes
) -> None:
    drips = [asyncio.create_task(_drip(impatient, head, drop)) for _ in range(20)]
    assert (await api.register(api.wx_login())).status == 201
    seconds = await asyncio.gather(*drips)
    assert max(seconds) < LIMIT + 10
    await until(lambda: services.traffic.count == 0, "nothing is in flight")
    assert stand_in.calls.total == 1


async def test_an_idle_connection_is_closed(impatient: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_leaves_is_not_in_flight_and_its_code_is_kept(
    api: API, services: Services, stand_in: StandIn
) -> None:
    stand_in.faults.set("slow", delay=0.5, times=1)
    visitor = api.wx_login()
    leaving = asyncio.create_task(api.token(visitor))
    await stand_in.calls.reach(1)
    assert services.traffic.count == 1
    leaving.cancel()
    await until(lambda: services.traffic.count == 0, "nothing is in flight")
    # The exchange goes on without its client, so that the same code serves the retry.
    assert (await api.register(visitor)).status == 201
    assert (await api.token(visitor)).status == 200
    assert stand_in.calls.total == 1
    assert services.traffic.count == 0


async def test_a_client_that_leaves_within_its_body_is_not_in_flight(api: API, services: Services) -> None:
    port = int(api.base_url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(POST + b'\r\n{"code":')
    await until(lambda: services.traffic.count == 1, "it is in flight")
    writer.close()
    await writer.wait_closed()
    await until(lambda: services.traffic.count == 0, "nothing is in flight")
