"""The refusals collection: one document a refused attempt, or one for many in a flood. Goes by TTL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import combinations
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from pymongo import DESCENDING
from pymongo.errors import BulkWriteError

from passport.models import Refusal
from passport.refusal_filter import ORDINARY, Place, RefusalFilter
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]

_DUPLICATE_KEY = 11000
_FACETED = ("error", "appid", "operation", "wechat_errcode")
_NEWEST_FIRST = [("at", DESCENDING), ("_id", DESCENDING)]
_OLDEST_FIRST = [("at", 1), ("_id", 1)]


def new_refusal_id() -> str:
    """A new id: given before the insert, so that repeating one whose answer was lost makes no second document."""
    return str(ObjectId())


class RefusalStore(CollectionStore):
    """Appends and reads. A record lost in a failover is a line less, so `w: 1` is enough."""

    @translated
    async def insert(self, refusals: Sequence[Refusal]) -> None:
        """Keep them; those that are kept already stay as they are."""
        try:
            await self._collection.insert_many([_document(each) for each in refusals], ordered=False)
        except BulkWriteError as error:
            if any(each["code"] != _DUPLICATE_KEY for each in error.details["writeErrors"]):
                raise

    @translated
    async def find(self, refusal_id: str) -> Refusal | None:
        """None when there is none of this id, or it is not of our form."""
        try:
            return _refusal(await self._collection.find_one({"_id": ObjectId(refusal_id)}))
        except InvalidId:
            return None

    @translated
    async def find_by_request_id(self, request_id: str) -> Refusal | None:
        """The refusal that this request ended in; None when none is kept."""
        return _refusal(await self._collection.find_one({"request_id": request_id}))

    @translated
    async def find_by_rid(self, rid: str) -> Refusal | None:
        """The newest refusal that WeChat's request id came with; None when none is kept."""
        # The index has those with a rid alone, and the planner takes it only for a filter that says so.
        wanted = {"rid": {"$eq": rid, "$type": "string"}}
        return _refusal(await self._collection.find_one(wanted))

    @translated
    async def page(
        self, chosen: RefusalFilter, *, beyond: Place | None, newer: bool, limit: int
    ) -> list[Refusal]:
        """Refusals next to a place, newest first.

        Args:
            chosen: which.
            beyond: from where; None is the newest end.
            newer: those after it in time rather than before it.
            limit: how many at most.
        """
        wanted = _wanted(chosen)
        if beyond is not None:
            comparison = "$gt" if newer else "$lt"
            at, refusal_id = beyond
            wanted["$or"] = [
                {"at": {comparison: at}},
                {"at": at, "_id": {comparison: ObjectId(refusal_id)}},
            ]
            # The planner bounds the index by this alone, not by the $or.
            wanted["at"] = {**wanted["at"], f"{comparison}e": _nearer(wanted["at"], f"{comparison}e", at)}
        order = _OLDEST_FIRST if newer and beyond is not None else _NEWEST_FIRST
        cursor = self._collection.find(wanted).sort(order).limit(limit)
        found = [_made(document) async for document in cursor]
        return found[::-1] if order is _OLDEST_FIRST else found

    @translated
    async def counts(self, chosen: RefusalFilter, *, most: int) -> tuple[dict[str, int], bool]:
        """How many attempts of each error, from the newest `most` documents; whether those are all."""
        pipeline: list[Document] = [
            {"$match": _wanted(chosen)},
            {"$sort": {"at": DESCENDING, "_id": DESCENDING}},
            {"$limit": most},
            {"$group": {"_id": "$error", "attempts": {"$sum": "$weight"}, "documents": {"$sum": 1}}},
        ]
        groups = [each async for each in self._collection.aggregate(pipeline)]
        complete = sum(each["documents"] for each in groups) < most
        return {each["_id"]: each["attempts"] for each in groups}, complete

    @translated
    async def of_person(
        self, account_id: str | None, openids: Sequence[bytes], *, since: datetime, limit: int
    ) -> list[Refusal]:
        """The refusals of an account, and of WeChat users before they had one; newest first."""
        whose: list[Document] = [
            {"openid": {"$eq": openid, "$type": "binData"}, "at": {"$gte": since}} for openid in openids
        ]
        if account_id is not None:
            whose.append(
                {"account_id": {"$eq": account_id, "$type": "string"}, "at": {"$gte": since}},
            )
        if not whose:
            return []
        cursor = self._collection.find({"$or": whose}).sort(_NEWEST_FIRST).limit(limit)
        return [_made(document) async for document in cursor]


def _nearer(bounds: Document, comparison: str, at: datetime) -> datetime:
    return max(at, bounds.get(comparison, at)) if comparison == "$gte" else at


def _wanted(chosen: RefusalFilter) -> Document:
    wanted: Document = {"at": {"$gte": chosen.since, "$lt": chosen.until}}
    if faceted := {name: value for name, value in chosen.equal.items() if name in _FACETED}:
        wanted["facets"] = _facet(faceted.items())
    # What the partial indexes say, or the planner would not take them.
    for name, kind in (("account_id", "string"), ("openid", "binData")):
        if name in chosen.equal:
            wanted[name] = {"$eq": chosen.equal[name], "$type": kind}
    if chosen.error is None and not chosen.ordinary:
        wanted["error"] = {"$nin": sorted(ORDINARY)}
    return wanted


def _facets(document: Document) -> list[bytes]:
    """A name for each combination of what can be filtered by, for an index that answers all of them alike."""
    known = [(name, document[name]) for name in _FACETED if name in document]
    sizes = range(1, len(known) + 1)
    return [_facet(combination) for size in sizes for combination in combinations(known, size)]


def _facet(combination: Iterable[tuple[str, object]]) -> bytes:
    # Short, since there are up to fifteen of them; eight bytes tell a few thousand combinations apart.
    text = "\n".join(f"{name}={value}" for name, value in sorted(combination))
    return blake2b(text.encode(), digest_size=8).digest()


def _document(refusal: Refusal) -> Document:
    named = ((name, getattr(refusal, name)) for name in Refusal.__slots__ if name != "refusal_id")
    kept = {name: value for name, value in named if value is not None}
    return {"_id": ObjectId(refusal.refusal_id), **kept, "facets": _facets(kept)}


def _refusal(document: Document | None) -> Refusal | None:
    return _made(document) if document is not None else None


def _made(document: Document) -> Refusal:
    known = {name: document[name] for name in Refusal.__slots__ if name in document}
    hint, openid = known.pop("hint", None), known.pop("openid", None)
    return Refusal(
        **known,
        refusal_id=str(document["_id"]),
        hint=(hint[0], hint[1]) if hint else None,
        openid=bytes(openid) if openid else None,
    )
