"""The pending_logins collection: what is remembered of each code, and whose turn it is with it.

The states and their rules are `passport.codes`; this file only makes each step one atomic statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReplaceOne, WriteConcern
from pymongo.errors import BulkWriteError, WriteError

from passport.errors import StoreUnavailable
from passport.records import PendingLogin
from passport.store.bulk import insert_new, write_errors
from passport.store.code_turns import Attempt, Outcome, take_all
from passport.store.faults import CollectionStore, translated
from passport.store.rounds import Rounds

Document = dict[str, Any]
_DURABLE = WriteConcern(w="majority", j=True)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a turn.

    Args:
        digest: of the code.
        owner: of the turn.
        outcome: the members of the record from now on, and all of them.
    """

    digest: bytes
    owner: str
    outcome: Mapping[str, Any]


class PendingLoginStore(CollectionStore):
    """Atomic steps on a code's record."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        super().__init__(collection, deadline=deadline)
        self._durable = collection.with_options(write_concern=_DURABLE)
        self._new = Rounds(self._insert_together, deadline=deadline)
        self._taken = Rounds(self._take_together, deadline=deadline)
        self._ended = Rounds(self._end_together, deadline=deadline)

    @translated
    async def take(
        self,
        digest: bytes,
        *,
        owner: str,
        process: str,
        now: datetime,
        busy_until: datetime,
        expires_at: datetime,
    ) -> tuple[bool, PendingLogin | None]:
        """Make the code ours if it is free: never seen, kept, past its retry time, or left in the middle of a turn.

        Such a turn is one of a process that died, or one of this process that MongoDB kept from noting its outcome:
        the caller makes sure that a process has one turn with a code at a time.

        Returns:
            (True, what it was before, None for a code never seen), or
            (False, what it is), None when it vanished in between and the caller should try again.
        """
        ours = {"status": "busy", "owner": owner, "process": process, "busy_until": busy_until}
        # Most codes are new, and those of the same moment share a statement.
        if await self._new.join({"_id": digest, **ours, "expires_at": expires_at}):
            return True, None
        return await self._taken.join(Attempt(digest, ours, now))

    async def _insert_together(self, records: list[Document]) -> list[bool | WriteError]:
        return await insert_new(self._collection, records)

    async def _take_together(self, attempts: list[Attempt]) -> list[Outcome | Exception]:
        return await take_all(self._collection, attempts)

    @translated
    async def end(self, ending: Ending, *, within: timedelta | None = None) -> None:
        """End our turn, unless it had already passed to another, and write what came of it.

        `within` shortens the deadline. Those of the same moment share a statement.
        """
        async with asyncio.timeout(within.total_seconds() if within else None):
            await self._ended.join(ending)

    async def _end_together(self, endings: list[Ending]) -> list[StoreUnavailable | None]:
        failed: dict[int, Document] = {}
        try:
            await self._collection.bulk_write([_replaced(each) for each in endings], ordered=False)
        except BulkWriteError as error:
            failed = write_errors(error)
        return [StoreUnavailable() if index in failed else None for index in range(len(endings))]

    @translated
    async def consume_all(self, endings: Sequence[Ending]) -> Sequence[bool]:
        """The same for codes that are spent, which survives a crash and a failover.

        Args:
            endings: each with a `sealed_answer`, which is never the same twice.

        Returns:
            For each, in their order: False when the turn had passed to another.
        """
        result = await self._durable.bulk_write([_replaced(each) for each in endings], ordered=False)
        if result.matched_count == len(endings):
            return [True] * len(endings)
        # MongoDB tells how many, and not which. A code that is consumed stays so.
        wanted = {"_id": {"$in": [each.digest for each in endings]}, "status": "consumed"}
        found = await self._durable.find(wanted, {"sealed_answer": 1}).to_list(None)
        told = {bytes(each["_id"]): each["sealed_answer"] for each in found}
        return [told.get(each.digest) == each.outcome["sealed_answer"] for each in endings]


def _replaced(ending: Ending) -> ReplaceOne[Document]:
    """The record is what came of the turn, and nothing of before is left: a session_key least of all."""
    return ReplaceOne({"_id": ending.digest, "owner": ending.owner}, dict(ending.outcome))
