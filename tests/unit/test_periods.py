"""Hours, days, weeks and months by the clock on the wall, where UTC's are others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from passport.periods import SPANS, beginning_of, days_before, entered, hour_of, month_before

SHANGHAI, KOLKATA, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Kolkata"), ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_day_begins_at_midnight_of_the_zone():
    assert beginning_of("day", utc("2026-11-22T16:00:00"), SHANGHAI) == utc("2026-11-22T16:00:00")
    assert beginning_of("day", utc("2026-11-22T15:59:59"), SHANGHAI) == utc("2026-11-21T16:00:00")


def test_a_week_begins_on_monday_and_a_month_on_the_first():
    sunday = utc("2026-11-22T08:00:00")
    assert beginning_of("week", sunday, SHANGHAI) == utc("2026-11-15T16:00:00")
    assert beginning_of("month", sunday, SHANGHAI) == utc("2026-10-31T16:00:00")


def test_an_hour_begins_when_the_clock_on_the_wall_shows_full():
    assert hour_of(utc("2026-11-22T08:29:59"), KOLKATA) == utc("2026-11-22T07:30:00")
    assert hour_of(utc("2026-11-22T08:30:00"), KOLKATA) == utc("2026-11-22T08:30:00")


def test_an_hour_that_the_clock_shows_twice_is_two_hours():
    first, second = utc("2026-10-25T00:30:00"), utc("2026-10-25T01:30:00")
    assert first.astimezone(BERLIN).hour == second.astimezone(BERLIN).hour == 2
    assert hour_of(second, BERLIN) - hour_of(first, BERLIN) == timedelta(hours=1)


def test_the_same_time_a_week_before_is_so_by_the_clock_on_the_wall():
    # Between the two, Berlin has put its clocks back by an hour.
    assert days_before(utc("2026-10-28T09:00:00"), 7, BERLIN) == utc("2026-10-21T08:00:00")


@pytest.mark.parametrize(
    ("at", "before"),
    [
        ("2026-11-22T02:00:00", "2026-10-22T02:00:00"),
        ("2026-01-05T02:00:00", "2025-12-05T02:00:00"),
        # February has no 31st, so all of it is before.
        ("2026-03-31T02:00:00", "2026-02-28T16:00:00"),
    ],
)
def test_the_same_time_a_month_before(at, before):
    assert month_before(utc(at), SHANGHAI) == utc(before)


@pytest.mark.parametrize(
    ("before", "at", "spans"),
    [
        (None, "2026-11-22T08:00:00", SPANS),
        ("2026-11-22T00:00:00", "2026-11-22T08:00:00", ()),
        ("2026-11-21T08:00:00", "2026-11-22T08:00:00", ("day",)),
        # The same day for UTC, but not in Shanghai, where it is Monday by then.
        ("2026-11-22T15:59:59", "2026-11-22T16:00:00", ("day", "week")),
        ("2026-10-31T08:00:00", "2026-10-31T16:00:00", ("day", "month")),
        ("2025-11-22T08:00:00", "2026-11-22T08:00:00", SPANS),
    ],
)
def test_the_periods_that_somebody_enters(before, at, spans):
    assert entered(before and utc(before), utc(at), SHANGHAI) == spans


def test_somebody_seen_later_already_enters_nothing():
    """Of two hosts the clock of one lags: who it sees has been counted by the other."""
    assert entered(utc("2026-11-22T16:00:01"), utc("2026-11-22T15:59:59"), SHANGHAI) == ()
