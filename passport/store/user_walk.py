"""Walk over the users in the order of their ids, by steps whose cost is bounded whatever the filter is (R-027).

A filter that few users match would make one query read a million of them. So each step reads a slice of the ids, and
no more than that.
"""

from __future__ import annotations

from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection

Document = dict[str, Any]

SLICE = 5_000
BY_ID = "_id_"


async def newest_id(users: AsyncIOMotorCollection[Document]) -> ObjectId | None:
    """The greatest id there is; None when there is no user."""
    found = await users.find({}, {"_id": 1}).sort("_id", -1).limit(1).to_list(1)
    return found[0]["_id"] if found else None


async def end_of_slice(
    users: AsyncIOMotorCollection[Document], *, after: ObjectId | None, last: ObjectId
) -> tuple[ObjectId, bool]:
    """Where the next slice ends, and whether it is the last one. Reads keys of the index alone."""
    cursor = users.find(ids_between(after, last), {"_id": 1}).sort("_id", 1).hint(BY_ID)
    found = await cursor.skip(SLICE - 1).limit(1).to_list(1)
    return (found[0]["_id"], False) if found else (last, True)


def ids_between(after: ObjectId | None, upto: ObjectId) -> Document:
    """The users after the one and up to the other."""
    return {"_id": {"$lte": upto} if after is None else {"$gt": after, "$lte": upto}}
