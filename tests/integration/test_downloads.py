"""Downloads are sent as fast as the client takes them, and are seen to be cut short when they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from handlers.admin.streaming import send_rows
from passport.errors import StoreUnavailable
from passport.exports import Row, make_format

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
ROW = {"n": 1, "text": "x" * 1000}


class Source:
    """Batches that tell how many were asked for, and whether they were closed."""

    def __init__(self) -> None:
        self.batches, self.fails_at, self.fault = 3, -1, Exception("never raised")
        self.asked, self.closed = 0, asyncio.Event()
        self.patience = 30.0

    async def rows(self) -> AsyncGenerator[Sequence[Row], None]:
        try:
            for number in range(self.batches):
                if number == self.fails_at:
                    raise self.fault
                self.asked += 1
                yield [ROW] * 100
        finally:
            self.closed.set()


@pytest.fixture
def source(io_loop: Any) -> Source:
    async def make() -> Source:
        return Source()

    made: Source = io_loop.run_sync(make)
    return made


@pytest.fixture
def url(io_loop: Any, source: Source) -> Iterator[str]:
    """A server of one page, which sends the source."""

    class Download(RequestHandler):
        async def get(self) -> None:
            form = make_format(self.get_argument("format", "jsonl"), ["n", "text"])
            await send_rows(self, source.rows(), form=form, name="users", at=AT, patience=source.patience)

        def write_error(self, status_code: int, **kwargs: Any) -> None:
            self.finish("a page")

        def log_exception(self, *failure: Any) -> None:
            """Nothing."""

    async def start() -> tuple[HTTPServer, str]:
        server = HTTPServer(Application([("/", Download)], log_function=lambda _: None))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        return server, f"http://127.0.0.1:{sockets[0].getsockname()[1]}/"

    server, address = io_loop.run_sync(start)
    yield address
    server.stop()
    io_loop.run_sync(server.close_all_connections)


async def fetch(url: str) -> tuple[int, Any, bytes]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_all_rows_arrive_as_an_attachment(url: str, source: Source) -> None:
    status, headers, body = await fetch(url)
    assert status == 200
    assert headers["Content-Disposition"] == 'attachment; filename="users-20261122T083000Z.jsonl"'
    assert headers["Content-Type"] == "application/jsonl; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert [json.loads(line) for line in body.splitlines()] == [ROW] * 300
    assert source.closed.is_set()


async def test_without_rows_a_csv_has_its_header(url: str, source: Source) -> None:
    source.batches = 0
    status, _, body = await fetch(url + "?format=csv")
    assert (status, body) == (200, b'\xef\xbb\xbf"n","text"\r\n')


async def test_what_fails_at_once_is_answered_with_a_page(url: str, source: Source) -> None:
    source.fails_at, source.fault = 0, StoreUnavailable()
    status, headers, body = await fetch(url)
    assert (status, body) == (500, b"a page")
    assert "Content-Disposition" not in headers


@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize("fault", [StoreUnavailable(), ValueError("ours")], ids=["store", "bug"])
async def test_what_fails_later_is_no_complete_download(url: str, source: Source, fault: Exception) -> None:
    source.fails_at, source.fault = 2, fault
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(url)
    assert source.closed.is_set()


async def test_a_client_that_does_not_read_is_not_read_for(url: str, source: Source) -> None:
    source.batches = 1000  # 100 MB
    async with aiohttp.ClientSession() as http:
        answer = await http.get(url)
        await answer.content.readany()
        seen = -1
        while seen != source.asked:
            seen = source.asked
            await asyncio.sleep(0.3)
        # What sits in the sockets' and the client's buffers, and no more.
        assert source.asked < 200
        answer.close()
        async with asyncio.timeout(10):
            await source.closed.wait()
    assert source.asked < 250


async def test_a_client_that_takes_nothing_is_given_up(url: str, source: Source) -> None:
    source.batches, source.patience = 1000, 0.3
    async with aiohttp.ClientSession() as http:
        answer = await http.get(url)
        async with asyncio.timeout(10):
            await source.closed.wait()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert source.asked < 1000
