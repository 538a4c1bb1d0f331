"""The audit_events collection: what operators did, one document an act, numbered. It only grows.

The number is the `_id`, so of two processes that would write the same one, the second fails. Documents go in and come
out as they are: whether one is genuine only the holder of the key can say (passport.audit.chain).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from passport.models import ActFilter, ActKey
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]

_DUPLICATE_KEY = 11000
# As an `_id` these bounds also keep to numbers, whatever somebody else put beside them.
_NUMBERED = {"$gt": 0, "$lt": 2**53}
_BY_TIME = "audit_events_at"


class AuditStore(CollectionStore):
    """Appends and reads of acts."""

    @translated
    async def last(self) -> Document | None:
        """The document with the highest number; None while there is none."""
        document: Document | None = await self._collection.find_one(
            {"_id": _NUMBERED}, sort=[("_id", DESCENDING)]
        )
        return document

    @translated
    async def find(self, seq: int) -> Document | None:
        """The document with this number; None when there is none."""
        return await self._find_one({"_id": seq})

    @translated
    async def append(self, documents: Sequence[Document]) -> int:
        """Keep these documents, whose numbers follow each other, durably; how many of them were kept.

        Fewer than all when another process took a number first; those before it are kept. In order, and stopping at the
        first that fails, so that nothing leaves a gap: a mongod that dies in between keeps a first part.
        """
        try:
            await self._collection.insert_many(documents, ordered=True)
        except BulkWriteError as error:
            details = error.details or {}
            failed = details.get("writeErrors", [])
            if details.get("writeConcernErrors") or not failed or failed[0].get("code") != _DUPLICATE_KEY:
                raise
            return int(failed[0]["index"])
        return len(documents)

    @translated
    async def after(self, seq: int, *, limit: int) -> list[Document]:
        """The documents with higher numbers, in order."""
        wanted = {"_id": {"$gt": seq, "$lt": _NUMBERED["$lt"]}}
        cursor = self._collection.find(wanted).sort("_id", ASCENDING).limit(limit)
        return [document async for document in cursor]

    @translated
    async def outermost(self) -> list[object]:
        """The first and the last `_id` of all, in MongoDB's order over every type; empty when there is none."""
        found = [
            await self._collection.find_one({}, {"_id": 1}, sort=[("_id", direction)])
            for direction in (ASCENDING, DESCENDING)
        ]
        return [document["_id"] for document in found if document]

    @translated
    async def newest(
        self, wanted: ActFilter, *, limit: int, before: ActKey | None = None, after: ActKey | None = None
    ) -> list[Document]:
        """Acts that match, newest first: of those before a key the newest, of those after a key the oldest."""
        direction = ASCENDING if after is not None else DESCENDING
        cursor = self._collection.find(_matching(wanted, before=before, after=after))
        cursor = cursor.sort([("at", direction), ("_id", direction)]).limit(limit)
        found = [document async for document in cursor]
        return found[::-1] if after is not None else found

    @translated
    async def count(self, wanted: ActFilter, *, most: int) -> int:
        """How many match, counted up to `most`."""
        query = _matching(wanted)
        # Without a filter MongoDB would read the documents instead of an index.
        by_time: dict[str, Any] = {} if query.keys() - {"at"} else {"hint": _BY_TIME}
        return int(await self._collection.count_documents(query, limit=most, **by_time))

    @translated
    async def kinds(self) -> list[str]:
        """Every kind of act that there is, found by skipping through an index."""
        return sorted(str(each) for each in await self._collection.distinct("kind"))

    @translated
    async def actors(self) -> dict[str, str]:
        """The name of everybody who ever acted, by id, as it was in their last act."""
        names: dict[str, str] = {}
        for actor_id in await self._collection.distinct("actor_id"):
            last = await self._collection.find_one(
                {"actor_id": actor_id}, {"actor_name": 1}, sort=[("at", DESCENDING), ("_id", DESCENDING)]
            )
            if last:
                names[str(actor_id)] = str(last.get("actor_name", actor_id))
        return names


def _matching(wanted: ActFilter, *, before: ActKey | None = None, after: ActKey | None = None) -> Document:
    query: Document = {
        name: value
        for name in ("actor_id", "kind", "target_id")
        if (value := getattr(wanted, name)) is not None
    }
    bounds: Document = {"$gte": wanted.since, "$lt": wanted.until}
    # The scan begins at the key's millisecond, of which it passes over those that were shown.
    if before is not None:
        bounds["$lte"] = before.at
        query["$or"] = [{"at": {"$lt": before.at}}, {"_id": {"$lt": before.seq}}]
    if after is not None:
        bounds["$gte"] = max(after.at, wanted.since or after.at)
        query["$or"] = [{"at": {"$gt": after.at}}, {"_id": {"$gt": after.seq}}]
    if bounds := {name: value for name, value in bounds.items() if value is not None}:
        query["at"] = bounds
    return query
