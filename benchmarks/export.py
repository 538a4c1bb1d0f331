"""`python -m benchmarks.export`: how fast all users are exported, beside a bare loop over the driver's cursor.

The server of the services runs in this process over an embedded MongoDB, and the client is `curl`, which throws away
what it gets. The mark is pymongo in a thread of this process, which does nothing else then: the same projection, each
user made into the same row and written in the same format, into nothing. Rounds alternate. Beside the rate: how long
the event loop was held at most (R-041), and the peak of the memory after each round.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.inside import DATABASE, Held, Inside, curl, serving, watched
from benchmarks.people import connected, fill
from passport.exports import make_format
from passport.jobs.export import COLUMNS, row_of
from passport.store.user_export import EXPORTED


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
    async with serving(folder) as inside:
        await asyncio.to_thread(_fill, inside.uri, users)
        print(f"{users:,} users; rows per second:", flush=True)
        for _ in range(rounds):
            for name in ("csv", "jsonl"):
                bare = await asyncio.to_thread(_bare, inside.uri, name)
                rate, cpu, held, size = await _exported(inside, name, users)
                print(
                    f"{name:5} {rate:9,.0f}  bare {users / bare:9,.0f}  ratio {rate * bare / users:.2f}  "
                    f"{cpu * 1e6:.0f} µs of CPU a row  {held}  {size / 2**20:.0f} MB  peak RSS {_peak()} MB",
                    flush=True,
                )


def _fill(uri: str, users: int) -> None:
    with connected(uri) as client:
        fill(client[DATABASE], users=users, sessions=0)


async def _exported(inside: Inside, name: str, users: int) -> tuple[float, float, Held, int]:
    """Rows per second, our CPU a row, how long the event loop was held, and how many bytes came."""
    began, worked = time.monotonic(), time.process_time()
    async with watched() as held:
        lines, size = await curl(inside, f"/admin/users/export?format={name}")
    took = time.monotonic() - began
    if lines < users:
        raise SystemExit(f"the export has {lines} lines, and there are {users} users")
    return users / took, (time.process_time() - worked) / users, held, size


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
