"""Erase named members of a user: what WeChat says they took back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection

from passport.store.faults import CollectionStore, translated
from passport.store.search import search_fields
from passport.store.transactions import transaction

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
        """Remove these members of the profile (`nickname`, `avatar_url`), `phone` or `avatar`; False if none was there.

        In one transaction, so that no upload leaves a picture that nobody looks for. That the user themselves removed
        a member stays noted: a null in `entered` keeps WeChat's word from coming back.
        """
        owner = ObjectId(user_id)
        wechats = {f"profile.{each}": "" for each in members} | dict.fromkeys(members, "")

        async def steps(session: AsyncIOMotorClientSession) -> bool:
            if "avatar" in members:
                await self._avatars.delete_many({"user_id": owner}, session=session)
            results = [
                await self._collection.update_one(
                    {"_id": owner, f"entered.{each}": {"$type": "string"}},
                    {"$unset": {f"entered.{each}": ""}},
                    session=session,
                )
                for each in members
            ]
            results.append(
                await self._collection.update_one({"_id": owner}, {"$unset": wechats}, session=session)
            )
            erased = any(result.modified_count for result in results)
            if erased and "nickname" in members:
                nameless = {"$set": search_fields(user_id, None)}
                await self._collection.update_one({"_id": owner}, nameless, session=session)
            return erased

        return await transaction(self._collection, steps, deadline=self.deadline)
