"""The operator_guesses collection: one document for each secret that was guessed at, by a digest of whose it is.

The rules are `passport.operators.guessing`; this file makes each try one atomic statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from passport.errors import StoreUnavailable
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]
_ATTEMPTS = 50


class GuessStore(CollectionStore):
    """Counts failures and locks. Durable, or a crash would give away tries."""

    @translated
    async def take(
        self, subject: bytes, *, locks: Sequence[timedelta], forgiven_after: timedelta, now: datetime
    ) -> bool:
        """Count a failure, and lock for what `locks` says of that many; False when it is locked already.

        One statement, so tries at once are counted one after the other.
        """
        unlocked = {"_id": subject, "locked_until": {"$lte": now}}
        change = _counted(locks, forgiven_after, now)
        for _ in range(_ATTEMPTS):
            try:
                await self._collection.update_one(unlocked, change, upsert=True)
            except DuplicateKeyError:
                # Locked, or somebody else made the document in the same moment, and then ours is tried again.
                if await self._collection.find_one({"_id": subject, "locked_until": {"$gt": now}}):
                    return False
            else:
                return True
        raise StoreUnavailable

    @translated
    async def take_back(self, subject: bytes, *, now: datetime) -> None:
        """Count one failure less, and unlock: whoever was locked out had no more than those that are left."""
        change = {"$inc": {"failures": -1}, "$set": {"locked_until": now}}
        await self._collection.update_one({"_id": subject, "failures": {"$gt": 0}}, change)

    @translated
    async def forget(self, subject: bytes) -> None:
        """Nothing was counted."""
        await self._collection.delete_one({"_id": subject})


def _counted(locks: Sequence[timedelta], forgiven_after: timedelta, now: datetime) -> list[Document]:
    milliseconds = [0, *(round(lock.total_seconds() * 1000) for lock in locks)]
    # What MongoDB's TTL has not removed yet does not count either. A document that is being made has no such time.
    counts = {"$gt": ["$expires_at", now]}
    failures = {"$add": [{"$cond": [counts, "$failures", 0]}, 1]}
    lock = {"$arrayElemAt": [milliseconds, {"$min": ["$failures", len(milliseconds) - 1]}]}
    return [
        {"$set": {"failures": failures}},
        {"$set": {"locked_until": {"$add": [now, lock]}, "expires_at": now + forgiven_after}},
    ]
