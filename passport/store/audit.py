"""The audit_events collection: what operators did. It only grows."""

from __future__ import annotations

from dataclasses import asdict

from passport.models import Act
from passport.store.faults import CollectionStore, translated


class AuditStore(CollectionStore):
    """Appends and reads of acts."""

    @translated
    async def append(self, act: Act) -> None:
        """Keep the act."""
        await self._collection.insert_one(asdict(act))
