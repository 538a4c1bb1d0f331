"""Count the requests in flight, or the connections, so that a shutdown can wait for them."""

from __future__ import annotations

import asyncio


class Traffic:
    """How many requests are being answered now."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        """A request began."""
        self._count += 1
        self._idle.clear()

    def leave(self) -> None:
        """A request ended."""
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    @property
    def count(self) -> int:
        """Requests in flight."""
        return self._count

    async def idle(self) -> None:
        """Wait until nothing is in flight."""
        await self._idle.wait()
