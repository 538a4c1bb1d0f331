"""Acts as they are looked at. One that somebody altered is shown as far as it can be read, and marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from passport.audit.chain import Altered, Chain
from passport.models import Act, ActKey


@dataclass(frozen=True, slots=True)
class ShownAct:
    """An act, its number, and whether it is to the last bit what was written."""

    act: Act
    seq: int
    genuine: bool

    @property
    def key(self) -> ActKey:
        """Its place in the order by time."""
        return ActKey(self.act.at, self.seq)


def shown(document: Mapping[str, Any], chain: Chain) -> ShownAct:
    """The act, whatever became of the document."""
    try:
        entry = chain.read(document)
    except Altered:
        return ShownAct(_readable(document), _number(document.get("_id")), genuine=False)
    return ShownAct(entry.act, entry.seq, genuine=True)


def _readable(document: Mapping[str, Any]) -> Act:
    at = document.get("at")
    return Act(
        kind=str(document.get("kind", "")),
        actor_id=str(document.get("actor_id", "")),
        actor_name=str(document.get("actor_name", "")),
        target_kind=str(document.get("target_kind", "")),
        target_id=str(document.get("target_id", "")),
        before=_mapping(document.get("before")),
        after=_mapping(document.get("after")),
        ip=str(document.get("ip", "")),
        request_id=str(document.get("request_id", "")),
        at=at if isinstance(at, datetime) else datetime.fromtimestamp(0, UTC),
    )


def _mapping(value: object) -> dict[str, object]:
    return {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else {}


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0
