"""Hours, days, ISO weeks and months by the clock on the operators' wall. Pure: instants are aware UTC datetimes.

Each period is told by the instant at which it begins. An hour begins when that clock shows full, which in a few time
zones is not when UTC's does; so a day is always made of whole hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Span = Literal["day", "week", "month"]
SPANS: tuple[Span, ...] = get_args(Span)


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    """When the hour of this instant began."""
    local = at.astimezone(zone)
    passed = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at.astimezone(UTC) - passed


def beginning_of(span: Span, at: datetime, zone: ZoneInfo) -> datetime:
    """When the day, the ISO week or the month of this instant began."""
    return midnight(_first_day(span, at.astimezone(zone).date()), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins; where the clock leaves midnight out, when it would have been."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_before(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day on an earlier day, however many hours that day had."""
    local = at.astimezone(zone).replace(tzinfo=None) - timedelta(days=days)
    return local.replace(tzinfo=zone).astimezone(UTC)


def month_before(at: datetime, zone: ZoneInfo) -> datetime:
    """The same day and time of the month before; its last moment when it has no such day."""
    local = at.astimezone(zone)
    this_month = beginning_of("month", at, zone)
    last_month = (this_month - timedelta(hours=1)).astimezone(zone).date().replace(day=1)
    day = last_month + timedelta(days=local.day - 1)
    return min(datetime.combine(day, local.time(), zone).astimezone(UTC), this_month)


def entered(before: datetime | None, at: datetime, zone: ZoneInfo) -> tuple[Span, ...]:
    """The periods of `at` that somebody last seen at `before` has not been seen in yet.

    None when they were never seen. Somebody seen later already enters none, so hosts whose clocks differ count
    nobody twice.
    """
    if before is None:
        return SPANS
    then, now = before.astimezone(zone).date(), at.astimezone(zone).date()
    if then == now:
        return ()
    return tuple(span for span in SPANS if _first_day(span, then) < _first_day(span, now))


def _first_day(span: Span, day: date) -> date:
    if span == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if span == "month" else day
