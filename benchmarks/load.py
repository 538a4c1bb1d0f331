"""The load generator: visits over kept-alive connections, one request in flight on each. Knows HTTP, not logins.

A visit is a generator that yields what to ask and is sent the answer, so that a step can depend on the one before;
most have a single step. Plain sockets and one selector, 0.02 to 0.05 ms of CPU a request, so that the servers get the
rest of the machine.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks import BenchmarkError

_SILENCE = 10.0
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "


@dataclass(frozen=True)
class Expected:
    """What every answer must be: this status, and this text in the body."""

    status: int
    text: bytes


Visit = Generator[tuple[bytes, Expected], bytes, None]


def once(request: bytes, expected: Expected) -> Visit:
    """A visit of one request."""
    yield request, expected


@dataclass(frozen=True)
class Round:
    """What happened: seconds of wall clock, of this process's CPU, and of each visit's latency."""

    elapsed: float
    cpu: float
    latencies: list[float]

    @property
    def answered(self) -> int:
        """How many visits ended, each answer as expected."""
        return len(self.latencies)


def post(
    path: str, body: bytes, *, form: str = "application/json", headers: Mapping[str, str] | None = None
) -> bytes:
    """A whole request, ready to be written to any host."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = (
        f"POST {path} HTTP/1.1\r\nHost: login.test\r\nUser-Agent: wxpassport-benchmark\r\n"
        f"Content-Type: {form}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def drive(url: str, visits: Iterable[Visit], *, connections: int, seconds: float = float("inf")) -> Round:
    """Make the visits until they run out or time is up, and wait for those that have begun.

    Raises:
        BenchmarkError: an answer was not as expected, or none came.
    """
    waiting, latencies = iter(visits), []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        opened = [_Connection(stack, url) for _ in range(connections)]
        began, cpu_began = time.perf_counter(), time.process_time()
        deadline = began + seconds
        busy = 0
        for connection, visit in zip(opened, waiting, strict=False):
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.begin(visit)
            busy += 1
        while busy:
            ready = selector.select(_SILENCE)
            if not ready:
                raise BenchmarkError(f"{url} was silent for {_SILENCE:.0f} s with {busy} visits to end")
            for key, _ in ready:
                connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.began)
                next_visit = next(waiting, None) if now < deadline else None
                if next_visit is None:
                    busy -= 1
                else:
                    connection.begin(next_visit)
        return Round(time.perf_counter() - began, time.process_time() - cpu_began, latencies)


@dataclass(eq=False)
class _Connection:
    stack: ExitStack
    url: str
    socket: socket.socket = field(init=False)
    began: float = 0.0
    _visit: Visit = field(init=False)
    _expected: Expected = field(init=False)
    _received: bytes = b""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        try:
            # Blocking, though read only when there is something: a request is small enough for any buffer.
            self.socket = self.stack.enter_context(socket.create_connection((parts.hostname, parts.port), 5))
        except OSError as error:
            raise BenchmarkError(f"{self.url} does not accept connections: {error}") from error
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self, visit: Visit) -> None:
        """Send its first request."""
        self._visit = visit
        self.began = time.perf_counter()
        request, self._expected = next(visit)
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Whether the visit has ended now."""
        try:
            piece = self.socket.recv(65536)
        except OSError as error:
            raise BenchmarkError(f"{self.url} broke a connection: {error}") from error
        if not piece:
            raise BenchmarkError(f"{self.url} closed a connection before it had answered")
        answer = self._received + piece
        if not self._is_whole(answer):
            self._received = answer
            return False
        self._received = b""
        if answer[9:12] != b"%d" % self._expected.status or self._expected.text not in answer:
            raise BenchmarkError(f"{self.url} answered: {answer.decode('utf-8', 'replace')}")
        try:
            request, self._expected = self._visit.send(answer[answer.index(_HEAD_END) + 4 :])
        except StopIteration:
            return True
        self.socket.sendall(request)
        return False

    def _is_whole(self, answer: bytes) -> bool:
        head_end = answer.find(_HEAD_END)
        if head_end < 0:
            return False
        # Names of header fields may be written in any way; uvicorn writes them small.
        length = answer.lower().find(_LENGTH, 0, head_end)
        if length < 0:
            raise BenchmarkError(
                f"{self.url} answered without Content-Length: {answer.decode('utf-8', 'replace')}"
            )
        length += len(_LENGTH)
        return len(answer) >= head_end + 4 + int(answer[length : answer.find(b"\r", length)])
