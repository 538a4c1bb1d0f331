"""Acts as rows of a download."""

from __future__ import annotations

from typing import Any

from passport.audit.reading import ShownAct

COLUMNS = (
    "seq",
    "at",
    "kind",
    "actor_name",
    "actor_id",
    "target_kind",
    "target_id",
    "before",
    "after",
    "ip",
    "request_id",
    "genuine",
)


def row(shown: ShownAct) -> dict[str, Any]:
    """What COLUMNS name. `genuine` is false for an entry that somebody altered."""
    act = shown.act
    return {
        "seq": shown.seq,
        "at": act.at,
        "kind": act.kind,
        "actor_name": act.actor_name,
        "actor_id": act.actor_id,
        "target_kind": act.target_kind,
        "target_id": act.target_id,
        "before": act.before,
        "after": act.after,
        "ip": act.ip,
        "request_id": act.request_id,
        "genuine": shown.genuine,
    }
