"""The answer of a server that closes while the client is still writing, which tests of limits read."""

from __future__ import annotations

import asyncio
import socket
import threading

from tests.wire import answer_to


def answer_and_reset(listening: socket.socket) -> None:
    """Read a little, answer, and close with most of it unread: the system then sends a reset."""
    connection, _ = listening.accept()
    connection.recv(1)
    connection.sendall(b"too much")
    connection.close()


async def test_the_answer_outlives_the_reset_that_follows_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_and_reset, args=(listening,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with asyncio.timeout(10), answer_to(url, b" " * 2**20, more=b" " * 2**20) as reader:
            # The reset has arrived, and a write has failed of it, before anything is read.
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
            assert await reader.read() == b"too much"
