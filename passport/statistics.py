"""Count what happens, by hour and mini-program, at no cost to whoever is waiting. Knows no HTTP.

Counts are kept in memory and added to MongoDB every second, so a process that is killed takes its last second with it.
What can be counted again is set right afterwards (`passport.recount`): registrations and sign-ins. Refusals, refreshes
and active people of that one second stay lost. A batch whose answer was lost is sent again as the same batch, which
MongoDB takes once; so an outage neither loses nor doubles anything.

Who is active in a day, an ISO week or a calendar month, by `dashboard.time_zone`, is counted when they enter it: the
write that notes a person's activity tells what was noted before, and so, of any number at once, one of them enters.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from passport.clock import Now
from passport.errors import Unregistered
from passport.periods import entered, hour_of
from passport.store.statistics import NO_APP, Slot, StatisticsStore

Kind = Literal[
    "registrations",
    "sign_ins",
    "refreshes",
    "repeats",
    "refusals",
    "unregistered",
    "wechat_calls",
    "wechat_failures",
    "quota_hits",
]
# Kinds and codes times apps times hours: reached only when MongoDB is away for months.
_MOST_COUNTERS = 100_000
_HOUR = timedelta(hours=1)

_Counts = dict[tuple[Slot, str], int]


@dataclass(frozen=True)
class _Batch:
    """Counts on their way, under the name by which they are taken once."""

    name: bytes
    counts: Mapping[Slot, Mapping[str, int]]


class Statistics:
    """The counters of this process.

    Args:
        store: what all processes share.
        appids: the configured mini-programs; anything else counts as none.
        zone: by which days begin.
        now: the clock.
    """

    def __init__(self, *, store: StatisticsStore, appids: Collection[str], zone: ZoneInfo, now: Now) -> None:
        self._store, self._appids, self._zone, self._now = store, frozenset(appids), zone, now
        self._counts: _Counts = {}
        self._sending: _Batch | None = None
        self._slots: dict[str, Slot] = {}
        self._hour = datetime.fromtimestamp(0, UTC)

    def count(self, kind: Kind, appid: str = NO_APP) -> None:
        """Count one more. Synchronous and in memory; costs a few microseconds."""
        self._add(self._slot(appid), kind)

    def refused(self, code: str, appid: str = NO_APP) -> None:
        """Count a refused sign-in, registration or refresh by its stable code.

        `unregistered` is how every first visit begins and no refusal.
        """
        if code == Unregistered.code:
            self.count("unregistered", appid)
            return
        slot = self._slot(appid)
        self._add(slot, "refusals")
        self._add(slot, f"refused.{code}")

    def active(self, appid: str, before: Mapping[str, datetime], at: datetime) -> None:
        """Count a person for the periods that they enter with this.

        Args:
            appid: where they are active.
            before: when they were, by mini-program, as it was in the very moment when this activity was noted.
            at: when they are.
        """
        for span in entered(before.get(appid), at, self._zone):
            self._add(self._slot(appid), f"active_{span}")
        for span in entered(max(before.values(), default=None), at, self._zone):
            self._add(self._slot(NO_APP), f"active_{span}")

    def is_news(self, appid: str, before: Mapping[str, datetime], at: datetime) -> bool:
        """Whether somebody active then may enter any period now, so that their activity has to be noted."""
        return bool(entered(before.get(appid), at, self._zone))

    async def flush(self) -> None:
        """Add what was counted since; an earlier batch that got no answer goes first.

        Raises:
            StoreUnavailable: nothing is lost; the next flush sends it again.
        """
        while self._sending is not None or self._counts:
            if self._sending is None:
                self._sending = _Batch(secrets.token_bytes(8), _by_slot(self._counts))
                self._counts = {}
            await self._store.add(self._sending.name, self._sending.counts)
            self._sending = None

    def _slot(self, appid: str) -> Slot:
        now = self._now()
        if not self._hour <= now < self._hour + _HOUR:
            self._slots.clear()
            self._hour = hour_of(now, self._zone)
        slot = self._slots.get(appid)
        if slot is None:
            known = appid if appid in self._appids else NO_APP
            slot = Slot(self._hour, known)
            if known == appid:
                self._slots[appid] = slot
        return slot

    def _add(self, slot: Slot, name: str) -> None:
        key = (slot, name)
        if key in self._counts or len(self._counts) < _MOST_COUNTERS:
            self._counts[key] = self._counts.get(key, 0) + 1


def _by_slot(counts: _Counts) -> dict[Slot, dict[str, int]]:
    grouped: dict[Slot, dict[str, int]] = {}
    for (slot, name), count in counts.items():
        grouped.setdefault(slot, {})[name] = count
    return grouped
