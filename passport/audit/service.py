"""What the rest of the program asks of the audit log: write an act before it is done, read acts, check the chain."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from passport.audit.anchor import Anchor, read_anchor
from passport.audit.chain import Altered, Chain, Head
from passport.audit.fields import Fields
from passport.audit.reading import ShownAct, shown
from passport.audit.verifier import Verdict, Verifier
from passport.audit.writer import Writer
from passport.clock import Now
from passport.errors import PassportError
from passport.models import Act, ActFilter, ActKey
from passport.sealing import Sealer
from passport.store.audit import AuditStore

log = logging.getLogger("wxpassport.audit")

_BATCH = 250
COUNTED = 10_000


class Audit:
    """Every act of every operator.

    Args:
        store: where acts are kept.
        secret_key: the chain's key, and that of the digests, are derived from it.
        anchor: the file outside the database that holds the head.
        now: the clock.
    """

    def __init__(self, *, store: AuditStore, secret_key: bytes, anchor: Path, now: Now) -> None:
        self._store, self._now = store, now
        self._chain = Chain(Sealer(secret_key, "audit"))
        self._fields = Fields(Sealer(secret_key, "audit-fields"))
        self._anchor = Anchor(anchor, store=store)
        self._writer = Writer(store=store, chain=self._chain, grown=self._anchor.note)
        self._verifier = Verifier(store=store, chain=self._chain)

    async def record(self, act: Act) -> None:
        """Keep the act, durably, without what is personal in it (see `passport.audit.fields`).

        Raises:
            StoreUnavailable: nobody knows whether it is kept, so it must not be done.
        """
        await self._writer.append(self._fields.fit(act))

    @asynccontextmanager
    async def acting(self, act: Act) -> AsyncIterator[None]:
        """Record the act, then let it be done; when it fails, record that as well.

        In this order no act goes unrecorded, whatever dies in between. What is recorded and was never done is the
        lesser evil, and shows as such unless the server died at that moment.

        Raises:
            StoreUnavailable: the act could not be recorded, and was not begun.
        """
        await self.record(act)
        try:
            yield
        except Exception:
            await self._record_failure(act)
            raise

    async def _record_failure(self, act: Act) -> None:
        """What went wrong with the act is what its caller must hear of, not what went wrong with recording that."""
        try:
            await self.record(replace(act, kind=f"{act.kind}.failed"))
        except PassportError as error:
            log.warning("a failure went unrecorded", extra={"act": act.kind, "problem": error.code})

    async def page(
        self, wanted: ActFilter, *, limit: int, before: ActKey | None = None, after: ActKey | None = None
    ) -> list[ShownAct]:
        """Acts that match, newest first.

        Args:
            wanted: which.
            limit: how many at the most.
            before, after: those older, or those newer, than this one.
        """
        found = await self._store.newest(wanted, limit=limit, before=before, after=after)
        return [shown(document, self._chain) for document in found]

    async def batches(self, wanted: ActFilter) -> AsyncGenerator[Sequence[ShownAct], None]:
        """All that match, newest first, a few hundred at a time, each batch asked for when it is wanted."""
        key: ActKey | None = None
        while batch := await self.page(wanted, limit=_BATCH, before=key):
            yield batch
            key = batch[-1].key

    async def count(self, wanted: ActFilter) -> int:
        """How many match, counted up to COUNTED."""
        return await self._store.count(wanted, most=COUNTED)

    async def kinds(self) -> list[str]:
        """Every kind of act that there is."""
        return await self._store.kinds()

    async def actors(self) -> dict[str, str]:
        """Everybody who ever acted: id to name."""
        return await self._store.actors()

    async def head(self) -> Head | None:
        """The last entry's; None while there is none, or none that is genuine."""
        document = await self._store.last()
        try:
            return None if document is None else self._chain.read(document).head
        except Altered:
            return None

    async def verify(self, *, anchor: Head | None = None, newest: int | None = None) -> Verdict:
        """Check the chain; see `Verifier.verify`."""
        return await self._verifier.verify(anchor=anchor, newest=newest)

    def anchored(self) -> Head | None:
        """The head that was anchored on this host; None when there is none. Raises BadAnchor. Reads a file."""
        return read_anchor(self._anchor.path)

    async def aclose(self) -> None:
        """Anchor the head that was reached."""
        await self._anchor.close()
