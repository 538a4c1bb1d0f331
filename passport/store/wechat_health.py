"""The wechat_health collection: how WeChat does, one document a process, forgotten when it is old."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from passport.models import WeChatReport, WeChatTrouble
from passport.store.faults import CollectionStore, translated

_MOST_PROCESSES = 500


class WeChatHealthStore(CollectionStore):
    """Reads and writes of reports."""

    @translated
    async def put(self, process: str, report: WeChatReport) -> None:
        """Keep the report in the place of this process's former one."""
        await self._collection.replace_one({"_id": process}, asdict(report), upsert=True)

    @translated
    async def all(self) -> list[WeChatReport]:
        """What every process last told, the latest first."""
        cursor = self._collection.find({}).sort("at", -1).limit(_MOST_PROCESSES)
        return [_report(document) async for document in cursor]


def _report(document: dict[str, Any]) -> WeChatReport:
    trouble = document["trouble"]
    return WeChatReport(
        at=document["at"],
        latency=document["latency"],
        answered_at=document["answered_at"],
        held_back=tuple(document["held_back"]),
        trouble=WeChatTrouble(**trouble) if trouble else None,
    )
