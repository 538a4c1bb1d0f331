"""Read users for an export: any number in constant memory, and with none of it on the event loop (R-041)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any, TypeVar

import bson
from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection

from passport.store.faults import Deadlined, translated
from passport.store.job_batches import Meant
from passport.store.user_walk import BY_ID, end_of_slice, ids_between, newest_id

Document = dict[str, Any]
Row = TypeVar("Row")

# Of the user's document, what may be in an export; never what tokens or codes are made of.
EXPORTED = (
    "identities",
    "unionid",
    "profile",
    "entered",
    "phone.number",
    "status",
    "ban",
    "tags",
    "created_at",
    "last_seen_at",
    "sign_ins",
)
# As many as are encoded in some milliseconds.
BATCH = 500


class UserExportStore(Deadlined):
    """Reads the users collection from one end to the other.

    Args:
        users: the collection.
        deadline: of one step, in seconds.
    """

    def __init__(self, users: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        self._users, self.deadline = users, deadline

    async def batches(
        self, meant: Meant, *, now: datetime, make: Callable[[Document], Row]
    ) -> AsyncGenerator[list[Row], None]:
        """Those who match, in the order in which they registered, each made into a row in a thread.

        No cursor is open between two slices, so a client that goes leaves nothing behind, and one that is slow loses
        nothing. One connection and one thread is at work at a time, whatever is exported.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        last = await self._newest()
        after: ObjectId | None = None
        finished = last is None
        while not finished and last is not None:
            end, finished = await self._end_of_slice(after, last)
            wanted = {"$and": [ids_between(after, end), meant.words(now)]}
            for raw in await self._read(wanted):
                yield await asyncio.to_thread(self._made, raw, make)
            after = end

    @translated
    async def _newest(self) -> ObjectId | None:
        return await newest_id(self._users)

    @translated
    async def _end_of_slice(self, after: ObjectId | None, last: ObjectId) -> tuple[ObjectId, bool]:
        return await end_of_slice(self._users, after=after, last=last)

    @translated
    async def _read(self, wanted: Document) -> list[bytes]:
        """The users of a slice, as they came over the wire."""
        cursor = self._users.find_raw_batches(wanted, dict.fromkeys(EXPORTED, 1), batch_size=BATCH)
        return [raw async for raw in cursor.sort("_id", 1).hint(BY_ID)]

    def _made(self, raw: bytes, make: Callable[[Document], Row]) -> list[Row]:
        return [make(each) for each in bson.decode_all(raw, self._users.codec_options)]
