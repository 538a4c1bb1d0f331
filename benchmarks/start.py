"""`python -m benchmarks.start`: how long `python server.py` takes until it is ready, and what it costs to do nothing.

It starts again and again over the same database of a thousand users, which its embedded mongod keeps. The time is from
exec until /readyz says 200. Then it is left alone, and its memory and CPU are read, and its memory once more after the
first login and the first page of the dashboard, since both bring what an idle server has no need of.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    Process,
    child_of,
    cpu_seconds,
    family,
    resident_mb,
    running,
    wait_until_ready,
    write_config,
)
from benchmarks.load import drive, once, post
from benchmarks.returning import fill_ours
from benchmarks.sides import machine
from benchmarks.stage import APPID, TOKEN, USERS, carried_out, login_body

_MINUTE = 60
_URL = r'"url": "(http://[^"]+)"'


@dataclass(frozen=True)
class Start:
    """Seconds until ready, and seconds of CPU that the server and its mongod spent by then."""

    elapsed: float
    cpu: float
    mongod_cpu: float


def start(process: Process, began: float) -> Start:
    """Wait until it is ready."""
    wait_until_ready(process.wait_for(_URL), process)
    elapsed = time.perf_counter() - began
    return Start(elapsed, _server_cpu(process), cpu_seconds(child_of(process.pid, "mongod")))


def idle(process: Process, *, before: float, during: float) -> str:
    """What it does when nobody asks."""
    time.sleep(before)
    mongod = child_of(process.pid, "mongod")
    resident = _resident(process)
    cpu, mongod_cpu = _server_cpu(process), cpu_seconds(mongod)
    time.sleep(during)
    per_minute = _MINUTE / during
    return "\n".join(
        [
            f"| idle RSS MB after {before:g} s: server | {resident:.0f} |",
            f"| … mongod | {resident_mb(mongod):.0f} |",
            f"| idle CPU ms per minute: server | {(_server_cpu(process) - cpu) * 1000 * per_minute:.0f} |",
            f"| … mongod | {(cpu_seconds(mongod) - mongod_cpu) * 1000 * per_minute:.0f} |",
        ]
    )


def used(process: Process, *, during: float) -> str:
    """Its memory once it is asked for something."""
    url = process.wait_for(_URL)
    drive(url, [once(post("/oauth/token", login_body(0)), TOKEN)], connections=1)
    after_login = _resident(process)
    with urllib.request.urlopen(f"{url}/admin/sign-in", timeout=_MINUTE) as page:  # noqa: S310 - our own server
        page.read()
    # After the first page, those of all others are compiled.
    time.sleep(during)
    return (
        f"| RSS MB after the first login: server | {after_login:.0f} |\n"
        f"| … and after the first page of the dashboard | {_resident(process):.0f} |"
    )


def run(*, starts: int, before: float, during: float) -> None:
    """Fill, start, measure, print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wxp-bench-")))
        where = machine()
        secret = secrets.token_hex(16)
        sandbox = ["-m", "sandbox", "--port", "0", "--auto-codes", "--app", f"{APPID}:{secret}"]
        stand_in = stack.enter_context(running("stand-in", sandbox, folder))
        wechat = {
            "base_url": stand_in.wait_for(r"(http://\S+)\n"),
            "apps": [{"appid": APPID, "secret": secret}],
        }
        config = write_config(folder, wechat)
        with running(
            "mongod", ["-m", "benchmarks.mongod", str(folder / "data" / "mongodb")], folder
        ) as mongo:
            fill_ours(mongo.wait_for(r"(mongodb://\S+)\n"), "wxpassport", USERS, appid=APPID)
        found: list[Start] = []
        rest = ""
        for number in range(starts + 1):
            began = time.perf_counter()
            with running("server", ["server.py", "--config", str(config)], folder) as process:
                found.append(start(process, began))
                # The first one made the keys and is not counted; the last one is left alone for a while.
                if number == starts:
                    rest = idle(process, before=before, during=during)
                    rest += "\n" + used(process, during=before)
        print(
            f"Starts: {starts}, over a database of {USERS:,} users\n{where}\n\n{_table(found[1:])}\n{rest}\n"
        )


def _resident(process: Process) -> float:
    return sum(resident_mb(each) for each in family(process.pid))


def _server_cpu(process: Process) -> float:
    return sum(cpu_seconds(each) for each in family(process.pid))


def _table(found: Sequence[Start]) -> str:
    def row(name: str, values: Sequence[float]) -> str:
        return f"| {name} | {statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f}) |"

    return "\n".join(
        [
            "| start | median (min–max) |",
            "|---|---|",
            row("s until ready", [each.elapsed for each in found]),
            row("… CPU s: server", [each.cpu for each in found]),
            row("… mongod", [each.mongod_cpu for each in found]),
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit status is 0, or 1 when the run failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description="Start and idle.")
    parser.add_argument("--starts", type=int, default=5, help="that count (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one start and hardly any idling: does it work?")
    options = parser.parse_args(arguments)
    if options.quick:
        return carried_out(lambda: run(starts=1, before=0.5, during=0.5))
    return carried_out(lambda: run(starts=options.starts, before=10, during=20))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
