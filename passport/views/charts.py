"""A chart as a table, and as bars where no script draws it. Every number of it is in the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# The box in which the bars are drawn; the page stretches it.
WIDTH, HEIGHT = 1000, 200
_GAP = 0.25


@dataclass(frozen=True)
class Row:
    """One piece of time: `label` in full, `short` for below the chart."""

    at: datetime
    label: str
    short: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Bar:
    """A rectangle of the series with this number, from the top left of the box."""

    series: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Counts over time.

    Args:
        name: tells the charts of a page apart; the template has the words.
        rows: oldest first.
        totals: of each series.
        step: how many rows belong together, such as the four quarters of a day.
        summed: whether the totals mean anything; of people each day, they do not.
    """

    name: str
    rows: tuple[Row, ...]
    totals: tuple[int, ...]
    step: int = 1
    summed: bool = True

    @property
    def top(self) -> int:
        """The highest count, and 1 at least."""
        return max((count for row in self.rows for count in row.counts), default=0) or 1

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened in all that time."""
        return not any(self.totals)

    @property
    def bars(self) -> list[Bar]:
        """The counts as bars, those of one row side by side."""
        slot = WIDTH / max(1, len(self.rows))
        width = slot * (1 - _GAP) / max(1, len(self.totals))
        return [
            Bar(
                series,
                round(place * slot + slot * _GAP / 2 + series * width, 2),
                round(HEIGHT - HEIGHT * count / self.top, 2),
                round(width, 2),
                round(HEIGHT * count / self.top, 2),
            )
            for place, row in enumerate(self.rows)
            for series, count in enumerate(row.counts)
            if count
        ]


def chart(name: str, rows: Sequence[Row], *, step: int = 1, summed: bool = True) -> Chart:
    """The chart of these rows, which have the same series."""
    totals = tuple(sum(column) for column in zip(*(row.counts for row in rows), strict=True))
    return Chart(name, tuple(rows), totals, step, summed)
