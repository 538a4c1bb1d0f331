"""Append acts to the chain: several processes at once, each with many acts at once, without a gap or a fork.

The number is a unique key, so a process just tries: it reads the head, numbers its acts on from there and inserts them.
If another process was first, it reads the head again. A head is read only as a majority has it, and an entry follows
only what is kept for good, so no election can take away what was built upon. Acts that wait together go together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import uniform

from passport.audit.chain import Altered, Chain, Head
from passport.errors import StoreUnavailable
from passport.models import Act
from passport.store.audit import AuditStore

log = logging.getLogger("wxpassport.audit")

# Acts that are written at once, and how often a batch is tried again after others were first.
MOST = 100
_ATTEMPTS = 40
_PAUSE = 0.02

_Waiting = tuple[Act, asyncio.Future[Head]]


class Writer:
    """The one place of this process where acts are appended.

    Args:
        store: where they are kept.
        chain: makes the entries.
        grown: is told each new head that is kept.
    """

    def __init__(self, *, store: AuditStore, chain: Chain, grown: Callable[[Head], None]) -> None:
        self._store, self._chain, self._grown = store, chain, grown
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._head: Head | None = None

    async def append(self, act: Act) -> Head:
        """Keep the act, durably; the head that it became.

        Raises:
            StoreUnavailable: whether it is kept is unknown.
        """
        waiter: asyncio.Future[Head] = asyncio.get_running_loop().create_future()
        self._waiting.append((act, waiter))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="audit")
        return await waiter

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                await self._append(batch)
            except BaseException as error:
                # Some of them may have been kept, so the head is unknown too.
                self._head = None
                _fail(batch, error)
                if not isinstance(error, Exception):
                    _fail(self._waiting, error)
                    raise

    async def _append(self, batch: Sequence[_Waiting]) -> None:
        for _ in range(_ATTEMPTS):
            head = self._head or await self._read_head()
            documents = self._chain.documents([act for act, _ in batch], after=head)
            kept = await self._store.append(documents)
            for (_, waiter), document in zip(batch[:kept], documents, strict=False):
                self._head = Head(document["_id"], document["mac"])
                if not waiter.done():
                    waiter.set_result(self._head)
            if kept and self._head:
                self._grown(self._head)
            batch = batch[kept:]
            if not batch:
                return
            # Another process was first. A majority read shows its entries in a moment.
            self._head = None
            await asyncio.sleep(uniform(0, _PAUSE))  # noqa: S311  who goes first is no secret
        raise StoreUnavailable

    async def _read_head(self) -> Head:
        document = await self._store.last()
        if document is None:
            return self._chain.start
        try:
            return self._chain.read(document).head
        except Altered as fault:
            # Going on is right: to refuse would let whoever altered it stop every operator. The verifier names it.
            log.error("the last act in the log is not genuine", extra={"problem": str(fault)})
            mac = document.get("mac")
            return Head(int(document["_id"]), mac if isinstance(mac, bytes) else self._chain.start.mac)


def _fail(batch: Sequence[_Waiting], error: BaseException) -> None:
    told = error if isinstance(error, Exception) else StoreUnavailable()
    for _, waiter in batch:
        if not waiter.done():
            waiter.set_exception(told)
