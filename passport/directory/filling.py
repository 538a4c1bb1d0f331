"""Make users that an older version registered findable by name: little by little, by one process at a time."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta

from passport.clock import Now
from passport.store.search_filling import SearchFillingStore

log = logging.getLogger("wxpassport.directory")

# A turn of the background, which comes every second: some 20 ms of this process, and a million users in half an hour.
BATCH = 500
# A process that died over it is followed after this long.
_TURN = timedelta(seconds=30)
# How often it is looked again: a process of the older version may still be registering people.
_LOOK = timedelta(minutes=10)


class SearchFilling:
    """A duty of the background.

    Args:
        store: reads and writes.
        now: the clock.
    """

    def __init__(self, *, store: SearchFillingStore, now: Now) -> None:
        self._store, self._now = store, now
        self._name = secrets.token_hex(8)
        self._next: datetime | None = None
        self._filled = 0

    async def when_due(self) -> None:
        """Fill in a few, if there are any and no other process does.

        Raises:
            StoreUnavailable: what was filled in stays, and the rest follows.
        """
        now = self._now()
        if self._next is not None and now < self._next:
            return
        if not await self._store.take_turn(self._name, now=now, until=now + _TURN):
            self._next = now + _TURN
            return
        filled = await self._store.fill(BATCH)
        self._filled += filled
        if filled < BATCH:
            self._next = now + _LOOK
            if self._filled:
                log.info("users made findable by name", extra={"users": self._filled})
            self._filled = 0
