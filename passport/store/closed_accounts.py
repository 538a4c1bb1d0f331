"""The closed_accounts collection: that there was an account, and nothing about the person."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from passport.store.faults import CollectionStore, translated


class ClosedAccountStore(CollectionStore):
    """Writes of tombstones."""

    @translated
    async def insert(self, user_id: str, *, registered_at: datetime, closed_at: datetime, by: str) -> None:
        """Keep the tombstone; repeated, the first one stays."""
        tombstone = {"registered_at": registered_at, "closed_at": closed_at, "closed_by": by}
        await self._collection.update_one(
            {"_id": ObjectId(user_id)}, {"$setOnInsert": tombstone}, upsert=True
        )
