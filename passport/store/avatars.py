"""The avatars collection: one picture a user, which `users.avatar` names."""

from __future__ import annotations

from typing import Any

from bson import Binary, ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection

from passport.models import Avatar
from passport.store.faults import CollectionStore, translated
from passport.store.transactions import transaction

Document = dict[str, Any]


class AvatarStore(CollectionStore):
    """Reads and changes of avatars.

    The picture and the user's reference to it change in one transaction. So no crash leaves a reference to nothing or a
    picture of nobody, two uploads at once leave one picture, and of an upload and the closing of its account either
    comes first: the closing then finds the picture, or the upload finds no account.
    """

    def __init__(
        self,
        collection: AsyncIOMotorCollection[Document],
        *,
        users: AsyncIOMotorCollection[Document],
        deadline: float,
    ) -> None:
        super().__init__(collection, deadline=deadline)
        self._users = users

    @translated
    async def replace(self, avatar: Avatar) -> bool:
        """Make it the user's only picture; False, with nothing changed, when there is no such account any more."""
        user_id = ObjectId(avatar.user_id)

        async def swap(session: AsyncIOMotorClientSession) -> bool:
            change = {"$set": {"avatar": avatar.avatar_id}}
            found = await self._users.update_one({"_id": user_id}, change, session=session)
            if found.matched_count == 0:
                return False
            await self._collection.delete_many({"user_id": user_id}, session=session)
            await self._collection.insert_one(_document(avatar), session=session)
            return True

        return await transaction(self._collection, swap, deadline=self.deadline)

    @translated
    async def remove(self, user_id: str) -> None:
        """Take the user's picture away; no matter if there is none."""
        owner = ObjectId(user_id)

        async def drop(session: AsyncIOMotorClientSession) -> bool:
            await self._users.update_one({"_id": owner}, {"$unset": {"avatar": ""}}, session=session)
            await self._collection.delete_many({"user_id": owner}, session=session)
            return True

        await transaction(self._collection, drop, deadline=self.deadline)

    @translated
    async def find(self, avatar_id: str) -> Avatar | None:
        """None when there is none."""
        document = await self._find_one({"_id": avatar_id})
        return _avatar(document) if document else None


def _document(avatar: Avatar) -> Document:
    return {
        "_id": avatar.avatar_id,
        "user_id": ObjectId(avatar.user_id),
        "content": Binary(avatar.content),
        "media_type": avatar.media_type,
        "created_at": avatar.created_at,
    }


def _avatar(document: Document) -> Avatar:
    return Avatar(
        avatar_id=document["_id"],
        user_id=str(document["user_id"]),
        content=bytes(document["content"]),
        media_type=document["media_type"],
        created_at=document["created_at"],
    )
