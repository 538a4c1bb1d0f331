"""The statistics collection: one document an hour and mini-program, with how often what happened.

What belongs to no mini-program in particular is kept under the appid "". No document says anything about a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import Binary
from pymongo import ASCENDING, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]

NO_APP = ""
# Summed up over all mini-programs. Of active people there is a total of its own, since one may use several.
SUMMED = (
    "registrations",
    "sign_ins",
    "refreshes",
    "repeats",
    "refusals",
    "unregistered",
    "wechat_calls",
    "wechat_failures",
    "quota_hits",
)
ACTIVE = ("active_day", "active_week", "active_month")

# A batch is repeated until it is answered; meanwhile other processes add one each a second.
_REMEMBERED_BATCHES = 200
_DUPLICATE_KEY = 11000
_LEASE = "recounted"


@dataclass(frozen=True, slots=True)
class Slot:
    """Which document a count belongs to."""

    hour: datetime
    appid: str

    @property
    def key(self) -> str:
        """Its `_id`."""
        return f"{self.hour:%Y-%m-%dT%H:%MZ}/{self.appid}"


@dataclass(frozen=True, slots=True)
class HourCounts:
    """What happened in an hour; only what did is named."""

    hour: datetime
    counts: Mapping[str, int]


class StatisticsStore(CollectionStore):
    """Adds counts and sums them up."""

    @translated
    async def add(self, batch: bytes, counts: Mapping[Slot, Mapping[str, int]]) -> None:
        """Add the counts of a batch; doing it again, with the same counts, changes nothing.

        Each document remembers the last batches that it took. An upsert that excludes them finds nothing when the
        batch is in already, and then its insert meets the document's own key.

        Raises:
            StoreUnavailable: some of it may be in. The same call again is safe.
        """
        pending = [_addition(Binary(batch), slot, fields) for slot, fields in counts.items()]
        # Another process may have made the document in the same moment, so the first collision says nothing yet.
        await self._write(await self._write(pending))

    async def _write(self, operations: Sequence[UpdateOne]) -> list[UpdateOne]:
        """What met an existing key."""
        if not operations:
            return []
        try:
            await self._collection.bulk_write(list(operations), ordered=False)
        except BulkWriteError as error:
            failures = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or any(
                each["code"] != _DUPLICATE_KEY for each in failures
            ):
                raise
            return [operations[each["index"]] for each in failures]
        return []

    @translated
    async def hours(self, start: datetime, end: datetime, *, appid: str | None) -> list[HourCounts]:
        """What happened from `start` to before `end`, by hour, oldest first; hours without anything are left out.

        Args:
            start, end: when the hours begin.
            appid: one mini-program; None for all, and what belongs to none.
        """
        pipeline: list[Document] = [
            {"$match": _within(start, end, appid)},
            {"$group": {"_id": "$hour", **_sums(appid or NO_APP)}},
            {"$sort": {"_id": ASCENDING}},
        ]
        return [
            HourCounts(each.pop("_id"), {name: count for name, count in each.items() if count})
            async for each in self._collection.aggregate(pipeline)
        ]

    @translated
    async def refused(self, start: datetime, end: datetime, *, appid: str | None) -> dict[str, int]:
        """How many refusals of each code there were, the most frequent first."""
        pipeline: list[Document] = [
            {"$match": _within(start, end, appid) | {"refused": {"$exists": True}}},
            {"$project": {"each": {"$objectToArray": "$refused"}}},
            {"$unwind": "$each"},
            {"$group": {"_id": "$each.k", "count": {"$sum": "$each.v"}}},
            {"$sort": {"count": -1, "_id": ASCENDING}},
        ]
        return {each["_id"]: each["count"] async for each in self._collection.aggregate(pipeline)}

    @translated
    async def claim(self, hour: datetime) -> tuple[bool, datetime | None]:
        """Whether it is ours to recount up to this hour, and up to which hour that was done before.

        One statement, so of any number of processes at once one is told so.
        """
        try:
            before = await self._collection.find_one_and_update(
                {"_id": _LEASE, "through": {"$lt": hour}}, {"$set": {"through": hour}}, upsert=True
            )
        except DuplicateKeyError:
            return False, None
        return True, before["through"] if before else None

    @translated
    async def set_right(self, slot: Slot, name: str, count: int, *, at_least: bool) -> None:
        """Replace a count by what was found; with `at_least`, only if more was found."""
        change = {"$max" if at_least else "$set": {name: count}}
        made = {"hour": slot.hour, "appid": slot.appid}
        await self._collection.update_one(
            {"_id": slot.key}, change | {"$setOnInsert": made}, upsert=count > 0
        )

    @translated
    async def forget_batches(self, start: datetime, end: datetime) -> None:
        """Of hours that nothing is added to any more, drop which batches they took."""
        wanted = _within(start, end, None) | {"batches": {"$exists": True}}
        await self._collection.update_many(wanted, {"$unset": {"batches": ""}})

    @translated
    async def appids(self, start: datetime, end: datetime) -> set[str]:
        """The mini-programs with which something happened."""
        found: list[str] = await self._collection.distinct("appid", _within(start, end, None))
        return set(found) - {NO_APP}


def _addition(batch: Binary, slot: Slot, fields: Mapping[str, int]) -> UpdateOne:
    return UpdateOne(
        {"_id": slot.key, "batches": {"$ne": batch}},
        {
            "$inc": dict(fields),
            "$setOnInsert": {"hour": slot.hour, "appid": slot.appid},
            "$push": {"batches": {"$each": [batch], "$slice": -_REMEMBERED_BATCHES}},
        },
        upsert=True,
    )


def _within(start: datetime, end: datetime, appid: str | None) -> Document:
    wanted: Document = {"hour": {"$gte": start, "$lt": end}}
    return wanted if appid is None else {**wanted, "appid": appid}


def _sums(active_of: str) -> Document:
    sums: Document = {name: {"$sum": f"${name}"} for name in SUMMED}
    ours = {"$eq": ["$appid", active_of]}
    return sums | {name: {"$sum": {"$cond": [ours, f"${name}", 0]}} for name in ACTIVE}
