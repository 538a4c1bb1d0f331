"""The closed_accounts collection: that there was an account, and nothing about the person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase

from passport.models import ClosedAccount
from passport.store.faults import CollectionStore, translated
from passport.store.transactions import transaction


class ClosedAccountStore(CollectionStore):
    """Puts tombstones in the place of people.

    Args:
        database: with the guarantees that people's data need.
        deadline: in seconds.
    """

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], *, deadline: float) -> None:
        super().__init__(database["closed_accounts"], deadline=deadline)
        self._database = database

    @translated
    async def close(self, user_id: str, *, registered_at: datetime, closed_at: datetime, by: str) -> bool:
        """Erase the person and keep the tombstone, in one transaction; False when there is no such user any more.

        So no crash leaves half of it, and an upload that meets it comes first, or finds nobody.
        """
        account = ObjectId(user_id)
        tombstone = {"_id": account, "registered_at": registered_at, "closed_at": closed_at, "closed_by": by}

        async def steps(session: AsyncIOMotorClientSession) -> bool:
            found = await self._database["users"].delete_one({"_id": account}, session=session)
            if found.deleted_count == 0:
                return False
            await self._database["avatars"].delete_many({"user_id": account}, session=session)
            await self._database["identity_conflicts"].delete_many({"accounts": account}, session=session)
            # What jobs changed stays known, as in the audit log, and what they found before goes: a ban and its reason.
            await self._database["job_changes"].update_many(
                {"user_id": account}, {"$set": {"before": {}}}, session=session
            )
            await self._collection.insert_one(tombstone, session=session)
            return True

        return await transaction(self._collection, steps, deadline=self.deadline)

    @translated
    async def find(self, user_id: str) -> ClosedAccount | None:
        """The tombstone; None when there is none, or user_id is not of our form."""
        try:
            document = await self._find_one({"_id": ObjectId(user_id)})
        except InvalidId:
            return None
        if document is None:
            return None
        return ClosedAccount(user_id, document["registered_at"], document["closed_at"], document["closed_by"])
