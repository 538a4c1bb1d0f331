"""The load generator: prepared requests over kept-alive connections, one in flight on each. Knows HTTP, not logins.

Plain sockets and one selector, 0.02 to 0.05 ms of CPU a request, so that the servers get the rest of the machine.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks import BenchmarkError

_SILENCE = 10.0
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\nContent-Length: "


@dataclass(frozen=True)
class Expected:
    """What every answer must be: this status, and this text in the body."""

    status: int
    text: bytes


@dataclass(frozen=True)
class Round:
    """What happened: seconds of wall clock, of this process's CPU, and of each answer's latency."""

    elapsed: float
    cpu: float
    latencies: list[float]

    @property
    def answered(self) -> int:
        """How many requests were answered, each as expected."""
        return len(self.latencies)


def post(path: str, body: bytes) -> bytes:
    """A whole request with a JSON body, ready to be written to any host."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: login.test\r\nUser-Agent: wxpassport-benchmark\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(
    url: str,
    requests: Iterable[bytes],
    expected: Expected,
    *,
    connections: int,
    seconds: float = float("inf"),
) -> Round:
    """Send the requests until they run out or time is up, and wait for every answer.

    Raises:
        BenchmarkError: an answer was not as expected, or none came.
    """
    waiting, latencies = iter(requests), []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        opened = [_Connection(stack, url, expected) for _ in range(connections)]
        began, cpu_began = time.perf_counter(), time.process_time()
        deadline = began + seconds
        busy = 0
        for connection, request in zip(opened, waiting, strict=False):
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
            busy += 1
        while busy:
            ready = selector.select(_SILENCE)
            if not ready:
                raise BenchmarkError(f"{url} was silent for {_SILENCE:.0f} s with {busy} requests to answer")
            for key, _ in ready:
                connection = key.data
                if not connection.receive():
                    continue
                now = time.perf_counter()
                latencies.append(now - connection.sent_at)
                next_request = next(waiting, None) if now < deadline else None
                if next_request is None:
                    busy -= 1
                else:
                    connection.send(next_request)
        return Round(time.perf_counter() - began, time.process_time() - cpu_began, latencies)


@dataclass(eq=False)
class _Connection:
    stack: ExitStack
    url: str
    expected: Expected
    socket: socket.socket = field(init=False)
    sent_at: float = 0.0
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

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Whether the answer is complete now."""
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
        if answer[9:12] != b"%d" % self.expected.status or self.expected.text not in answer:
            raise BenchmarkError(f"{self.url} answered: {answer.decode('utf-8', 'replace')}")
        return True

    def _is_whole(self, answer: bytes) -> bool:
        head_end = answer.find(_HEAD_END)
        if head_end < 0:
            return False
        length = answer.find(_LENGTH, 0, head_end)
        if length < 0:
            raise BenchmarkError(
                f"{self.url} answered without Content-Length: {answer.decode('utf-8', 'replace')}"
            )
        length += len(_LENGTH)
        return len(answer) >= head_end + 4 + int(answer[length : answer.find(b"\r", length)])
