"""Fill in what users are found by, where a version before this one kept them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from passport.store.faults import CollectionStore, translated
from passport.store.search import search_fields, shown_nickname

Document = dict[str, Any]

_TURN = "search"


class SearchFillingStore(CollectionStore):
    """Writes of the users collection.

    Args:
        users: the collection.
        turns: which process does what of that which one is enough for.
        deadline: in seconds.
    """

    def __init__(
        self,
        users: AsyncIOMotorCollection[Document],
        turns: AsyncIOMotorCollection[Document],
        *,
        deadline: float,
    ) -> None:
        super().__init__(users, deadline=deadline)
        self._turns = turns

    @translated
    async def take_turn(self, by: str, *, now: datetime, until: datetime) -> bool:
        """Whether it is this process's turn until then: it had it already, or nobody has it."""
        free_or_ours = {"_id": _TURN, "$or": [{"until": {"$lte": now}}, {"by": by}]}
        try:
            await self._turns.update_one(free_or_ours, {"$set": {"by": by, "until": until}}, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    @translated
    async def fill(self, most: int) -> int:
        """Fill in the next so many; how many there were. What was done stays done, whatever happens after.

        Whoever is given a name meanwhile has their pieces by that very write, and they are not touched.
        """
        lacking: Document = {"search": {"$exists": False}}
        known = {"profile.nickname": 1, "entered.nickname": 1}
        found = await self._collection.find(lacking, known).limit(most).to_list(most)
        writes = [
            UpdateOne(
                {"_id": each["_id"], **lacking},
                {"$set": search_fields(str(each["_id"]), shown_nickname(each))},
            )
            for each in found
        ]
        if writes:
            await self._collection.bulk_write(writes, ordered=False)
        return len(found)
