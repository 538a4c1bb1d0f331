"""The avatars collection: one picture a user, which `users.avatar` names."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from bson import Binary, ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo.errors import PyMongoError

from passport.models import Avatar
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]
# A closed account keeps none, so whatever else its status may be called, it is neither of these.
_HOLDERS = {"$in": ["active", "banned"]}
# How long a transaction is tried to be ended, in seconds between the attempts.
_ATTEMPTS, _PAUSE = 10, 1.0


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
        self._users, self._client = users, collection.database.client
        self._running: set[asyncio.Task[bool]] = set()

    @translated
    async def replace(self, avatar: Avatar) -> bool:
        """Make it the user's only picture; False, with nothing changed, when there is no such account any more."""
        user_id = ObjectId(avatar.user_id)

        async def swap(session: AsyncIOMotorClientSession) -> bool:
            change = {"$set": {"avatar": avatar.avatar_id}}
            found = await self._users.update_one(
                {"_id": user_id, "status": _HOLDERS}, change, session=session
            )
            if found.matched_count == 0:
                return False
            await self._collection.delete_many({"user_id": user_id}, session=session)
            await self._collection.insert_one(_document(avatar), session=session)
            return True

        return await self._transaction(swap)

    @translated
    async def remove(self, user_id: str) -> None:
        """Take the user's picture away; no matter if there is none."""
        owner = ObjectId(user_id)

        async def drop(session: AsyncIOMotorClientSession) -> bool:
            await self._users.update_one({"_id": owner}, {"$unset": {"avatar": ""}}, session=session)
            await self._collection.delete_many({"user_id": owner}, session=session)
            return True

        await self._transaction(drop)

    async def _transaction(self, steps: Any) -> bool:
        # Repeated by the driver when somebody else changed the same user meanwhile. Durable as all our writes are: a
        # transaction has the client's concerns. In a task of its own, so that our deadline cannot leave it open.
        running = asyncio.create_task(self._commit(steps))
        self._running.add(running)
        running.add_done_callback(self._ended)
        return await asyncio.shield(running)

    async def _commit(self, steps: Any) -> bool:
        async with await self._client.start_session() as session:
            try:
                done: bool = await session.with_transaction(steps)
            except PyMongoError:
                await self._abandon(session)
                raise
            return done

    async def _abandon(self, session: AsyncIOMotorClientSession) -> None:
        """End a transaction that failed at its commit, as soon as MongoDB answers again.

        MongoDB would keep it open for a minute, and with it the user's document locked to every other write.
        """
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(PyMongoError):
                await self._client.admin.command("killSessions", [session.session_id])
                return
            await asyncio.sleep(_PAUSE)

    def _ended(self, running: asyncio.Task[bool]) -> None:
        self._running.discard(running)
        # Whoever waited was told already, and if nobody did, nobody misses it.
        if not running.cancelled():
            running.exception()

    @translated
    async def delete_of(self, user_id: str) -> int:
        """Delete every picture of a user whose account was closed before; how many there were."""
        result = await self._collection.delete_many({"user_id": ObjectId(user_id)})
        return result.deleted_count

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
