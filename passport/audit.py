"""The audit log: what operators did, written before it is done. Knows no HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from passport.models import Act
from passport.store.audit import AuditStore


class Audit:
    """Every act of every operator.

    Args:
        store: where acts are kept.
    """

    def __init__(self, *, store: AuditStore) -> None:
        self._store = store

    async def record(self, act: Act) -> None:
        """Keep the act, durably. Raises StoreUnavailable, and then it must not be done."""
        await self._store.append(act)

    @asynccontextmanager
    async def acting(self, act: Act) -> AsyncIterator[None]:
        """Record the act, then let it be done; when it fails, record that as well.

        In this order no act goes unrecorded, whatever dies in between. What is recorded and was never done is the
        lesser evil, and shows as such unless the server died at that moment.
        """
        await self.record(act)
        try:
            yield
        except Exception:
            await self.record(replace(act, kind=f"{act.kind}.failed"))
            raise
