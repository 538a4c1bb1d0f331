"""Small duties that are done every second beside the requests, and once more at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from passport.errors import StoreUnavailable

log = logging.getLogger("wxpassport")

Duty = Callable[[], Awaitable[None]]
_EVERY = 1.0
_FAREWELL = 2.0


class Background:
    """Duties that go on from open() to close(). Each has a task of its own, so that none waits for another.

    Args:
        repeated: done every second.
        last: those of them that are done once more at the end.
    """

    def __init__(self, *repeated: Duty, last: tuple[Duty, ...] = ()) -> None:
        self._repeated, self._last = repeated, last
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin, inside the running event loop; a second call changes nothing."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(_repeat(duty)) for duty in self._repeated]

    async def close(self) -> None:
        """Stop, and do what is to be done last, in a short time."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for duty in self._last:
            try:
                async with asyncio.timeout(_FAREWELL):
                    await duty()
            except (StoreUnavailable, TimeoutError):
                log.warning("counts of the last moments are lost: MongoDB does not answer")


async def _repeat(duty: Duty) -> None:
    while True:
        try:
            await duty()
        except StoreUnavailable:
            # The requests tell of it, and readiness does; what was to be written is kept until it can be.
            log.debug("MongoDB does not answer a duty in the background")
        except Exception:
            # A duty that gave up would never be missed.
            log.exception("a duty in the background failed")
        await asyncio.sleep(_EVERY)
