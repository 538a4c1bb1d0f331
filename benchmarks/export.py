"""`python -m benchmarks.export`: how fast all users are exported, beside a bare loop over the driver's cursor.

The server of the services runs in this process over an embedded MongoDB, and the client is `curl`, which throws away
what it gets. The mark is pymongo in a thread of this process, which does nothing else then: the same projection, each
user made into the same row and written in the same format, into nothing. Rounds alternate. Beside the rate: how long
the event loop was held at most (R-041), and the peak of the memory after each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets

from benchmarks.people import connected, fill
from handlers.admin.page import SESSION_COOKIE
from handlers.serving import make_http_server
from passport.config import Settings
from passport.exports import make_format
from passport.jobs.export import COLUMNS, row_of
from passport.models import Device
from passport.services import Services, make_services
from passport.store.embedded import EmbeddedMongo
from passport.store.user_export import EXPORTED

SECRET_KEY = b"of a benchmark, and of nothing else: 32 bytes"
DATABASE = "export"


def main(arguments: Sequence[str]) -> int:
    """Print a line a round."""
    parser = argparse.ArgumentParser(prog="benchmarks.export")
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wxpassport-bench-") as folder:
        asyncio.run(_run(Path(folder), options.users, options.rounds))
    return 0


async def _run(folder: Path, users: int, rounds: int) -> None:
    mongo = EmbeddedMongo(folder)
    await mongo.start()
    try:
        async with _serving(mongo.uri, folder) as (services, address):
            await asyncio.to_thread(_fill, mongo.uri, users)
            cookie = await _signed_in(services)
            print(f"{users:,} users; rows per second:", flush=True)
            for _ in range(rounds):
                for name in ("csv", "jsonl"):
                    bare = await asyncio.to_thread(_bare, mongo.uri, name)
                    rate, cpu, lag, size = await _exported(address, cookie, name, users)
                    print(
                        f"{name:5} {rate:9,.0f}  bare {users / bare:9,.0f}  ratio {rate * bare / users:.2f}  "
                        f"{cpu * 1e6:.0f} µs of CPU a row  "
                        f"loop held at most {lag * 1000:.0f} ms  {size / 2**20:.0f} MB  peak RSS {_peak()} MB",
                        flush=True,
                    )
    finally:
        await mongo.stop()


@contextlib.asynccontextmanager
async def _serving(uri: str, folder: Path) -> AsyncIterator[tuple[Services, str]]:
    settings = Settings.model_validate(
        {
            "mongodb": {"database": DATABASE, "timeout": "30s", "data_dir": str(folder)},
            "wechat": {
                "apps": [{"appid": "wx0000000000000001", "secret": "5f0c1e9ad8b7426e93d1c0a4b7e8f625"}]
            },
        }
    )
    services = make_services(settings, mongodb_uri=uri, secret_key=SECRET_KEY)
    await services.readiness.prepare()
    server, sockets = make_http_server(services), bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    yield services, f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    server.stop()
    await server.close_all_connections()
    await services.close()


def _fill(uri: str, users: int) -> None:
    with connected(uri) as client:
        fill(client[DATABASE], users=users, sessions=0)


async def _signed_in(services: Services) -> str:
    operator = await services.store.operators.insert("lin", role="operator", at=services.admin.now())
    assert operator
    return await services.admin.sessions.start(operator, Device("127.0.0.1", "curl"))


async def _exported(address: str, cookie: str, name: str, users: int) -> tuple[float, float, float, int]:
    """Rows per second, our CPU a row, the longest time that the event loop was held, and how many bytes came."""
    lags: list[float] = []
    probing, began = asyncio.create_task(_probe(lags)), time.monotonic()
    worked = time.process_time()
    url = f"{address}/admin/users/export?format={name}"
    process = await asyncio.create_subprocess_shell(
        f"curl -sSf -H 'Cookie: {SESSION_COOKIE}={cookie}' '{url}' | wc -lc", stdout=asyncio.subprocess.PIPE
    )
    counted, _ = await process.communicate()
    took = time.monotonic() - began
    probing.cancel()
    lines, size = map(int, counted.split())
    if lines < users:
        raise SystemExit(f"the export has {lines} lines, and there are {users} users")
    return users / took, (time.process_time() - worked) / users, max(lags), size


async def _probe(lags: list[float]) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - began - 0.01)


def _bare(uri: str, name: str) -> float:
    """Seconds in which the driver alone reads everybody, and the same rows are written into nothing."""
    form, batch, began = make_format(name, COLUMNS), list[dict[str, Any]](), time.monotonic()
    with connected(uri) as client:
        for user in client[DATABASE]["users"].find({}, dict.fromkeys(EXPORTED, 1)):
            batch.append(row_of(user, plain=False))
            if len(batch) == 500:
                form.rows(batch)
                batch.clear()
    form.rows(batch)
    return time.monotonic() - began


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
