"""Processes for the fault tests: server.py by environment variables, and mongods that can be killed and frozen.

Everything here polls with a deadline and ends what it started. What is in the log is read from a file as it grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pymongo
from pymongo.errors import PyMongoError

from passport.store.mongod_binary import find_mongod

ROOT = Path(__file__).resolve().parents[2]
_PARAMETERS = (
    "enableTestCommands=1",
    "ttlMonitorSleepSecs=3600",
    "diagnosticDataCollectionEnabled=false",
)
SECRET_KEY = "7d1f0f6c52b94e0b8a3f6f7f1f0a9b2c4d5e6f708192a3b4c5d6e7f8091a2b3c"


async def until(condition: Callable[[], bool | Awaitable[bool]], what: str, *, seconds: float = 60) -> float:
    """Return, with the seconds it took, as soon as the condition holds; fail when it does not in time."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def report(figures: str) -> None:
    """Print figures, which `pytest -s` shows."""
    sys.stdout.write(f"\n{figures}\n")


def free_port() -> int:
    """A port for a server that is to come back to it: below those that the system gives to outgoing connections.

    One of these would be taken by some other test's client while the server is away.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def mongods_under(folder: Path) -> list[int]:
    """The pids of every mongod whose dbpath lies under the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"--dbpath\0" + os.fsencode(folder) + b"/" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def environment(settings: dict[str, object]) -> dict[str, str]:
    """`{"server__port": 0}` as variables of the server, beside what every process needs."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")}
    ours = {
        f"WXPASSPORT_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }
    # Servers over one MongoDB must agree on it, wherever each of them listens.
    common = {"WXPASSPORT_TOKENS__ISSUER": "https://login.example.com"} if "mongodb__uri" in settings else {}
    return {**inherited, **common, **ours, "PYTHONUNBUFFERED": "1"}


class ServerProcess:
    """server.py with these settings; `start` may be called again after it ended, and the log goes on."""

    command: tuple[str, ...] = (sys.executable, str(ROOT / "server.py"))

    def __init__(self, folder: Path, settings: dict[str, object], *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.settings, self._arguments = folder, settings, arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._log_path, self._output_path = folder / "stderr", folder / "stdout"
        self._runs_from = 0

    def start(self) -> None:
        """Start it; returns at once."""
        self._runs_from = self._log_path.stat().st_size if self._log_path.exists() else 0
        with self._log_path.open("ab") as log, self._output_path.open("ab") as output:
            self._process = subprocess.Popen(
                [*self.command, *self._arguments],
                cwd=self.folder,
                env=environment(self.settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process, or the last one."""
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def errors(self) -> str:
        """What this run wrote to standard error."""
        with self._log_path.open("rb") as file:
            file.seek(self._runs_from)
            return file.read().decode()

    @property
    def output(self) -> str:
        """What all runs wrote to standard output."""
        return self._output_path.read_text(encoding="utf-8")

    def log(self, message: str | None = None) -> list[dict[str, Any]]:
        """The log lines of this run, or those with this message."""
        lines = [
            json.loads(line)
            for line in self.errors.splitlines()
            if line.startswith("{") and line.endswith("}")
        ]
        return [line for line in lines if message is None or line["message"] == message]

    @property
    def url(self) -> str:
        """Where it said it listens."""
        url: str = self.log("listening")[-1]["url"]
        return url

    @property
    def mongod_pid(self) -> int:
        """The embedded mongod that became ready last."""
        pid: int = self.log("mongod is ready")[-1]["mongod_pid"]
        return pid

    async def listening(self) -> str:
        """Wait until it accepts connections; where."""
        await self._until(lambda: bool(self.log("listening")), "listening")
        return self.url

    async def ready(self, *, seconds: float = 60) -> str:
        """Wait until requests are served; where."""
        await self.listening()
        await self._until(self.is_ready, "ready", seconds)
        return self.url

    async def is_ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            return (await self.probe("/readyz"))[0] == 200
        except aiohttp.ClientError:
            return False

    async def probe(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a GET on a connection of its own."""
        async with aiohttp.ClientSession() as http, http.get(self.url + path) as response:
            return response.status, await response.json()

    async def _until(
        self, condition: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 30
    ) -> None:
        try:
            await until(lambda: condition() if self.process.poll() is None else True, what, seconds=seconds)
        finally:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}: {self.errors[-2000:]}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, *, seconds: float = 60) -> int:
        """Wait for its end; the exit status."""
        await until(lambda: self.process.poll() is not None, "server.py ended", seconds=seconds)
        assert self.process.returncode is not None
        return self.process.returncode

    def terminate(self) -> None:
        """Tell it to end, if it still runs, thawed if it was frozen."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()

    def close(self, *, seconds: float = 20) -> None:
        """Wait for its end after `terminate`, and kill it when that takes too long."""
        if self._process is None:
            return
        with self._process as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()


class Mongod:
    """A mongod of a deployment that is not ours: on a TCP port of loopback, standalone unless in a replica set."""

    def __init__(self, folder: Path, *, replica_set: str | None = None) -> None:
        self._folder, self._replica_set, self.port = folder, replica_set, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self) -> str:
        """This one alone, whatever its role."""
        return f"mongodb://{self.address}/?directConnection=true"

    def start(self) -> None:
        """Start it, again after a kill; returns at once."""
        (self._folder / "db").mkdir(parents=True, exist_ok=True)
        options = [*("--dbpath", self._folder / "db"), *("--logpath", self._folder / "log"), "--logappend"]
        options += [*("--bind_ip", "127.0.0.1"), *("--port", str(self.port)), "--nounixsocket"]
        options += [*("--oplogSize", "64"), *("--wiredTigerCacheSizeGB", "0.25"), "--quiet"]
        for parameter in _PARAMETERS:
            options += ["--setParameter", parameter]
        if self._replica_set:
            options += ["--replSet", self._replica_set]
        self._process = subprocess.Popen([find_mongod(None), *options], stdout=subprocess.DEVNULL)

    async def answering(self) -> None:
        """Wait until it takes commands."""
        await until(self._answers, "mongod answers")

    async def _answers(self) -> bool:
        try:
            await asyncio.to_thread(self.command, "ping")
        except PyMongoError:
            return False
        return True

    def command(self, *arguments: Any, timeout_ms: int = 2_000, **options: Any) -> dict[str, Any]:
        """Run an admin command on this very member, which may be frozen."""
        client: pymongo.MongoClient[dict[str, Any]]
        with pymongo.MongoClient(self.uri, timeoutMS=timeout_ms) as client:
            return client.admin.command(*arguments, **options)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def ending(mongods: Sequence[Mongod]) -> Iterator[None]:
    """Kill them at the end, frozen ones too."""
    try:
        yield
    finally:
        for each in mongods:
            each.kill()


async def make_replica_set(folder: Path, *, election_timeout_ms: int = 2000) -> tuple[str, list[Mongod]]:
    """Three members on loopback with a primary; the URI that names them all. The caller ends them."""
    members = [Mongod(folder / str(number), replica_set="rs") for number in range(3)]
    try:
        for each in members:
            each.start()
        for each in members:
            await each.answering()
        config = {
            "_id": "rs",
            "members": [{"_id": number, "host": each.address} for number, each in enumerate(members)],
            # A member that follows another secondary would stop with it.
            "settings": {"electionTimeoutMillis": election_timeout_ms, "chainingAllowed": False},
        }
        await asyncio.to_thread(members[0].command, "replSetInitiate", config, timeout_ms=30_000)
        await until(lambda: primary_of(members) is not None, "a primary is elected", seconds=60)
    except BaseException:
        for each in members:
            each.kill()
        raise
    hosts = ",".join(each.address for each in members)
    return f"mongodb://{hosts}/?replicaSet=rs", members


def primary_of(members: Sequence[Mongod]) -> Mongod | None:
    """The member that takes writes now; None during an election."""
    for each in members:
        with contextlib.suppress(PyMongoError):
            if each.command("hello").get("isWritablePrimary"):
                return each
    return None
