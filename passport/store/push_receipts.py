"""The push_receipts collection: which of WeChat's pushes were handled, and how. Nothing in it names a person."""

from __future__ import annotations

from typing import Any

from pymongo.errors import DuplicateKeyError

from passport.records import PushReceipt
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class PushReceiptStore(CollectionStore):
    """Receipts by the digest of their push."""

    @translated
    async def exists(self, digest: bytes) -> bool:
        """Whether the push was handled."""
        return await self._collection.find_one({"_id": digest}, {"_id": 1}) is not None

    @translated
    async def keep(self, receipt: PushReceipt, *, decisive: bool) -> None:
        """Keep the receipt; there is one for each push.

        Two processes may handle one push at once, and one of them finds nothing left to do: a `decisive` receipt
        replaces the other's.
        """
        document: Document = {
            "_id": receipt.digest,
            "appid": receipt.appid,
            "event": receipt.event,
            "kinds": list(receipt.kinds),
            "account_id": receipt.account_id,
            "at": receipt.at,
            "outcome": receipt.outcome,
        }
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            if decisive:
                await self._collection.replace_one({"_id": receipt.digest}, document)
