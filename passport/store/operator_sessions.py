"""The operator_sessions collection: who is signed in to the dashboard."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import DESCENDING

from passport.models import OperatorSession
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class OperatorSessionStore(CollectionStore):
    """Reads and atomic writes of the operators' sessions."""

    @translated
    async def insert(self, session: OperatorSession) -> None:
        """Keep the session."""
        document = asdict(session)
        document["_id"], document["operator_id"] = document.pop("digest"), ObjectId(session.operator_id)
        await self._collection.insert_one(document)

    @translated
    async def find(self, digest: bytes) -> OperatorSession | None:
        """None when there is none with this digest."""
        document = await self._find_one({"_id": digest})
        return _session(document) if document else None

    @translated
    async def list_of(self, operator_id: str) -> list[OperatorSession]:
        """The operator's sessions, newest first."""
        cursor = self._collection.find({"operator_id": ObjectId(operator_id)}).sort("created_at", DESCENDING)
        return [_session(document) async for document in cursor]

    @translated
    async def touch(self, digest: bytes, *, at: datetime) -> None:
        """Note that it is in use."""
        await self._collection.update_one({"_id": digest}, {"$max": {"last_used_at": at}})

    @translated
    async def confirm(self, digest: bytes, *, at: datetime) -> None:
        """Note that the operator has just proved who they are."""
        await self._collection.update_one({"_id": digest}, {"$max": {"confirmed_at": at}})

    @translated
    async def keep_newest(self, operator_id: str, most: int) -> None:
        """Delete all but the newest ones."""
        mine = {"operator_id": ObjectId(operator_id)}
        cursor = self._collection.find(mine, {"_id": 1}).sort("created_at", DESCENDING).skip(most)
        if older := [document["_id"] async for document in cursor]:
            await self._collection.delete_many({"_id": {"$in": older}})

    @translated
    async def delete(self, digest: bytes) -> None:
        """Delete the session, if it is still there."""
        await self._collection.delete_one({"_id": digest})

    @translated
    async def delete_all(self, operator_id: str, *, but: bytes | None) -> None:
        """Delete the operator's sessions, but for one."""
        await self._collection.delete_many({"operator_id": ObjectId(operator_id), "_id": {"$ne": but}})


def _session(document: Document) -> OperatorSession:
    fields = {name: value for name, value in document.items() if name != "_id"}
    return OperatorSession(
        **{**fields, "digest": bytes(document["_id"]), "operator_id": str(document["operator_id"])}
    )
