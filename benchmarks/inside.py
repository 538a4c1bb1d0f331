"""A server inside the benchmark's process, over an embedded MongoDB, and how long its event loop is held (R-041)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tornado.netutil import bind_sockets

from benchmarks.people import APPIDS
from handlers.admin.page import SESSION_COOKIE
from handlers.serving import make_http_server, warm
from passport.config import Settings
from passport.models import Device, Operator
from passport.services import Services
from passport.store.embedded import EmbeddedMongo
from programs.serving import running_services

DATABASE = "inside"
_SECRET_KEY = "of a benchmark, and of nothing else: 32 bytes"  # noqa: S105  it opens nothing
_EVERY = 0.01


@dataclass(frozen=True)
class Inside:
    """The server: where its MongoDB and it are, and who is signed in with which cookie."""

    services: Services
    uri: str
    url: str
    operator: Operator
    cookie: str


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Inside]:
    """A server as `server.py` starts it, and an operator who is signed in."""
    mongo = EmbeddedMongo(folder / "mongodb")
    await mongo.start()
    try:
        async with running_services(_settings(mongo.uri, folder)) as (services, starting):
            await starting
            server, sockets = make_http_server(services), bind_sockets(0, "127.0.0.1")
            server.add_sockets(sockets)
            warming = asyncio.create_task(warm(server))
            operator, token = await _signed_in(services)
            url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
            yield Inside(services, mongo.uri, url, operator, f"{SESSION_COOKIE}={token}")
            warming.cancel()
            server.stop()
            await server.close_all_connections()
    finally:
        await mongo.stop()


def _settings(uri: str, folder: Path) -> Settings:
    apps = [{"appid": each, "secret": f"5f0c1e9ad8b7426e{each[2:]}", "name": each[-1]} for each in APPIDS]
    mongodb = {"uri": uri, "database": DATABASE, "timeout": "30s", "data_dir": str(folder)}
    return Settings.model_validate({"mongodb": mongodb, "wechat": {"apps": apps}, "secret_key": _SECRET_KEY})


async def _signed_in(services: Services) -> tuple[Operator, str]:
    operator = await services.store.operators.insert("lin", role="operator", at=services.admin.now())
    assert operator
    return operator, await services.admin.sessions.start(operator, Device("127.0.0.1", "curl"))


async def curl(inside: Inside, *addresses: str) -> tuple[int, int]:
    """How many lines and bytes came from these addresses, one after the other. A process of its own asks."""
    urls = " ".join(f"'{inside.url}{each}'" for each in addresses)
    process = await asyncio.create_subprocess_shell(
        f"curl -sSf -H 'Cookie: {inside.cookie}' {urls} | wc -lc", stdout=asyncio.subprocess.PIPE
    )
    counted, _ = await process.communicate()
    lines, size = map(int, counted.split())
    return lines, size


@dataclass
class Held:
    """The longest stretch for which the loop did nothing else, in seconds by the clock, and the CPU we had in one.

    On a busy machine the clock counts what others do, too; the CPU is ours, over all threads.
    """

    clock: float = 0.0
    cpu: float = 0.0

    def __str__(self) -> str:
        return f"loop held at most {self.clock * 1000:.0f} ms, with {self.cpu * 1000:.0f} ms of our CPU"


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Held]:
    """How long the loop is held at most while this goes on."""
    held = Held()
    probing = asyncio.create_task(_probe(held))
    try:
        yield held
    finally:
        probing.cancel()


async def _probe(held: Held) -> None:
    while True:
        began, worked = time.monotonic(), time.process_time()
        await asyncio.sleep(_EVERY)
        late = time.monotonic() - began - _EVERY
        held.clock = max(held.clock, late)
        # What two threads did in the same moment held nobody up twice.
        held.cpu = max(held.cpu, min(late, time.process_time() - worked))
