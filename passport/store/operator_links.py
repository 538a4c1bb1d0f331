"""The operator_links collection: one-time links, each by the digest of its secret; see `passport.operators.links`.

They are used up by `passport.store.operator_members`, in the write that they allow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from passport.models import OperatorLink
from passport.store.faults import CollectionStore, translated


class OperatorLinkStore(CollectionStore):
    """Reads and atomic writes of links."""

    @translated
    async def insert(self, digest: bytes, link: OperatorLink) -> None:
        """Keep the link."""
        await self._collection.insert_one(
            {
                "_id": digest,
                "purpose": link.purpose,
                "operator_id": link.operator_id,
                "expires_at": link.expires_at,
            }
        )

    @translated
    async def find(self, digest: bytes, *, now: datetime) -> OperatorLink | None:
        """None when there is no such link, or its time is over."""
        document = await self._find_one({"_id": digest})
        return _link(document) if document and document["expires_at"] > now else None

    @translated
    async def withdraw(self, operator_id: str) -> None:
        """Make every link of this operator worthless."""
        await self._collection.delete_many({"operator_id": operator_id})


def _link(document: dict[str, Any]) -> OperatorLink:
    return OperatorLink(
        purpose=document["purpose"],
        operator_id=document["operator_id"],
        expires_at=document["expires_at"],
    )
