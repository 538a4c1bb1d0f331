"""The processes that the benchmarks of requests are made of, and what the command line says of all of them.

One MongoDB, as the server embeds it, and one WeChat stand-in over TLS serve every side; each server has a database of
its own. Generator, stand-in, mongod and the servers share the cores, hence CPU per request is the steadier figure.
"""

from __future__ import annotations

import argparse
import json
import math
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import trustme

from benchmarks import ROOT, BenchmarkError, Process, child_of, running, wait_until_ready, write_config
from benchmarks.load import Expected, Visit, drive, once, post
from benchmarks.returning import fill_ours, fill_reference
from benchmarks.sides import BARE, Side, machine, table, take_turns
from sandbox.people import payload_for

APPID = "wx00000000000000b1"
USERS = 1000
CONNECTIONS = 32
TOKEN = Expected(200, b'"access_token":')
OK = Expected(200, b'{"ok": true}')
# Tornado, with the HTTP client it comes with; FastAPI, with httpx; Sanic, with aiohttp.
REFERENCES = ("plain_tornado", "fastapi_httpx", "sanic_aiohttp")
# Their libraries are not the server's, so they have an environment of their own: `make build/bench-venv`.
REFERENCE_PYTHON = ROOT / "build" / "bench-venv" / "bin" / "python"
SERVICE = ("bench", secrets.token_hex(16))
_STRIDE = 7919


class Stage:
    """What all sides share, and their servers, for as long as the stack is open."""

    def __init__(self, stack: ExitStack, *, keep: Path | None = None) -> None:
        self._stack, self._where = stack, machine()
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wxp-bench-")))
        self._secret = secrets.token_hex(16)
        app = ["--app", f"{APPID}:{self._secret}"]
        sandbox = ["-m", "sandbox", "--port", "0", "--auto-codes", *app, *_certificate(self._folder)]
        self._stand_in = self._run("stand-in", sandbox)
        mongo = self._run("mongod", ["-m", "benchmarks.mongod", str(keep or self._folder / "mongodb")])
        self._wechat = self._stand_in.wait_for(r"(https://\S+)\n")
        self.uri = mongo.wait_for(r"(mongodb://\S+)\n")
        self._shared = {"mongod": child_of(mongo.pid, "mongod"), "stand-in": self._stand_in.pid}

    def ours(self, *, users: int = USERS, processes: int | None = None) -> Side:
        """`python server.py` over a database of so many users; its visits are the returning logins of all of them."""
        name = ", ".join(
            [
                "wxpassport",
                *([f"{users:,} users"] if users != USERS else []),
                *([f"{processes} processes"] if processes is not None else []),
            ]
        )
        database = f"wxpassport_{users}_{processes or 1}"
        fill_ours(self.uri, database, users, appid=APPID)
        folder = self._folder / database
        folder.mkdir()
        server = {"port": 0} if processes is None else {"port": 0, "processes": processes}
        wechat = {
            "base_url": self._wechat,
            "ca_file": str(self._folder / "ca.pem"),
            "apps": [{"appid": APPID, "secret": self._secret}],
        }
        config = write_config(
            folder,
            wechat,
            server=server,
            mongodb={"uri": self.uri, "database": database, "data_dir": str(folder / "data")},
            tokens={"issuer": "https://login.test"},
            secret_key=secrets.token_hex(32),
            resource_servers=[{"id": SERVICE[0], "secret": SERVICE[1]}],
        )
        process = self._run(database, ["server.py", "--config", str(config)])
        url = process.wait_for(r'"url": "(http://[^"]+)"')
        wait_until_ready(url, process)
        return Side(name, url, returning(users), {"server": process.pid, **self._shared}, database)

    def bare(self, requests: Sequence[bytes] = ()) -> Side:
        """The mark to compare with. It is asked for the same as the others, and looks at none of it."""
        process = self._run(BARE, ["-m", "benchmarks.bare"])
        visits = repeated(OK, requests)
        return Side(BARE, process.wait_for(r"(http://\S+)\n"), visits, {"server": process.pid})

    def reference(self, name: str) -> Side:
        """A server of benchmarks/reference over a database of its own, with the first thousand users."""
        if not REFERENCE_PYTHON.exists():
            raise BenchmarkError("the references' libraries are not there: make build/bench-venv")
        database = f"reference_{name}"
        fill_reference(self.uri, database, USERS, appid=APPID)
        settings = {
            "appid": APPID,
            "secret": self._secret,
            "wechat": self._wechat,
            "ca_file": str(self._folder / "ca.pem"),
            "mongodb": self.uri,
            "database": database,
        }
        path = self._folder / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings))
        arguments = ["-m", f"benchmarks.reference.{name}", str(path)]
        process = self._run(name, arguments, python=str(REFERENCE_PYTHON))
        url = process.wait_for(r"(http://\S+)\n")
        return Side(name, url, repeated(TOKEN), {"server": process.pid, **self._shared}, database)

    def show(self, title: str, sides: Sequence[Side], options: argparse.Namespace) -> None:
        """Print the figures of all rounds."""
        print(
            f"{title}: {options.connections} connections, {options.rounds} rounds of {options.seconds:g} s on each "
            f"side\n{self._where}\n\n{table(sides)}\n",
            flush=True,
        )

    def _run(self, name: str, arguments: Sequence[str], *, python: str = sys.executable) -> Process:
        return self._stack.enter_context(running(name, arguments, self._folder, python=python))


_fresh = count()


def login_body(user: int) -> bytes:
    """What this user sends to sign in or register, with a code never sent before."""
    fields = {"code": f"bench-{user}-{next(_fresh)}", **payload_for(user, int(time.time()), APPID)}
    return json.dumps(fields, ensure_ascii=False).encode()


def login_bodies(users: int) -> Iterator[bytes]:
    """Without end: of one user after the other, in no order."""
    assert math.gcd(users, _STRIDE) == 1
    return (login_body(number * _STRIDE % users) for number in count())


def returning(users: int) -> Callable[[int], list[Visit]]:
    """Makes logins of so many users, each with a fresh code and payload."""
    return lambda number: [
        once(post("/oauth/token", body), TOKEN) for body in islice(login_bodies(users), number)
    ]


def sign_in(side: Side) -> list[dict[str, Any]]:
    """The token responses of a thousand users, each of whom has signed in once."""
    answers: list[dict[str, Any]] = []

    def visit(body: bytes) -> Visit:
        answers.append(json.loads((yield post("/oauth/token", body), TOKEN)))

    drive(side.url, map(visit, islice(login_bodies(USERS), USERS)), connections=CONNECTIONS)
    side.made += USERS
    return answers


def repeated(expected: Expected, requests: Sequence[bytes] = ()) -> Callable[[int], Iterator[Visit]]:
    """Makes visits of the same requests again and again: of logins, for servers that do not remember a code."""
    requests = requests or [post("/oauth/token", body) for body in islice(login_bodies(USERS), USERS)]
    return lambda _number: (once(request, expected) for request in cycle(requests))


def options_for(program: str, description: str) -> argparse.ArgumentParser:
    """The options that every benchmark of requests has."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{program}", description=description)
    parser.add_argument("--seconds", type=float, default=3.0, help="of a round on each side (default: 3)")
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help=f"kept open and busy (default: {CONNECTIONS})"
    )
    parser.add_argument("--rounds", type=int, default=5, help="on each side, in turns (default: 5)")
    parser.add_argument(
        "--processes",
        type=int,
        nargs="+",
        default=[None],
        help="server.processes of ours; with several numbers, a server with each",
    )
    parser.add_argument("--quick", action="store_true", help="one round of half a second: does it work?")
    return parser


def compare(sides: Sequence[Side], options: argparse.Namespace) -> None:
    """As many rounds as the command line says."""
    take_turns(sides, connections=options.connections, rounds=options.rounds, seconds=options.seconds)


def run_command(
    parser: argparse.ArgumentParser, arguments: Sequence[str], run: Callable[[argparse.Namespace], None]
) -> int:
    """The command line; the exit status is 0, 1 when the run failed, 130 or 143 when it was interrupted."""
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    if min(options.seconds, options.connections, options.rounds) <= 0:
        parser.error("--seconds, --connections and --rounds must be more than 0")
    return carried_out(lambda: run(options))


def carried_out(run: Callable[[], None]) -> int:
    """The exit status of the run: 0, 1 when it failed, 130 or 143 when it was interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    try:
        run()
    except BenchmarkError as error:
        print("benchmark failed:", error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _certificate(folder: Path) -> list[str]:
    """Certificates for 127.0.0.1 in the folder; the options that make the stand-in use them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(folder / "stand-in.pem"))
    issued.private_key_pem.write_to_path(str(folder / "stand-in.key"))
    return ["--certfile", str(folder / "stand-in.pem"), "--keyfile", str(folder / "stand-in.key")]
