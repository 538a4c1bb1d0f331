"""The identity_conflicts collection: accounts that turn out to be one person, for the operator to look at."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne

from passport.models import Conflict
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class ConflictStore(CollectionStore):
    """Conflicts. A document holds ids and times, and no openid; a unionid only where no account has it.

    It is erased with each account that it names, and settled once for a pair: what is noted again stays settled.
    """

    @translated
    async def note(self, user_id: str, other_id: str | None, *, unionid: str, at: datetime) -> None:
        """Record that a sign-in of `user_id` came with this unionid, of `other_id` or of nobody; once for each."""
        accounts = [ObjectId(each) for each in (user_id, other_id) if each is not None]
        first: Document = {"accounts": accounts, "first_seen_at": at}
        if other_id is None:
            first["unionid"] = unionid
        await self._collection.update_one(
            {"_id": f"{user_id}:{other_id or _short(unionid)}"},
            {"$setOnInsert": first, "$set": {"last_seen_at": at}, "$inc": {"sign_ins": 1}},
            upsert=True,
        )

    @translated
    async def find(self, conflict_id: str) -> Conflict | None:
        """None when there is none."""
        document = await self._find_one({"_id": conflict_id})
        return _conflict(document) if document else None

    @translated
    async def list_of(self, user_id: str, *, limit: int) -> list[Conflict]:
        """What names the account, settled or not."""
        cursor = self._collection.find({"accounts": ObjectId(user_id)}).limit(limit)
        return [_conflict(document) async for document in cursor]

    @translated
    async def settle(self, user_id: str, other_id: str, *, by: str | None, at: datetime) -> None:
        """Mark the pair as looked at, whichever of them signs in with the other's unionid later; None undoes it."""
        pairs = ((user_id, other_id), (other_id, user_id))
        await self._collection.bulk_write([_settling(pair, by, at) for pair in pairs])

    @translated
    async def settle_alone(self, conflict_id: str, user_id: str, *, by: str | None, at: datetime) -> bool:
        """Mark as looked at that the account came with a unionid of nobody; False when there is no such conflict."""
        wanted = {"_id": conflict_id, "accounts": ObjectId(user_id)}
        return (await self._collection.update_one(wanted, _mark(by, at))).matched_count == 1

    @translated
    async def forget(self, conflict_id: str) -> None:
        """Remove what is none any more."""
        await self._collection.delete_one({"_id": conflict_id})

    @translated
    async def waiting(self, *, most: int) -> tuple[int, str | None]:
        """How many nobody has looked at, up to `most`, and an account of one of them."""
        open_ones: Document = {"settled_at": None}
        count = await self._collection.count_documents(open_ones, limit=most)
        one = await self._collection.find_one(open_ones) if count else None
        return count, str(one["accounts"][0]) if one else None


def _short(unionid: str) -> str:
    # Tells two unionids apart, so that another change is another notice.
    return "~" + hashlib.sha256(unionid.encode()).hexdigest()[:16]


def _mark(by: str | None, at: datetime) -> Document:
    if by is None:
        return {"$unset": {"settled_at": "", "settled_by": ""}}
    return {"$set": {"settled_at": at, "settled_by": by}}


def _settling(pair: tuple[str, str], by: str | None, at: datetime) -> UpdateOne:
    # Made where there is none yet, or the other of the two would be noted at its next sign-in.
    new = {
        "accounts": [ObjectId(each) for each in pair],
        "first_seen_at": at,
        "last_seen_at": at,
        "sign_ins": 0,
    }
    change = {**_mark(by, at), "$setOnInsert": new}
    return UpdateOne({"_id": ":".join(pair)}, change, upsert=by is not None)


def _conflict(document: Document) -> Conflict:
    return Conflict(
        conflict_id=document["_id"],
        account_ids=tuple(str(each) for each in document["accounts"]),
        first_seen_at=document["first_seen_at"],
        last_seen_at=document["last_seen_at"],
        sign_ins=document.get("sign_ins", 0),
        unionid=document.get("unionid"),
        settled_at=document.get("settled_at"),
        settled_by=document.get("settled_by"),
    )
