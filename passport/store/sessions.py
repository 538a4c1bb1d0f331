"""The sessions collection: one document a successful sign-in, kept as the login history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import DESCENDING
from pymongo.errors import BulkWriteError

from passport.errors import StoreUnavailable
from passport.models import Refresh, Session
from passport.store.bulk import write_errors
from passport.store.faults import CollectionStore, translated
from passport.store.rotations import Rotation, rotate_all, stored
from passport.store.rounds import Rounds, each_made

Document = dict[str, Any]


def new_session_id() -> str:
    """A new id: ordered by time, so that the index grows at one end. It is no secret; tokens are signed."""
    return str(ObjectId())


class SessionStore(CollectionStore):
    """Reads and atomic writes of sessions; the arguments are `CollectionStore`'s."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        super().__init__(collection, deadline=deadline)
        self._found = Rounds(self._find_together, deadline=deadline)
        self._rotated = Rounds(self._rotate_together, deadline=deadline)

    @translated
    async def insert_all(self, sessions: Sequence[Session]) -> Sequence[StoreUnavailable | None]:
        """Keep them; for each, in their order, what kept MongoDB from it."""
        failed: dict[int, Document] = {}
        try:
            await self._collection.insert_many([_document(each) for each in sessions], ordered=False)
        except BulkWriteError as error:
            failed = write_errors(error)
        return [StoreUnavailable() if index in failed else None for index in range(len(sessions))]

    @translated
    async def import_all(self, sessions: Sequence[Session]) -> None:
        """Keep all of them, for the demo."""
        await self._collection.insert_many([_document(each) for each in sessions], ordered=False)

    @translated
    async def find(self, session_id: str) -> Session | None:
        """None when there is no such session, or the id is not of our form. Calls of the same moment share a read."""
        try:
            key = ObjectId(session_id)
        except InvalidId:
            return None
        return await self._found.join(key)

    async def _find_together(self, keys: list[ObjectId]) -> list[Session | Exception | None]:
        documents = await self._find_all({"_id": {"$in": keys}})
        made = each_made(_session, documents)
        found = {document["_id"]: each for document, each in zip(documents, made, strict=True)}
        return [found.get(key) for key in keys]

    @translated
    async def list_of(self, user_id: str, *, limit: int) -> list[Session]:
        """The user's sessions, newest first, ended ones included."""
        return await self._list({"user_id": ObjectId(user_id)}, limit)

    @translated
    async def list_until(self, user_id: str, moment: datetime, *, limit: int) -> list[Session]:
        """The user's sessions that began up to and including this moment, newest first."""
        return await self._list({"user_id": ObjectId(user_id), "created_at": {"$lte": moment}}, limit)

    @translated
    async def count_of(self, user_id: str) -> int:
        """How many sessions of the user are kept."""
        return int(await self._collection.count_documents({"user_id": ObjectId(user_id)}))

    @translated
    async def list_alive(
        self, user_id: str, *, epoch: int, spared: str | None, now: datetime, limit: int
    ) -> list[Session]:
        """The user's sessions that are not over, newest first."""
        current: list[Document] = [{"epoch": epoch}]
        if spared is not None:
            current.append({"_id": ObjectId(spared)})
        return await self._list(
            {
                "user_id": ObjectId(user_id),
                "ended_at": None,
                "ends_at": {"$gt": now},
                "refresh.expires_at": {"$gt": now},
                "$or": current,
            },
            limit,
        )

    async def _list(self, wanted: Document, limit: int) -> list[Session]:
        cursor = self._collection.find(wanted).sort("created_at", DESCENDING).limit(limit)
        return [_session(document) async for document in cursor]

    @translated
    async def rotate(self, session_id: str, *, digest: bytes, successor: Refresh, at: datetime) -> bool:
        """Put the successor in the place of the token with this digest; False when that is not the current one.

        Of any number at once one succeeds. Calls of the same moment share a statement.
        """
        return await self._rotated.join(Rotation(ObjectId(session_id), digest, successor, at))

    async def _rotate_together(self, rotations: list[Rotation]) -> list[bool | Exception]:
        return await rotate_all(self._collection, rotations)

    @translated
    async def repeat(self, session_id: str, *, digest: bytes, most: int) -> bool:
        """Count one more use of the token before the one with this digest; False when there were too many."""
        result = await self._collection.update_one(
            {
                "_id": ObjectId(session_id),
                "refresh.digest": digest,
                "refresh.uses": {"$lt": most},
                "ended_at": None,
            },
            {"$inc": {"refresh.uses": 1}},
        )
        return result.modified_count == 1

    @translated
    async def end(self, session_id: str, *, by: str, at: datetime, user_id: str | None = None) -> bool:
        """End the session, of this user if one is named; False when there is none that has not ended."""
        wanted: Document = {"_id": ObjectId(session_id), "ended_at": None}
        if user_id is not None:
            wanted["user_id"] = ObjectId(user_id)
        result = await self._collection.update_one(wanted, {"$set": {"ended_at": at, "ended_by": by}})
        return result.modified_count == 1

    @translated
    async def end_all(self, user_id: str, *, by: str, at: datetime, but: str | None = None) -> int:
        """Note for the history that all sessions of the user have ended, but for one; how many."""
        wanted: Document = {"user_id": ObjectId(user_id), "ended_at": None}
        if but is not None:
            wanted["_id"] = {"$ne": ObjectId(but)}
        result = await self._collection.update_many(wanted, {"$set": {"ended_at": at, "ended_by": by}})
        return int(result.modified_count)


def _document(session: Session) -> Document:
    return {
        "_id": ObjectId(session.session_id),
        "user_id": ObjectId(session.user_id),
        "appid": session.appid,
        "created_at": session.created_at,
        "ends_at": session.ends_at,
        "expires_at": session.forgotten_at,
        "ip": session.ip,
        "user_agent": session.user_agent,
        "epoch": session.epoch,
        "refresh": stored(session.refresh),
        "last_used_at": session.last_used_at,
    }


def _session(document: Document) -> Session:
    refresh = document["refresh"]
    return Session(
        session_id=str(document["_id"]),
        user_id=str(document["user_id"]),
        appid=document["appid"],
        created_at=document["created_at"],
        ends_at=document["ends_at"],
        forgotten_at=document["expires_at"],
        ip=document["ip"],
        user_agent=document["user_agent"],
        epoch=document["epoch"],
        refresh=Refresh(**{**refresh, "digest": bytes(refresh["digest"])}),
        last_used_at=document["last_used_at"],
        ended_at=document.get("ended_at"),
        ended_by=document.get("ended_by"),
    )
