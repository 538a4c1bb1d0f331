"""Bytes on a socket, for what no client library would send."""

from __future__ import annotations

import asyncio
import re

from tests.client import API
from tests.wire import answer_to

_DEADLINE = 60.0
_HEAD = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


async def exchange(api: API, request: bytes, *, until: bytes | None = None) -> bytes:
    """All bytes that come back until the server closes, or until these have been seen.

    A request that leaves the connection open says `Connection: close`; a TimeoutError means that it stayed open.
    """
    received = bytearray()
    async with asyncio.timeout(_DEADLINE), answer_to(api.base_url, request) as reader:
        while (until is None or until not in received) and (chunk := await reader.read(65536)):
            received += chunk
    return bytes(received)


def answers(received: bytes) -> list[int]:
    """The statuses of the final answers in what came back; an interim one (1xx) does not count."""
    statuses: list[int] = []
    while received:
        head = _HEAD.match(received)
        assert head is not None, received[:200]
        length = _LENGTH.search(head[2])
        body_ends = head.end() + (int(length[1]) if length else 0)
        if int(head[1]) >= 200:
            statuses.append(int(head[1]))
        received = received[body_ends:]
    return statuses
