"""A user as the list shows one, and in which order. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Sort = Literal["registered", "seen", "sign_ins"]
SORTS: tuple[Sort, ...] = ("registered", "seen", "sign_ins")
# Of a number that no page needs to know exactly, and that would take long to count: where an index tells who is meant,
# and where documents have to be read for it.
MOST_COUNTED, MOST_READ = 10_000, 3_000
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """What of a user the list can show. `status` is the stored one: a ban that has ended is still `banned`."""

    user_id: str
    nickname: str | None
    avatar_url: str | None
    avatar: str | None
    status: str
    ban_until: datetime | None
    appids: tuple[str, ...]
    openids: tuple[str, ...] = field(repr=False)
    unionid: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    tags: tuple[str, ...]
    created_at: datetime
    last_seen_at: datetime
    sign_ins: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list a page begins or ends: the values that the user there is sorted by, the id last."""

    keys: tuple[datetime | int, ...]
    user_id: str


@dataclass(frozen=True, slots=True)
class View:
    """Which page of the list.

    Args:
        sort: by what.
        descending: the greatest first.
        after: begins behind this place; None at the first.
        before: ends in front of it; with `last` too, both are None.
        last: the last page.
    """

    sort: Sort = "registered"
    descending: bool = True
    after: Place | None = None
    before: Place | None = None
    last: bool = False

    @property
    def backwards(self) -> bool:
        """Whether it is read from its end."""
        return self.last or self.before is not None


@dataclass(frozen=True, slots=True)
class Page:
    """Some users in their order, and whether there are any before and behind them."""

    people: tuple[Listed, ...]
    has_previous: bool
    has_next: bool


@dataclass(frozen=True, slots=True)
class Total:
    """How many users match; `more` when there are more than were counted, None when it takes too long to say."""

    count: int | None
    more: bool = False
