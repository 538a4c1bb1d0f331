"""Count again what the users and sessions collections know, by index."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

from passport.store.faults import Deadlined, translated

Document = dict[str, Any]


class RecountStore(Deadlined):
    """Counts of what was created between two instants, by mini-program.

    Args:
        users, sessions: the collections.
        deadline: in seconds.
    """

    def __init__(
        self,
        users: AsyncIOMotorCollection[Document],
        sessions: AsyncIOMotorCollection[Document],
        *,
        deadline: float,
    ) -> None:
        self._users, self._sessions, self.deadline = users, sessions, deadline

    @translated
    async def registrations(self, start: datetime, end: datetime) -> dict[str, int]:
        """Accounts made then that are still there, by the mini-program that they registered with."""
        first = {"$arrayElemAt": ["$identities.appid", 0]}
        return await _count(self._users, start, end, first)

    @translated
    async def sign_ins(self, start: datetime, end: datetime) -> dict[str, int]:
        """Sessions started then, ended ones included."""
        return await _count(self._sessions, start, end, "$appid")


async def _count(
    collection: AsyncIOMotorCollection[Document], start: datetime, end: datetime, by: Any
) -> dict[str, int]:
    pipeline = [
        {"$match": {"created_at": {"$gte": start, "$lt": end}}},
        {"$group": {"_id": by, "count": {"$sum": 1}}},
    ]
    return {each["_id"]: each["count"] async for each in collection.aggregate(pipeline)}
