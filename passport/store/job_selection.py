"""Whom a job would meet: counted as far as it is worth counting, with a few of them to look at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pymongo
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import DESCENDING
from pymongo.errors import ExecutionTimeout

from passport.errors.dashboard import TooBroad
from passport.jobs.model import Act, Kind, Preview
from passport.store.faults import Deadlined, translated
from passport.store.job_batches import Meant
from passport.store.ways import counting

Document = dict[str, Any]

# More than these are counted by the job itself, as it goes.
COUNTED = 50_000
_SAMPLE = 5
_AT_ONCE = 2
# Seconds; a page that takes longer is not read by anybody.
_PATIENCE = 2.0
# Options of a count that finds its index without being told.
_BY_ITSELF: Mapping[str, Any] = {}


class JobSelection(Deadlined):
    """Looks at users without changing them.

    Args:
        database: with the guarantees that people's data need.
        deadline: in seconds.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], *, deadline: float) -> None:
        self._users: AsyncIOMotorCollection[Document] = database["users"]
        self.deadline = deadline
        # Counting reads many keys; the logins keep the most of the threads and of mongod.
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @translated
    async def preview(
        self, act: Act, picked: Sequence[str], meant: Meant | None, *, now: datetime
    ) -> Preview:
        """How many the act would meet, and how many of them it would not change.

        Args:
            act: what it does.
            picked: the users picked one by one, unless a filter is meant.
            meant: whom the filter means.
            now: when a ban holds.
        """
        wanted = meant.words(now) if meant else {"_id": {"$in": [ObjectId(each) for each in picked]}}
        async with self._turn:
            total, exact = await self._count(wanted, counting(meant.asked) if meant else {})
            already = await self._already(act, wanted, total, now)
            return Preview(total, exact, already, await self._sample(wanted))

    async def _count(self, wanted: Document, options: Mapping[str, Any] = _BY_ITSELF) -> tuple[int, bool]:
        if not wanted:
            # Kept by MongoDB itself, and exact but after a crash.
            return int(await self._users.estimated_document_count()), True
        try:
            # MongoDB gives up by itself (maxTimeMS), so that nothing runs on there that nobody waits for.
            with pymongo.timeout(_PATIENCE):
                counted = int(await self._users.count_documents(wanted, limit=COUNTED + 1, **options))
        except ExecutionTimeout as error:
            raise TooBroad from error
        return min(counted, COUNTED), counted <= COUNTED

    async def _already(self, act: Act, wanted: Document, total: int, now: datetime) -> int:
        """How many have nothing to change. Asked in the way that an index answers: few are banned, or have the tag."""
        tagged = {"tags": {"$eq": act.tag}}
        banned: Document = {"status": "banned"}
        match act.kind:
            case Kind.BAN:
                holds = {"$or": [{"ban.until": None}, {"ban.until": {"$gt": now}}]}
                return (await self._count({"$and": [wanted, banned, holds]}))[0]
            case Kind.UNBAN:
                return total - (await self._count({"$and": [wanted, banned]}))[0]
            case Kind.TAG if act.tag:
                return (await self._count({"$and": [wanted, tagged]}))[0]
            case Kind.UNTAG if act.tag:
                return total - (await self._count({"$and": [wanted, tagged]}))[0]
            case _:
                return 0

    async def _sample(self, wanted: Document) -> tuple[tuple[str, str], ...]:
        projection = {"entered.nickname": 1, "profile.nickname": 1}
        # In the order of an index: what matches nearly everybody has none of its own.
        newest = [("created_at", DESCENDING), ("_id", DESCENDING)]
        cursor = self._users.find(wanted, projection).sort(newest).limit(_SAMPLE)
        return tuple(_named(each) for each in await cursor.to_list(_SAMPLE))


def _named(document: Document) -> tuple[str, str]:
    return str(document["_id"]), next(_names(document), "")


def _names(document: Document) -> Iterator[str]:
    for part in ("entered", "profile"):
        name = document.get(part, {}).get("nickname")
        if isinstance(name, str) and name:
            yield name
