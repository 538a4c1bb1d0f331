"""The push_signatures collection: which push each plain signature came with, while it is fresh."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from passport.store.faults import CollectionStore, translated


class PushSignatureStore(CollectionStore):
    """Signatures by their digest."""

    @translated
    async def claim(self, signature: bytes, *, push: bytes, expires_at: datetime) -> bool:
        """Let the signature be this push's; False when it came with another one before."""
        claimed = {"push": push, "expires_at": expires_at}
        document: dict[str, Any] | None
        try:
            document = await self._collection.find_one_and_update(
                {"_id": signature},
                {"$setOnInsert": claimed},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            document = await self._collection.find_one({"_id": signature})
        return document is not None and bytes(document["push"]) == push
