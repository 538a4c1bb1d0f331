"""One limit over two real server.py processes at ten times the limit: at most 5 % too many get in (R-042)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.running import report

ClientOf = Callable[[str], API]

LIMIT = 200


@pytest.mark.gen_test(timeout=200)
async def test_ten_times_the_limit_over_two_processes_admits_the_limit(
    start_server: StartServer, client_of: ClientOf, mongodb_uri: str, database: Any
) -> None:
    settings = {
        "mongodb__uri": mongodb_uri,
        "mongodb__database": database.name,
        "mongodb__timeout": "20s",
        # A day, so that no window ends meanwhile.
        "limits": {"token_per_ip": f"{LIMIT}/day", "token_global": "off"},
    }
    servers = [start_server(**settings) for _ in range(2)]
    turns, gate = cycle([client_of(await each.ready()) for each in servers]), asyncio.Semaphore(50)

    async def one(client: API) -> tuple[int, int]:
        async with gate:
            reply = await client.post("/oauth/token", json={})
        return reply.status, int(reply.headers.get("Retry-After", 0))

    answers = await asyncio.gather(*(one(next(turns)) for _ in range(10 * LIMIT)))
    statuses = Counter(status for status, _ in answers)
    report(f"{statuses[403]} of {10 * LIMIT} requests admitted; the limit is {LIMIT}")

    assert set(statuses) == {403, 429}
    assert 0.9 * LIMIT <= statuses[403] <= 1.05 * LIMIT
    assert all(0 < wait <= 86400 for status, wait in answers if status == 429)
