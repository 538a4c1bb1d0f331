"""The identity_conflicts collection: accounts that turn out to be one person, for the operator to look at."""

from __future__ import annotations

from datetime import datetime

from bson import ObjectId

from passport.store.faults import CollectionStore, translated


class ConflictStore(CollectionStore):
    """Conflicts, written and counted. A document holds ids and times, no openid and no unionid."""

    @translated
    async def note(self, user_id: str, other_id: str | None, *, at: datetime) -> None:
        """Record that a sign-in of `user_id` came with the unionid of `other_id`, or of nobody; once a pair."""
        accounts = [ObjectId(each) for each in (user_id, other_id) if each is not None]
        await self._collection.update_one(
            {"_id": f"{user_id}:{other_id or ''}"},
            {
                "$setOnInsert": {"accounts": accounts, "first_seen_at": at},
                "$set": {"last_seen_at": at},
                "$inc": {"sign_ins": 1},
            },
            upsert=True,
        )

    @translated
    async def waiting(self, *, most: int) -> tuple[int, str | None]:
        """How many there are, up to `most`, and an account of one of them."""
        count = await self._collection.count_documents({}, limit=most, hint="_id_")
        one = await self._collection.find_one({}, hint="_id_") if count else None
        return count, str(one["accounts"][0]) if one else None
