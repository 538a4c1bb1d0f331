"""What an operator looks at first: who came, what went wrong, and how the parts do. Knows no HTTP and no words.

Every number comes from the statistics, a few thousand small documents, or from an indexed look-up; nothing is counted
among users or sessions.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from passport.clock import Now
from passport.keys import KeyRing, RingState
from passport.periods import SPANS, Span, beginning_of, days_before, hour_of, midnight, month_before
from passport.store import Store
from passport.store.client import Deployment
from passport.store.statistics import HourCounts
from passport.wechat_state import WeChatState, WeChatStates

Period = Literal["24h", "7d", "30d", "90d"]
PERIODS: tuple[Period, ...] = get_args(Period)
Counts = Literal["registrations", "sign_ins", "refusals"]

_DAYS: Mapping[Period, int] = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
_HOUR = timedelta(hours=1)
_PARTS_OF_A_DAY = (0, 6, 12, 18)
MOST_CONFLICTS = 100
MOST_JOBS = 20


@dataclass(frozen=True)
class Figure:
    """A number, and the same by the same time of the earlier period."""

    now: int
    before: int


@dataclass(frozen=True)
class Bin:
    """What happened from `start` to before `end`. `active` is told for whole days alone."""

    start: datetime
    end: datetime
    registrations: int
    sign_ins: int
    refusals: int
    active: int


@dataclass(frozen=True)
class Snapshot:
    """All of the page.

    Args:
        at: when it was taken.
        compared_to: the same time a week before.
        today: registrations, sign-ins and refusals since midnight.
        active: people who were active in the day, the ISO week and the month so far.
        bins: the chosen period in pieces, oldest first.
        days: the same in days, for who was active.
        refused: refusals of the chosen period by error, the most frequent first.
        calls, failures, quota_hits: of calls to WeChat in the last 24 hours.
        has_users: whether anybody ever registered.
        jobs: the ids of those that are not over, at most MOST_JOBS.
        conflicts: pairs of accounts that look like one person, at most MOST_CONFLICTS; `conflict` is one of them.
    """

    at: datetime
    compared_to: datetime
    today: Mapping[Counts, Figure]
    active: Mapping[Span, Figure]
    bins: Sequence[Bin]
    days: Sequence[Bin]
    refused: Mapping[str, int]
    calls: int
    failures: int
    quota_hits: int
    has_users: bool
    jobs: Sequence[str]
    conflicts: int
    conflict: str | None
    mongodb: Deployment
    wechat: WeChatState
    key: RingState


class Overview:
    """Takes snapshots.

    Args:
        store: what is read.
        wechat: what all processes know of WeChat.
        keys: the key ring of this process.
        zone: by which days begin.
        now: the clock.
    """

    def __init__(
        self, *, store: Store, wechat: WeChatStates, keys: KeyRing, zone: ZoneInfo, now: Now
    ) -> None:
        self._store, self._wechat, self._keys = store, wechat, keys
        self._zone, self._now = zone, now

    async def snapshot(self, period: Period, *, appid: str | None = None) -> Snapshot:
        """How things are, for one mini-program or for all. Raises StoreUnavailable."""
        now = self._now()
        bins, days = bins_of(period, now, self._zone), days_of(max(7, _DAYS[period]), now, self._zone)
        tally = Tally(
            await self._store.statistics.hours(
                min(bins[0], days[0], self._month_before(now)), _end(now), appid=appid
            ),
            now,
        )
        refused, has_users, jobs, conflicts, mongodb, wechat = await asyncio.gather(
            self._store.statistics.refused(bins[0], _end(now), appid=appid),
            self._store.users.exist(),
            self._store.jobs.under_way(most=MOST_JOBS),
            self._store.conflicts.waiting(most=MOST_CONFLICTS),
            self._store.describe(),
            self._wechat.read(),
        )
        day_ago = now - timedelta(hours=24)
        return Snapshot(
            at=now,
            compared_to=days_before(now, 7, self._zone),
            today=self._today(tally, now),
            active={span: self._active(tally, span, now) for span in SPANS},
            bins=tally.bins(bins),
            days=tally.bins(days),
            refused=refused,
            calls=tally.total("wechat_calls", day_ago, now),
            failures=tally.total("wechat_failures", day_ago, now),
            quota_hits=tally.total("quota_hits", day_ago, now),
            has_users=has_users,
            jobs=jobs,
            conflicts=conflicts[0],
            conflict=conflicts[1],
            mongodb=mongodb,
            wechat=wechat,
            key=self._keys.state,
        )

    def _today(self, tally: Tally, now: datetime) -> dict[Counts, Figure]:
        return {name: self._compared(tally, name, "day", now) for name in get_args(Counts)}

    def _active(self, tally: Tally, span: Span, now: datetime) -> Figure:
        return self._compared(tally, f"active_{span}", span, now)

    def _compared(self, tally: Tally, name: str, span: Span, now: datetime) -> Figure:
        start = beginning_of(span, now, self._zone)
        if span == "month":
            began, before = self._month_before(now), month_before(now, self._zone)
        else:
            began, before = (days_before(each, 7, self._zone) for each in (start, now))
        return Figure(now=tally.total(name, start, now), before=tally.total(name, began, before))

    def _month_before(self, now: datetime) -> datetime:
        last = beginning_of("month", now, self._zone) - _HOUR
        return beginning_of("month", last, self._zone)


class Tally:
    """Sums over hours.

    Args:
        hours: oldest first.
        now: in whose hour what is counted is all there is yet.
    """

    def __init__(self, hours: Sequence[HourCounts], now: datetime) -> None:
        self._hours, self._now = hours, now
        self._starts = [each.hour for each in hours]

    def total(self, name: str, start: datetime, end: datetime) -> int:
        """From `start` to `end`. Of a past hour that `end` lies in, its share in proportion."""
        total = 0.0
        for each in self._between(start, end):
            count: float = each.counts.get(name, 0)
            if end < self._now and each.hour + _HOUR > end:
                count *= (end - each.hour) / _HOUR
            total += count
        return round(total)

    def bins(self, starts: Sequence[datetime]) -> list[Bin]:
        """The sums from each start to the next one; the last goes on until now."""
        pairs = zip(starts, [*starts[1:], _end(self._now)], strict=True)
        return [self._bin(start, end) for start, end in pairs]

    def _bin(self, start: datetime, end: datetime) -> Bin:
        hours = list(self._between(start, end))
        names = ("registrations", "sign_ins", "refusals", "active_day")
        return Bin(start, end, *(sum(each.counts.get(name, 0) for each in hours) for name in names))

    def _between(self, start: datetime, end: datetime) -> Iterable[HourCounts]:
        first = bisect_right(self._starts, start - timedelta(microseconds=1))
        last = bisect_right(self._starts, end - timedelta(microseconds=1))
        return self._hours[first:last]


def bins_of(period: Period, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """Where the pieces of the period begin: hours, quarters of a day, or days; oldest first."""
    if period == "24h":
        return [hour_of(now, zone) - hours * _HOUR for hours in range(23, -1, -1)]
    days = days_of(_DAYS[period], now, zone)
    if period != "7d":
        return days
    quarters = [_at_hour(day, hour, zone) for day in days for hour in _PARTS_OF_A_DAY]
    return [each for each in quarters if each <= now]


def days_of(count: int, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When the last days began, today included; oldest first."""
    today = now.astimezone(zone).date()
    return [midnight(today - timedelta(days=back), zone) for back in range(count - 1, -1, -1)]


def _at_hour(day: datetime, hour: int, zone: ZoneInfo) -> datetime:
    local = day.astimezone(zone).replace(tzinfo=None) + timedelta(hours=hour)
    return local.replace(tzinfo=zone).astimezone(day.tzinfo)


def _end(now: datetime) -> datetime:
    """After the hour that runs, whatever the clocks of other hosts say."""
    return now + _HOUR
