"""The limit_counters collection: how many requests of each window all processes have admitted.

The counting is the `limits` library's, over our client and its deadlines.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from limits.aio.storage import MongoDBStorage
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo.errors import DuplicateKeyError

from passport.store.faults import Deadlined, translated
from passport.store.sources import forget_sources

COLLECTION = "limit_counters"
# A counter outlives its window by this, so that a clock that is a little late still finds it.
_MARGIN_SECONDS = 60


class LimitCounters(Deadlined):
    """Counters that add up atomically, and go by TTL. Methods raise StoreUnavailable when MongoDB does not answer.

    Args:
        database: a counter lost in a failover admits some more, so `w: 1` is enough.
        deadline: in seconds.
    """

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], *, deadline: float) -> None:
        self._database, self.deadline = database, deadline

    @cached_property
    def _storage(self) -> _OnOurClient:
        return _OnOurClient(self._database)

    @translated
    async def add(self, key: str, amount: int, *, seconds: int) -> int:
        """The counter's new value. It starts at 0 and is kept for at least this many seconds."""
        try:
            return await self._storage.incr(key, seconds + _MARGIN_SECONDS, amount)
        except DuplicateKeyError:
            # Another process made the counter in the same moment.
            return await self._storage.incr(key, seconds + _MARGIN_SECONDS, amount)


class _OnOurClient(MongoDBStorage):
    """The library's storage without a client of its own, which would know none of our guarantees."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        # Motor connects at the first operation, so the client that the library makes here is a mere object.
        super().__init__("async+mongodb://unused.invalid", counter_collection_name=COLLECTION)
        forget_sources()
        self.storage.close()
        self._ours = database
        self.storage = database.client

    @property
    def database(self) -> AsyncIOMotorDatabase[dict[str, Any]]:
        return self._ours

    async def create_indices(self) -> None:
        """Made with all others (passport.store.indexes), not in the first request."""
