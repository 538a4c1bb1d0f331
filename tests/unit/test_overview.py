"""The numbers of the overview: sums over hours, comparisons by the same time of day, pieces of a period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from passport.overview import Figure, Tally, bins_of, days_of
from passport.store.statistics import HourCounts
from passport.views.charts import HEIGHT, WIDTH, Row, chart
from passport.views.overview import _change

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(*counts: tuple[int, int]) -> list[HourCounts]:
    """So many sign-ins so many hours before the hour that runs."""
    running = NOW.replace(minute=0)
    return [HourCounts(running - back * HOUR, {"sign_ins": count}) for back, count in counts]


def test_the_hour_that_runs_counts_as_far_as_it_went():
    assert Tally(hours((1, 10), (0, 7)), NOW).total("sign_ins", NOW - 2 * HOUR, NOW) == 17


def test_of_a_past_hour_its_share_counts():
    """Half past four a week ago: half of the hour from four to five."""
    tally = Tally(hours((7 * 24 + 1, 10), (7 * 24, 30), (7 * 24 - 1, 99)), NOW)
    week_ago = NOW - timedelta(days=7)
    assert tally.total("sign_ins", week_ago - timedelta(hours=4), week_ago) == 10 + 15


def test_a_day_has_24_pieces_of_an_hour_and_the_last_is_the_one_that_runs():
    bins = bins_of("24h", NOW, SHANGHAI)
    assert (len(bins), bins[-1]) == (24, NOW.replace(minute=0))


def test_a_week_is_told_by_quarters_of_days_and_none_is_in_the_future():
    bins = bins_of("7d", NOW, SHANGHAI)
    assert {each.astimezone(SHANGHAI).hour for each in bins} == {0, 6, 12, 18}
    # It is half past twelve in Shanghai.
    assert (len(bins), bins[-1]) == (6 * 4 + 3, datetime(2026, 11, 25, 4, tzinfo=UTC))


@pytest.mark.parametrize(("period", "count"), [("30d", 30), ("90d", 90)])
def test_months_are_told_by_days_that_begin_at_midnight(period, count):
    bins = bins_of(period, NOW, SHANGHAI)
    assert (len(bins), {each.astimezone(SHANGHAI).hour for each in bins}) == (count, {0})


def test_a_day_of_25_hours_is_one_piece():
    bins = days_of(3, datetime(2026, 10, 26, 12, tzinfo=UTC), BERLIN)
    assert [after - before for before, after in pairwise(bins)] == [24 * HOUR, 25 * HOUR]


def test_every_hour_is_in_one_piece():
    counted = hours(*((back, 1) for back in range(24 * 7, -1, -1)))
    tally = Tally(counted, NOW)
    bins = tally.bins(bins_of("7d", NOW, SHANGHAI))
    assert sum(each.sign_ins for each in bins) == sum(each.hour >= bins[0].start for each in counted)


def test_more_is_welcome_unless_it_is_trouble():
    assert (
        _change(Figure(12, 8), more_is_good=True).good,
        _change(Figure(8, 12), more_is_good=True).good,
    ) == (
        True,
        False,
    )
    assert _change(Figure(12, 8), more_is_good=False).good is False
    same = _change(Figure(1200, 1200), more_is_good=True)
    assert (same.trend, same.good, same.now) == ("same", None, "1,200")


def test_bars_stand_on_the_ground_and_reach_no_higher_than_the_box():
    drawn = chart("x", [Row(NOW, "a", "a", (4, 2)), Row(NOW, "b", "b", (0, 1))])
    assert (drawn.top, drawn.totals) == (4, (4, 3))
    assert [bar.y + bar.height for bar in drawn.bars] == [HEIGHT] * 3
    assert max(bar.height for bar in drawn.bars) == HEIGHT
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in drawn.bars)


def test_a_chart_of_nothing_is_drawn_all_the_same():
    drawn = chart("x", [Row(NOW, "a", "a", (0,))])
    assert (drawn.is_empty, drawn.bars, drawn.top) == (True, [], 1)
