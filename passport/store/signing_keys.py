"""The signing_keys collection: our JWT keys, the private halves sealed, and the times of their life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from passport.records import StoredKey
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class SigningKeyStore(CollectionStore):
    """Reads and writes of signing keys. None is ever removed: its generation and its times end others."""

    @translated
    async def list(self) -> list[StoredKey]:
        """All keys, oldest first."""
        cursor = self._collection.find({}).sort("generation", ASCENDING)
        return [_key(document) async for document in cursor]

    @translated
    async def insert(self, key: StoredKey) -> bool:
        """Keep the key; False when another process was first with this generation, whose key is then the one."""
        try:
            await self._collection.insert_one(
                {
                    "_id": key.kid,
                    "generation": key.generation,
                    "sealed_private_key": key.sealed_private_key,
                    "created_at": key.created_at,
                    "signs_from": key.signs_from,
                    "token_seconds": key.token_ttl.total_seconds(),
                }
            )
        except DuplicateKeyError:
            return False
        return True

    @translated
    async def withdraw(self, kid: str, at: datetime) -> None:
        """Let the key sign nothing from then on; the first time noted counts."""
        await self._collection.update_one({"_id": kid, "retired_at": None}, {"$set": {"retired_at": at}})

    @translated
    async def revoke(self, kid: str, at: datetime) -> None:
        """End the key and every token that it signed; the first time noted counts."""
        await self._collection.update_one({"_id": kid, "revoked_at": None}, {"$set": {"revoked_at": at}})

    @translated
    async def advance(self, kid: str, *, signs_from: datetime) -> None:
        """Let the key sign from then on instead of later; does nothing to a key that was ended meanwhile."""
        await self._collection.update_one(
            {"_id": kid, "retired_at": None, "revoked_at": None}, {"$min": {"signs_from": signs_from}}
        )

    @translated
    async def lengthen(self, kids: Sequence[str], *, token_ttl: timedelta) -> None:
        """Note that tokens signed with these keys live at least so long."""
        await self._collection.update_many(
            {"_id": {"$in": kids}}, {"$max": {"token_seconds": token_ttl.total_seconds()}}
        )


def _key(document: Document) -> StoredKey:
    return StoredKey(
        kid=document["_id"],
        generation=document["generation"],
        sealed_private_key=bytes(document["sealed_private_key"]),
        created_at=document["created_at"],
        # A key from before keys were rotated has no more than the time it was made.
        signs_from=document["signs_from"] if "signs_from" in document else document["created_at"],
        token_ttl=timedelta(seconds=document.get("token_seconds", 0)),
        retired_at=document.get("retired_at"),
        revoked_at=document.get("revoked_at"),
    )
