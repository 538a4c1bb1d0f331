"""Walk the chain and name the first entry that is wrong, and what is wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from passport.audit.chain import Altered, Chain, Entry, Head
from passport.store.audit import AuditStore

# Few enough that checking them holds the event loop for some milliseconds.
_BATCH = 200

Fault = Literal["altered", "missing", "unlinked", "foreign", "cut", "replaced"]


@dataclass(frozen=True)
class Verdict:
    """What came of it.

    Args:
        checked: how many entries were looked at.
        head: of the sound part.
        anchor: the head from outside that was looked for.
        fault: what is wrong with the first bad entry; None when all is sound.
        seq: the number of that entry.
        text: the fault in words, in English.
    """

    checked: int
    head: Head
    anchor: Head | None = None
    fault: Fault | None = None
    seq: int | None = None
    text: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


class _Broken(Exception):
    def __init__(self, fault: Fault, seq: int | None, text: str) -> None:
        super().__init__(text)
        self.fault, self.seq, self.text = fault, seq, text


class Verifier:
    """Verifies.

    Args:
        store: where the acts are kept.
        chain: knows its entries.
    """

    def __init__(self, *, store: AuditStore, chain: Chain) -> None:
        self._store, self._chain = store, chain

    async def verify(self, *, anchor: Head | None = None, newest: int | None = None) -> Verdict:
        """Look at all entries, or at the newest so many, in order, up to the end.

        Args:
            anchor: a head that was noted outside the database: the chain must hold it.
            newest: how many; None for all.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        walk = _Walk(self._chain, anchor)
        try:
            await self._check_numbers()
            await self._begin(walk, newest)
            async for document in self._documents(walk.head.seq):
                walk.step(document)
            await self._check_anchor(walk)
        except _Broken as broken:
            return Verdict(walk.checked, walk.head, anchor, broken.fault, broken.seq, broken.text)
        return Verdict(walk.checked, walk.head, anchor)

    async def _check_numbers(self) -> None:
        """Whatever is sorted before or after all numbers is no entry."""
        for each in await self._store.outermost():
            if not isinstance(each, int) or isinstance(each, bool) or each < 1:
                kind = type(each).__name__
                raise _Broken("foreign", None, f"a document whose _id is no number of the chain ({kind})")

    async def _begin(self, walk: _Walk, newest: int | None) -> None:
        last = await self._store.last()
        if newest is None or last is None or (start := int(last["_id"]) - newest) < 1:
            return
        before = await self._store.find(start)
        if before is None:
            raise _Broken("missing", start, f"entry {start} is missing")
        walk.head = walk.entry(before).head

    async def _documents(self, seq: int) -> AsyncIterator[dict[str, Any]]:
        while batch := await self._store.after(seq, limit=_BATCH):
            for document in batch:
                yield document
            seq = batch[-1]["_id"]

    async def _check_anchor(self, walk: _Walk) -> None:
        anchor = walk.anchor
        if anchor is None or walk.met_anchor:
            return
        document = await self._store.find(anchor.seq)
        if document is None:
            raise _Broken(
                "cut",
                walk.head.seq + 1,
                f"entry {walk.head.seq + 1} and those after it are missing: the log ends at {walk.head.seq}, "
                f"and its head was once {anchor.seq}",
            )
        walk.compare(walk.entry(document))


class _Walk:
    """One way along the chain; `head` is how far it is sound."""

    def __init__(self, chain: Chain, anchor: Head | None) -> None:
        self._chain, self.anchor = chain, anchor
        self.head, self.checked, self.met_anchor = chain.start, 0, False

    def step(self, document: dict[str, Any]) -> None:
        """Look at the document that should be the next entry. Raises _Broken."""
        expected, number = self.head.seq + 1, document["_id"]
        if isinstance(number, int) and number > expected:
            raise _Broken(
                "missing", expected, f"entry {expected} is missing; the next that is there is {number}"
            )
        entry = self.entry(document)
        if entry.previous != self.head.mac:
            raise _Broken(
                "unlinked",
                expected,
                f"entry {expected} does not follow the entry before it, which was replaced",
            )
        self.compare(entry)
        self.head, self.checked = entry.head, self.checked + 1

    def entry(self, document: dict[str, Any]) -> Entry:
        """The entry, if it is one. Raises _Broken."""
        number = document["_id"]
        try:
            return self._chain.read(document)
        except Altered as fault:
            seq = number if isinstance(number, int) else self.head.seq + 1
            why = f"entry {number} was altered, or was not written with this secret_key: {fault}"
            raise _Broken("altered", seq, why) from fault

    def compare(self, entry: Entry) -> None:
        """If this is the anchored entry, it must be the one that was anchored. Raises _Broken."""
        if self.anchor is None or entry.seq != self.anchor.seq:
            return
        if entry.head != self.anchor:
            raise _Broken(
                "replaced", entry.seq, f"entry {entry.seq} is not the one that was anchored: another chain"
            )
        self.met_anchor = True
