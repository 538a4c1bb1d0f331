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
from pymongo import ReturnDocument, UpdateOne, WriteConcern
from pymongo.errors import BulkWriteError, DuplicateKeyError, WriteError

from passport.records import PendingLogin
from passport.store.bulk import DUPLICATE_KEY, write_errors
from passport.store.faults import CollectionStore, translated
from passport.store.rounds import Rounds

Document = dict[str, Any]
_DURABLE = WriteConcern(w="majority", j=True)
_MEMBERS = (*PendingLogin.__slots__, "process")


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a turn.

    Args:
        digest: of the code.
        owner: of the turn.
        outcome: the members of the record from now on.
    """

    digest: bytes
    owner: str
    outcome: Mapping[str, Any]


class PendingLoginStore(CollectionStore):
    """Atomic steps on a code's record."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        super().__init__(collection, deadline=deadline)
        self._durable = collection.with_options(write_concern=_DURABLE)
        self._new = Rounds(self._insert_new, deadline=deadline)

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
        free: Document = {
            "_id": digest,
            "$or": [
                {"status": "kept"},
                {"status": "failed", "retry_at": {"$lte": now}},
                {"status": "busy", "busy_until": {"$lte": now}},
                {"status": "busy", "process": process},
            ],
        }
        try:
            before = await self._collection.find_one_and_update(
                free,
                {"$set": ours, "$setOnInsert": {"expires_at": expires_at}},
                upsert=True,
                return_document=ReturnDocument.BEFORE,
            )
        except DuplicateKeyError:
            current = await self._collection.find_one({"_id": digest})
            return False, _pending_login(current) if current else None
        return True, _pending_login(before) if before else None

    async def _insert_new(self, records: list[Document]) -> Sequence[bool | WriteError]:
        """Whether each was new."""
        failed: dict[int, Document] = {}
        try:
            await self._collection.insert_many(records, ordered=False)
        except BulkWriteError as error:
            failed = write_errors(error)
        return [_known(failed[index]) if index in failed else True for index in range(len(records))]

    @translated
    async def end(self, ending: Ending, *, within: timedelta | None = None) -> None:
        """End our turn, unless it had already passed to another, and write what came of it.

        `within` shortens the deadline.
        """
        wanted, change = _ending(ending)
        async with asyncio.timeout(within.total_seconds() if within else None):
            await self._collection.update_one(wanted, change)

    @translated
    async def consume_all(self, endings: Sequence[Ending]) -> Sequence[bool]:
        """The same for codes that are spent, which survives a crash and a failover.

        Args:
            endings: each with a `sealed_answer`, which is never the same twice.

        Returns:
            For each, in their order: False when the turn had passed to another.
        """
        statements = [UpdateOne(*_ending(each)) for each in endings]
        result = await self._durable.bulk_write(statements, ordered=False)
        if result.matched_count == len(endings):
            return [True] * len(endings)
        # MongoDB tells how many, and not which. A code that is consumed stays so.
        wanted = {"_id": {"$in": [each.digest for each in endings]}, "status": "consumed"}
        found = await self._durable.find(wanted, {"sealed_answer": 1}).to_list(None)
        told = {bytes(each["_id"]): each["sealed_answer"] for each in found}
        return [told.get(each.digest) == each.outcome["sealed_answer"] for each in endings]


def _ending(ending: Ending) -> tuple[Document, Document]:
    gone = {name: "" for name in _MEMBERS if name not in ending.outcome}
    return {"_id": ending.digest, "owner": ending.owner}, {"$set": ending.outcome, "$unset": gone}


def _known(failure: Document) -> bool | WriteError:
    """False for a code that has a record."""
    if failure["code"] == DUPLICATE_KEY:
        return False
    return WriteError(failure["errmsg"], failure["code"], failure)


def _pending_login(document: Document) -> PendingLogin:
    known: Document = {name: document.get(name) for name in PendingLogin.__slots__}
    return PendingLogin(**known)
