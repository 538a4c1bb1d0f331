"""A connection on which the answer can still be read after a write has failed.

A server that refuses a body half-way answers and closes, and what was still on its way to it comes back as a reset.
The answer lies in our socket by then. asyncio's streams throw it away, because a failed write ends their connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


@contextlib.asynccontextmanager
async def answer_to(
    base_url: str, request: bytes, *, more: bytes = b""
) -> AsyncIterator[asyncio.StreamReader]:
    """What comes back for these bytes, up to the end or the reset of the connection.

    `more` is sent again and again until the server closes.
    """
    parts, loop = urlsplit(base_url), asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (parts.hostname, parts.port))
        reader = asyncio.StreamReader()
        tasks = [
            asyncio.create_task(_write(connection, request, more)),
            asyncio.create_task(_read(connection, reader)),
        ]
        try:
            yield reader
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _write(connection: socket.socket, request: bytes, more: bytes) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request)
    while more:
        await loop.sock_sendall(connection, more)
        await asyncio.sleep(0)


async def _read(connection: socket.socket, reader: asyncio.StreamReader) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):  # a reset is a way of closing
        while piece := await loop.sock_recv(connection, 65536):
            reader.feed_data(piece)
    reader.feed_eof()
