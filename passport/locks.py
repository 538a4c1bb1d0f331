"""One at a time per key, within this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class KeyedLocks:
    """A lock for each key that is in use; forgotten when the last waiter leaves, so it cannot grow."""

    def __init__(self) -> None:
        self._locks: dict[bytes, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: bytes, *, until: float) -> AsyncIterator[None]:
        """Wait for the key's turn and hold it.

        Args:
            key: what is to be one at a time.
            until: the event loop's time at which to stop waiting.

        Raises:
            TimeoutError: the turn did not come in time.
        """
        lock, users = self._locks.get(key) or (asyncio.Lock(), 0)
        self._locks[key] = (lock, users + 1)
        try:
            if lock.locked():
                async with asyncio.timeout_at(until):
                    await lock.acquire()
            else:
                await lock.acquire()  # at once, and without a timer
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, users = self._locks[key]
            if users == 1:
                del self._locks[key]
            else:
                self._locks[key] = (lock, users - 1)
