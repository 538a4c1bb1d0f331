"""The chain of acts, as pure rules: what an entry's MAC is made of, and what is wrong with an entry.

An entry holds a number, an act, the MAC of the entry before it and its own: HMAC-SHA-256 over the previous MAC and the
canonical form of the rest, the number included. The key is derived from secret_key and is not in the database, so
whoever can write there can neither write an entry nor change, move or take one away without breaking the chain. Only a
cut at its end leaves a chain that is whole in itself; against that, heads are anchored (passport.audit.anchor).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from passport.audit.canonical import canonical
from passport.clock import rfc3339
from passport.models import Act
from passport.sealing import Sealer

Document = dict[str, Any]

_ACT = tuple(field.name for field in fields(Act))
_MEMBERS = frozenset(("_id", *_ACT, "previous", "mac"))
_HEAD = re.compile(r"([1-9][0-9]{0,15}):([0-9a-f]{64})", re.ASCII)


class Altered(Exception):
    """A document that is not an entry as it was written; the text says how it shows."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number and the MAC of its last entry. It stands for the whole chain up to there."""

    seq: int
    mac: bytes

    def __str__(self) -> str:
        """`SEQ:MAC`, as `parse` takes it."""
        return f"{self.seq}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Raises ValueError for anything but `SEQ:MAC`."""
        match = _HEAD.fullmatch(text.strip())
        if match is None:
            raise ValueError("a head is SEQ:MAC, a number and 64 hex digits")
        return cls(int(match[1]), bytes.fromhex(match[2]))


@dataclass(frozen=True, slots=True)
class Entry:
    """An act in its place in the chain."""

    seq: int
    act: Act
    previous: bytes
    mac: bytes

    @property
    def head(self) -> Head:
        """The head of the chain that ends here."""
        return Head(self.seq, self.mac)


class Chain:
    """Makes entries and knows them again.

    Args:
        sealer: its key is what nobody with access to the database has.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self.start = Head(0, sealer.digest("start"))

    def documents(self, acts: Sequence[Act], after: Head) -> list[Document]:
        """The entries of these acts in this order, to be kept after that head.

        Raises:
            ValueError: an act holds what has no canonical form; `passport.audit.fields` makes none.
        """
        made: list[Document] = []
        for act in acts:
            document = {"_id": after.seq + 1, **_plain(act), "previous": after.mac}
            document["mac"] = self._mac(document)
            after = Head(document["_id"], document["mac"])
            made.append(document)
        return made

    def read(self, document: Mapping[str, Any]) -> Entry:
        """The entry. Raises Altered unless it is, to the last bit, one that was made here with this key."""
        _check_shape(document)
        mac, previous = bytes(document["mac"]), bytes(document["previous"])
        try:
            genuine = hmac.compare_digest(self._mac({**document, "previous": previous}), mac)
        except ValueError as error:
            raise Altered(f"it holds what is never written: {error}") from error
        if not genuine:
            raise Altered("its content does not match its MAC")
        return Entry(
            document["_id"], Act(**{name: document[name] for name in _ACT}), previous=previous, mac=mac
        )

    def _mac(self, document: Mapping[str, Any]) -> bytes:
        said = {name: document[name] for name in _ACT}
        said["at"] = rfc3339(said["at"])
        return self._sealer.digest("entry", document["previous"], canonical({"seq": document["_id"], **said}))


def _plain(act: Act) -> Document:
    document = {name: getattr(act, name) for name in _ACT}
    document["before"], document["after"] = dict(act.before), dict(act.after)
    return document


def _check_shape(document: Mapping[str, Any]) -> None:
    number = document.get("_id")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise Altered("its number is none of the chain's")
    # A member that the MAC does not cover could say anything.
    if document.keys() != _MEMBERS:
        raise Altered("it has not the members of an entry")
    if not all(isinstance(document[name], bytes) for name in ("previous", "mac")):
        raise Altered("it has no MAC")
    if not isinstance(document["at"], datetime):
        raise Altered("it has no time")
    if not all(isinstance(document[name], dict) for name in ("before", "after")):
        raise Altered("it has no before and after")
