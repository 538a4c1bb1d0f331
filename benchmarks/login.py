"""`python -m benchmarks.login`: returning users sign in, beside a bare Tornado handler under the same client.

The server is `python server.py` with its embedded MongoDB, as shipped; WeChat is the stand-in over TLS. Each login has
a fresh code and payload, and is answered after its session and its last-seen are durable (w: majority, j: true). Rounds
of login and bare alternate, so that whatever else the machine does hits both. Generator, stand-in, server and mongod
share the cores, hence CPU per request is the steadier figure. An answer that is not a token ends the run.

Measured 2026-11-22 on 2 idle cores, five rounds of 3 s: 338 logins per second beside 7,885 (0.043 of bare, rounds 0.039
to 0.046); server CPU 2.80 ms per login beside 0.127 (22.1 of bare, rounds 20.7 to 24.1), mongod 1.64 ms; p50 93 ms, p99
163 ms; RSS of the server 89 MB, of mongod 201. With sessions that last, and limits, the same day: 219 beside 6,118
(0.036, rounds 0.032 to 0.039); server CPU 4.28 ms (26.2 of bare), mongod 2.42 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path

import pymongo
import trustme

from benchmarks import (
    BenchmarkError,
    child_of,
    cpu_seconds,
    resident_mb,
    running,
    wait_until_ready,
    write_config,
)
from benchmarks.load import Expected, Round, drive, post
from passport.store.embedded import EmbeddedMongo
from sandbox.people import payload_for

APPID = "wx00000000000000b1"
USERS = 1000
TOKEN = Expected(200, b'"access_token":"')
CREATED = Expected(201, b'"account_id":"')
OK = Expected(200, b'{"ok": true}')


@dataclass
class Side:
    """One of the two servers, and what it did in all rounds."""

    url: str
    expected: Expected
    pids: Mapping[str, int]
    rounds: list[Round] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)

    def measure(self, requests: Iterable[bytes], *, connections: int, seconds: float) -> None:
        """One round, with the CPU that each process spent on it."""
        before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}
        done = drive(self.url, requests, self.expected, connections=connections, seconds=seconds)
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in self.pids.items()}
        spent["generator"] = done.cpu
        self.rounds.append(done)
        self.cpu.append(spent)

    @property
    def answered(self) -> int:
        """Requests in all rounds."""
        return sum(each.answered for each in self.rounds)

    @property
    def rates(self) -> list[float]:
        """Requests per second, round by round."""
        return [each.answered / each.elapsed for each in self.rounds]

    @property
    def rate(self) -> float:
        """Requests per second over all rounds."""
        return self.answered / sum(each.elapsed for each in self.rounds)

    def cost(self, name: str) -> float:
        """Milliseconds of this process's CPU per request."""
        return sum(each[name] for each in self.cpu) / self.answered * 1000

    def costs(self, name: str) -> list[float]:
        """The same, round by round."""
        return [spent[name] / done.answered * 1000 for spent, done in zip(self.cpu, self.rounds, strict=True)]

    def percentile(self, percent: int) -> float:
        """Of the latencies, in milliseconds."""
        latencies = [latency for each in self.rounds for latency in each.latencies]
        return statistics.quantiles(latencies, n=100)[percent - 1] * 1000


class Stage:
    """All processes of the benchmark, ready to be driven."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wxp-bench-")))
        secret = secrets.token_hex(16)
        certificate = _certificate(folder)
        stand_in = stack.enter_context(
            running(
                "stand-in",
                ["-m", "sandbox", "--port", "0", "--auto-codes", "--app", f"{APPID}:{secret}", *certificate],
                folder,
            )
        )
        wechat = {
            "base_url": stand_in.wait_for(r"(https://\S+)\n"),
            "ca_file": str(folder / "ca.pem"),
            "apps": [{"appid": APPID, "secret": secret}],
        }
        config = write_config(folder, wechat)
        self._mongo = EmbeddedMongo(folder / "data" / "mongodb")  # for its uri alone; the server starts it
        self.server = stack.enter_context(running("server", ["server.py", "--config", str(config)], folder))
        bare = stack.enter_context(running("bare", ["-m", "benchmarks.bare"], folder))
        self.url = self.server.wait_for(r'"url": "(http://[^"]+)"')
        wait_until_ready(self.url, self.server)
        self.login = Side(
            self.url,
            TOKEN,
            {
                "server": self.server.pid,
                "mongod": child_of(self.server.pid, "mongod"),
                "stand-in": stand_in.pid,
            },
        )
        self.bare = Side(bare.wait_for(r"(http://\S+)\n"), OK, {"server": bare.pid})

    def sessions(self) -> int:
        """How many sign-ins MongoDB has on record."""
        with pymongo.MongoClient[dict[str, object]](self._mongo.uri) as client:
            return client["wxpassport"]["sessions"].count_documents({})


def run(*, connections: int, rounds: int, seconds: float) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        load_before = os.getloadavg()[0]
        stage = Stage(stack)
        login, bare = stage.login, stage.bare
        drive(stage.url, _bodies("/accounts/wxapp", USERS), CREATED, connections=connections)
        warm = drive(login.url, _bodies("/oauth/token", USERS), TOKEN, connections=connections)
        drive(bare.url, _bodies("/oauth/token", USERS), OK, connections=connections)
        for number in range(rounds):
            # Prepared before the clock starts, and fresh; should they run out, the round ends early and counts so.
            enough = int(1.5 * seconds * max([warm.answered / warm.elapsed, *login.rates]))
            requests = list(_bodies("/oauth/token", enough + connections))
            sides = (login, bare) if number % 2 == 0 else (bare, login)
            for side in sides:
                source = requests if side is login else cycle(requests)
                side.measure(source, connections=connections, seconds=seconds)
        signed_in, recorded = warm.answered + login.answered, stage.sessions()
        if recorded != signed_in:
            raise BenchmarkError(f"{signed_in} logins were answered, but {recorded} sessions are on record")
        print(
            f"Returning logins beside a bare Tornado handler: {connections} connections, "
            f"{rounds} rounds of {seconds:g} s each, {USERS:,} users\n"
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load before {load_before:.1f}, "
            f"Python {platform.python_version()}\n"
        )
        print(_table(login, bare))
        print(f"\n{login.answered:,} logins measured, each 200 with a token and a session on record.")


def _table(login: Side, bare: Side) -> str:
    def row(name: str, ours: float, theirs: float | None = None, ratio: str = "", *, digits: int = 2) -> str:
        other = "" if theirs is None else f"{theirs:,.{digits}f}"
        return f"{name:<28}{ours:>10,.{digits}f}{other:>10}{ratio:>26}".rstrip()

    rates = _ratio(login.rate, bare.rate, login.rates, bare.rates)
    costs = _ratio(
        login.cost("server"), bare.cost("server"), login.costs("server"), bare.costs("server"), digits=1
    )
    memory = {name: resident_mb(pid) for name, pid in login.pids.items()}
    busy = [
        sum(each["generator"] for each in side.cpu) / sum(each.elapsed for each in side.rounds)
        for side in (login, bare)
    ]
    return "\n".join(
        [
            f"{'':<28}{'login':>10}{'bare':>10}{'login/bare (min–max)':>26}",
            row("requests per second", login.rate, bare.rate, rates, digits=0),
            row("CPU ms each: server", login.cost("server"), bare.cost("server"), costs, digits=3),
            row("             mongod", login.cost("mongod"), digits=3),
            row("             stand-in", login.cost("stand-in"), digits=3),
            row("             generator", login.cost("generator"), bare.cost("generator"), digits=3),
            row("generator busy, %", 100 * busy[0], 100 * busy[1], digits=0),
            row("p50 ms", login.percentile(50), bare.percentile(50)),
            row("p99 ms", login.percentile(99), bare.percentile(99)),
            row("RSS MB: server", memory["server"], resident_mb(bare.pids["server"]), digits=0),
            row("        mongod", memory["mongod"], digits=0),
        ]
    )


def _ratio(
    ours: float, theirs: float, our_rounds: Sequence[float], their_rounds: Sequence[float], *, digits: int = 3
) -> str:
    each = [mine / other for mine, other in zip(our_rounds, their_rounds, strict=True)]
    return f"{ours / theirs:.{digits}f} ({min(each):.{digits}f}–{max(each):.{digits}f})"


_fresh = count()


def _bodies(path: str, number: int) -> Iterator[bytes]:
    """This many requests, of one user after the other, each with a code never sent before."""
    now = int(time.time())
    for user in islice(cycle(range(USERS)), number):
        fields = {"code": f"bench-{user}-{next(_fresh)}", **payload_for(user, now, APPID)}
        yield post(path, json.dumps(fields, ensure_ascii=False).encode())


def _certificate(folder: Path) -> list[str]:
    """Certificates for 127.0.0.1 in the folder; the options that make the stand-in use them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(folder / "stand-in.pem"))
    issued.private_key_pem.write_to_path(str(folder / "stand-in.key"))
    return ["--certfile", str(folder / "stand-in.pem"), "--keyfile", str(folder / "stand-in.key")]


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit status is 0, 1 when the run failed, 130 or 143 when it was interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.login", description="Returning logins beside a bare Tornado handler."
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round on each side (default: 3)")
    parser.add_argument("--connections", type=int, default=32, help="kept open and busy (default: 32)")
    parser.add_argument("--rounds", type=int, default=5, help="on each side, in turns (default: 5)")
    options = parser.parse_args(arguments)
    if min(options.seconds, options.connections, options.rounds) <= 0:
        parser.error("all three must be more than 0")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        run(connections=options.connections, rounds=options.rounds, seconds=options.seconds)
    except BenchmarkError as error:
        print("benchmark failed:", error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
