"""Set the statistics right by what users and sessions say: a killed process loses what it counted in its last second.

Every hour is counted again when it is over, by one of the processes. After a time without any process, the hours since
are; and each time a few hours before as well, because a process that could not reach MongoDB adds what it counted late,
and because one that had claimed an hour may have died over it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from passport.clock import Now
from passport.periods import hour_of
from passport.store.recount import RecountStore
from passport.store.statistics import Slot, StatisticsStore

_HOUR = timedelta(hours=1)
# By then every process has added what it counted in the hour, unless MongoDB kept it from that.
_SETTLED = timedelta(minutes=1)
_AGAIN = timedelta(hours=3)
_LONGEST = timedelta(hours=48)


class Recount:
    """Counts again what can be.

    Args:
        statistics: what is set right.
        store: what is true.
        appids: the configured mini-programs.
        zone: by which hours begin.
        now: the clock.
    """

    def __init__(
        self,
        *,
        statistics: StatisticsStore,
        store: RecountStore,
        appids: Collection[str],
        zone: ZoneInfo,
        now: Now,
    ) -> None:
        self._statistics, self._store, self._appids = statistics, store, frozenset(appids)
        self._zone, self._now = zone, now
        self._through: datetime | None = None

    async def when_due(self) -> None:
        """Count again what is over, once an hour, if no other process does.

        Raises:
            StoreUnavailable: the next hour's turn counts these hours, too.
        """
        through = hour_of(self._now() - _SETTLED, self._zone)
        if through == self._through:
            return
        ours, before = await self._statistics.claim(through)
        self._through = through
        if not ours or before is None:
            # Before the first time nothing was counted, so nothing was lost.
            return
        since = max(before - _AGAIN, through - _LONGEST)
        hour = since
        while hour < through:
            await self._set_right(hour)
            hour += _HOUR
        await self._statistics.forget_batches(since - _AGAIN, through - _AGAIN)

    async def _set_right(self, hour: datetime) -> None:
        end = hour + _HOUR
        # Closed accounts are gone, so there may have been more registrations than can be found. Sessions stay.
        await self._put(hour, "registrations", await self._store.registrations(hour, end), at_least=True)
        await self._put(hour, "sign_ins", await self._store.sign_ins(hour, end), at_least=False)

    async def _put(
        self,
        hour: datetime,
        name: Literal["registrations", "sign_ins"],
        found: dict[str, int],
        *,
        at_least: bool,
    ) -> None:
        for appid in self._appids | found.keys():
            slot = Slot(hour, appid)
            await self._statistics.set_right(slot, name, found.get(appid, 0), at_least=at_least)
