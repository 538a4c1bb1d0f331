"""The signing_keys collection: our JWT keys, the private halves sealed."""

from __future__ import annotations

from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from passport.models import StoredKey
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class SigningKeyStore(CollectionStore):
    """Reads and writes of signing keys."""

    @translated
    async def list(self) -> list[StoredKey]:
        """All keys, oldest first."""
        cursor = self._collection.find({}).sort("generation", ASCENDING)
        return [
            StoredKey(
                kid=document["_id"],
                generation=document["generation"],
                sealed_private_key=bytes(document["sealed_private_key"]),
                created_at=document["created_at"],
            )
            async for document in cursor
        ]

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
                }
            )
        except DuplicateKeyError:
            return False
        return True
