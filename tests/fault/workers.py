"""A server of several processes as a whole: who belongs to it, who is alive; and clients that notice what is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.fault.running import ServerProcess, until

_PAUSE = 0.005
_GET = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: login.test\r\n%s\r\n"


def workers_of(server: ServerProcess) -> list[int]:
    """The workers that served when all of them were ready last."""
    workers: list[int] = server.log("all workers are ready")[-1]["workers"]
    return workers


def family_of(server: ServerProcess) -> set[int]:
    """Every process of the server that ever said something, the parent included."""
    return {line["process"] for line in server.log()} | {server.process.pid}


def children_of(pid: int) -> set[int]:
    """Its children that run or were not waited for."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()))
    except FileNotFoundError:
        return set()


def is_alive(pid: int) -> bool:
    """Whether it runs: what only waits for its parent to look does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


async def all_ready(server: ServerProcess, *, times: int = 1) -> list[int]:
    """Wait until all workers have been ready so many times; those that are."""
    await until(
        lambda: len(server.log("all workers are ready")) >= times or server.process.poll() is not None,
        "all workers are ready",
    )
    assert server.process.poll() is None, server.errors[-2000:]
    return workers_of(server)


async def nobody_left(family: set[int]) -> None:
    """Wait until none of them runs; whoever still does is a fault, and is killed."""
    try:
        await until(lambda: not any(is_alive(pid) for pid in family), f"nobody of {family} is left")
    finally:
        for pid in filter(is_alive, family):
            os.kill(pid, signal.SIGKILL)


def signal_all(family: set[int], number: signal.Signals) -> None:
    """What a terminal does with Ctrl-C, and systemd with a control group: everybody is told."""
    for pid in family:
        os.kill(pid, number)


class Load:
    """Clients that hardly pause: some open a connection for each request, some keep theirs.

    A kept connection may be closed after an answer that said so, or between answers while nothing was asked.
    """

    def __init__(self, url: str, *, fresh: int, kept: int) -> None:
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self.outcomes: Counter[str] = Counter()
        self._stop = asyncio.Event()
        clients = [self._fresh() for _ in range(fresh)] + [self._kept() for _ in range(kept)]
        self._clients = [asyncio.create_task(client) for client in clients]

    async def more(self, number: int) -> None:
        """Wait until so many more requests were answered."""
        goal = self.outcomes["200 OK"] + number
        await until(lambda: self.outcomes["200 OK"] >= goal, f"{number} more answers")

    async def end(self) -> Counter[str]:
        """Finish what is in flight; how often each thing happened."""
        self._stop.set()
        await asyncio.gather(*self._clients)
        return self.outcomes

    async def _fresh(self) -> None:
        while not self._stop.is_set():
            await self._connection(b"Connection: close\r\n")

    async def _kept(self) -> None:
        while not self._stop.is_set():
            await self._connection(b"")

    async def _connection(self, header: bytes) -> None:
        """Requests on one connection until it is closed."""
        try:
            reader, writer = await asyncio.open_connection(*self._address)
        except OSError as error:
            self.outcomes[f"not connected: {type(error).__name__}"] += 1
            self._stop.set()
            return
        try:
            while not self._stop.is_set():
                writer.write(_GET % header)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.splitlines() if line.startswith("Content-Length:"))
                await reader.readexactly(int(length.split()[1]))
                self.outcomes[head.splitlines()[0].removeprefix("HTTP/1.1 ")] += 1
                await asyncio.sleep(_PAUSE)
                if "Connection: close" in head:
                    self.outcomes["closed after an answer"] += 1
                    return
        except (OSError, asyncio.IncompleteReadError) as error:
            self.outcomes[f"no answer: {type(error).__name__}"] += 1
        finally:
            writer.close()
