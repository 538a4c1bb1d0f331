"""Erase named members of a user: what WeChat says they took back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection

from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class ErasureStore(CollectionStore):
    """Erases in the users collection, and in avatars what belongs to it.

    Args:
        users, avatars: the collections.
        deadline: in seconds.
    """

    def __init__(
        self,
        users: AsyncIOMotorCollection[Document],
        avatars: AsyncIOMotorCollection[Document],
        *,
        deadline: float,
    ) -> None:
        super().__init__(users, deadline=deadline)
        self._avatars = avatars

    @translated
    async def erase(self, user_id: str, members: Sequence[str]) -> bool:
        """Remove these members, such as `profile.nickname`, by one statement. False when there were none.

        With `avatar` go the images. They go first: a crash leaves an id that leads nowhere, and never an image that
        nobody looks for any more.
        """
        key = ObjectId(user_id)
        if "avatar" in members:
            await self._avatars.delete_many({"user_id": {"$in": [key, user_id]}})
        result = await self._collection.update_one({"_id": key}, {"$unset": dict.fromkeys(members, "")})
        return result.modified_count == 1
