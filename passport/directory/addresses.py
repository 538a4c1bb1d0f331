"""A page of the users list as the query of a URL, whole: filter, order, place and columns. Pure rules.

Whatever cannot be read is left at its default, so that no address of an older page breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from passport.directory.filters import UserFilter
from passport.directory.people import SORTS, Listed, Place, Sort, View
from passport.directory.words import understand

# In the order in which they are shown; the person and the box to pick them are always there.
COLUMNS = (
    "status",
    "apps",
    "registered",
    "seen",
    "sign_ins",
    "tags",
    "phone",
    "openid",
    "unionid",
    "account",
)
USUAL = ("status", "apps", "registered", "seen", "sign_ins", "tags")
# `registered-desc` and the like, as the choice of an order sends them.
ORDERS = tuple(f"{sort}-{way}" for sort in SORTS for way in ("desc", "asc"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"((?:[0-9]{1,14}\.){1,2})([0-9a-f]{24})")


@dataclass(frozen=True, slots=True)
class Address:
    """What the address of a page says.

    Args:
        asked: whom.
        view: in which order, and which page of it.
        columns: what is shown of each; None when the address does not say.
    """

    asked: UserFilter
    view: View
    columns: tuple[str, ...] | None = None

    def to_query(self) -> dict[str, str]:
        """The query, without what is usual."""
        view, query = self.view, self.asked.to_query()
        order = order_of(view)
        if order != ORDERS[0]:
            query["order"] = order
        if self.columns is not None:
            query["columns"] = ".".join(self.columns)
        for name, place in (("after", view.after), ("before", view.before)):
            if place is not None:
                query[name] = place_text(place)
        if view.last:
            query["last"] = "yes"
        return query

    def at(self, *, after: Listed | None = None, before: Listed | None = None, last: bool = False) -> Address:
        """The page beside a user in the list; the first without any."""
        sort = self.view.sort
        view = replace(
            self.view,
            after=place_of(after, sort) if after else None,
            before=place_of(before, sort) if before else None,
            last=last,
        )
        return replace(self, view=view)

    def ordered(self, order: str) -> Address:
        """The first page in another order."""
        return replace(self, view=view_of(order, self.asked))


def read_address(query: Mapping[str, str], asked: UserFilter) -> Address:
    """What the query says beside the filter."""
    view = view_of(query.get("order", ""), asked)
    after, before = (_read_place(query.get(name, ""), view.sort) for name in ("after", "before"))
    if after is not None:
        view = replace(view, after=after)
    elif before is not None:
        view = replace(view, before=before)
    elif query.get("last") == "yes":
        view = replace(view, last=True)
    columns = query.get("columns")
    return Address(asked, view, None if columns is None else columns_of(columns.split(".")))


def columns_of(names: Iterable[str]) -> tuple[str, ...]:
    """Those that there are, in their own order."""
    named = set(names)
    return tuple(each for each in COLUMNS if each in named)


def view_of(order: str, asked: UserFilter) -> View:
    """The first page in this order.

    A search by a part of a name has one order: its index is ordered by registration behind each piece, and to order
    it otherwise would be to read everybody of that name.
    """
    sort, _, way = (order if order in ORDERS else ORDERS[0]).partition("-")
    found: Sort = next(each for each in SORTS if each == sort)
    return View("registered" if is_by_name(asked) else found, descending=way == "desc")


def is_by_name(asked: UserFilter) -> bool:
    """Whether the text is taken for a part of a name."""
    return understand(asked.text).kind == "name"


def order_of(view: View) -> str:
    """What `view_of` makes this order of."""
    return f"{view.sort}-{'desc' if view.descending else 'asc'}"


def place_of(listed: Listed, sort: Sort) -> Place:
    """Where in this order the user is."""
    keys: dict[Sort, tuple[datetime | int, ...]] = {
        "registered": (listed.created_at,),
        "seen": (listed.last_seen_at,),
        "sign_ins": (listed.sign_ins, listed.created_at),
    }
    return Place(keys[sort], listed.user_id)


def place_text(place: Place) -> str:
    """`1732252800123.69214f…`: the values, times in milliseconds, then the id."""
    values = (
        each if isinstance(each, int) else (each - _EPOCH) // timedelta(milliseconds=1) for each in place.keys
    )
    return ".".join([*map(str, values), place.user_id])


def _read_place(text: str, sort: Sort) -> Place | None:
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    values = [int(each) for each in found.group(1).split(".")[:-1]]
    if len(values) != (2 if sort == "sign_ins" else 1):
        return None
    *counts, moment = values
    # Fourteen digits are the year 5138 and no overflow; MongoDB keeps counts of eight bytes.
    return Place((*counts, _EPOCH + timedelta(milliseconds=moment)), found.group(2))
