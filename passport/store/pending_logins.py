"""The pending_logins collection: what is remembered of each code, and whose turn it is with it.

The states and their rules are `passport.codes`; this file only makes each step one atomic statement.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from passport.records import PendingLogin
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]
_DURABLE = WriteConcern(w="majority", j=True)


class PendingLoginStore(CollectionStore):
    """Atomic steps on a code's record."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        super().__init__(collection, deadline=deadline)
        self._durable = collection.with_options(write_concern=_DURABLE)

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
        free: Document = {
            "_id": digest,
            "$or": [
                {"status": "kept"},
                {"status": "failed", "retry_at": {"$lte": now}},
                {"status": "busy", "busy_until": {"$lte": now}},
                {"status": "busy", "process": process},
            ],
        }
        ours = {"status": "busy", "owner": owner, "process": process, "busy_until": busy_until}
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

    @translated
    async def settle(
        self,
        digest: bytes,
        *,
        owner: str,
        changes: Document,
        durable: bool = False,
        within: timedelta | None = None,
    ) -> bool:
        """Write the outcome and end our turn; False when the turn had already passed to another.

        `durable` makes it survive a crash or a failover; `within` shortens the deadline.
        """
        gone = {name: "" for name in (*PendingLogin.__slots__, "process") if name not in changes}
        collection = self._durable if durable else self._collection
        async with asyncio.timeout(within.total_seconds() if within else None):
            result = await collection.update_one(
                {"_id": digest, "owner": owner}, {"$set": changes, "$unset": gone}
            )
        return result.matched_count == 1


def _pending_login(document: Document) -> PendingLogin:
    known: Document = {name: document.get(name) for name in PendingLogin.__slots__}
    return PendingLogin(**known)
