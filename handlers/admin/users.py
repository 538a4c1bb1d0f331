"""`/admin/users`: find anyone.

The search is a POST that answers with the address of the list. So a token that somebody pastes is in no address, and
with it in no history and no log; it leads to the user that it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import urlencode

from handlers.admin.forms import Form
from handlers.admin.speaking import SpeakingPage
from handlers.admin.told import COOKIE, encode_told
from handlers.translations import N_, translations
from passport.directory.addresses import (
    COLUMNS,
    ORDERS,
    USUAL,
    Address,
    columns_of,
    is_by_name,
    order_of,
    read_address,
)
from passport.directory.filters import UserFilter
from passport.directory.listing import Found
from passport.directory.people import Page, Total
from passport.directory.words import LONGEST_TOKEN, is_secret, subject_of, token_in
from passport.errors.dashboard import TooBroad
from passport.operators.roles import Rank
from passport.views.directory import UnderstoodView, UserRow, total_words, understood_view, user_row

_FIELDS = (
    "q",
    "status",
    "app",
    "registered_from",
    "registered_to",
    "seen_from",
    "seen_to",
    "phone",
    "unionid",
    "tag",
    "order",
    "columns",
    "after",
    "before",
    "last",
)
_COOKIE = "columns"
_YEAR = 365 * 86400
_LABELS = {
    "status": N_("Status"),
    "apps": N_("Apps"),
    "registered": N_("Registered"),
    "seen": N_("Last seen"),
    "sign_ins": N_("Sign-ins"),
    "tags": N_("Tags"),
    "phone": N_("Phone"),
    "openid": N_("openid"),
    "unionid": N_("unionid"),
    "account": N_("Account id"),
}
_ORDERS = {
    "registered-desc": N_("Registered, newest first"),
    "registered-asc": N_("Registered, oldest first"),
    "seen-desc": N_("Last seen, latest first"),
    "seen-asc": N_("Last seen, longest ago first"),
    "sign_ins-desc": N_("Sign-ins, most first"),
    "sign_ins-asc": N_("Sign-ins, fewest first"),
}
_FAULTS = {
    "unknown": N_("Choose one of the list."),
    "no_date": N_("This is no date, such as 2026-11-22."),
    "too_long": N_("That is too long."),
    "not_text": N_("It holds a character that cannot be seen. Type it anew."),
    "backwards": N_("This is before the first day."),
}


@dataclass(frozen=True)
class Column:
    """A column of the table. `order` leads to the list in the order of it, `sorted` says which way it is now."""

    name: str
    label: str
    shown: bool
    order: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class UsersView:
    """The list.

    Args:
        typed: what stands in each field.
        faults: what is wrong with it, in words.
        understood: what the search box was taken for.
        rows: in order; `too_broad` says that there are none because it took too long.
        total: how many there are in words; None while that is to be asked at `count`.
        first, previous, next, last: addresses; None where there is nothing more.
        filtered: whether anything is asked for; `is_set` also when it is an order, or is wrong.
        open: whether the filters are to be seen.
        columns: all, in order.
        orders: what can be chosen; one when the search leaves no choice.
        order: the present one.
        apps: names by appid.
        meant: the filter as a query, for what is done to all who match; None when a field is faulty.
        can_act: whether the operator may act on users.
    """

    typed: Mapping[str, str]
    faults: Mapping[str, str]
    understood: UnderstoodView | None
    rows: tuple[UserRow, ...]
    too_broad: bool
    total: str | None
    count: str
    counted: str
    first: str | None
    previous: str | None
    next: str | None
    last: str | None
    filtered: bool
    is_set: bool
    open: bool
    columns: tuple[Column, ...]
    orders: Mapping[str, str]
    order: str
    apps: Mapping[str, str]
    meant: str | None
    can_act: bool


class UsersPage(SpeakingPage):
    """`GET /admin/users` shows a page of the list, `POST` searches."""

    async def get(self) -> None:
        """200; 400 with the form again when a field is wrong; 503 when it takes too long."""
        query = _fields(self.query)
        if is_secret(query.get("q", "")):
            # Somebody put it into the address by hand. It is there now, and should not stay.
            self.see_other(self.reverse_url("admin-users"), told="users.token_in_address")
            return
        directory = self.services.admin.directory
        asked, faults = directory.filter_from_query(query)
        address = read_address(query, asked)
        found, page, too_broad = Found(asked), Page((), False, False), False
        if not faults:
            try:
                found = await directory.find(asked)
                page = await directory.page(found.asked, address.view)
            except TooBroad:
                too_broad = True
        total = await self._total(found, address, page, too_broad=too_broad) if not faults else None
        if self.is_partial:
            self.set_header("HX-Push-Url", self._to(address))
        if faults or too_broad:
            self.set_status(HTTPStatus.BAD_REQUEST if faults else HTTPStatus.SERVICE_UNAVAILABLE)
        now, apps = self.services.admin.now(), self.apps
        self.show(
            "admin/users.html",
            UsersView(
                typed=query,
                faults={name: self._(_FAULTS[fault]) for name, fault in faults.items()},
                understood=understood_view(asked.text, found, self.tongue),
                rows=tuple(user_row(each, apps=apps, now=now) for each in page.people),
                too_broad=too_broad,
                total=self._words(total) if total else None,
                count=f"{self.reverse_url('admin-users-total')}?{urlencode(found.asked.to_query())}",
                counted=f"?{urlencode({**address.to_query(), 'count': 'yes'})}",
                **self._neighbours(address, page),
                filtered=not asked.is_everybody,
                is_set=any(query.values()),
                open=bool(set(asked.to_query()) - {"q"} or faults.keys() - {"q"}),
                columns=self._columns(address),
                orders=self._orders(asked),
                order=order_of(address.view),
                apps={each: apps.get(each, each) for each in await directory.appids()},
                meant=None if faults else urlencode(found.asked.to_query()),
                can_act=self.rank >= Rank.OPERATOR,
            ),
        )

    async def submit(self) -> None:
        """303 to the list as asked for, or to the user that a token is about."""
        text = self.form.text("q", most=LONGEST_TOKEN + 20)
        if token := token_in(text):
            await self._to_subject(token)
            return
        if is_secret(text):
            self._go(self.reverse_url("admin-users"), told="users.secret")
            return
        columns = columns_of(self.form.all("column")) if self.form.flag("choose_columns") else None
        if columns is not None:
            self.keep_cookie(_COOKIE, ".".join(columns), max_age=_YEAR)
        if columns == USUAL:
            columns = None
        typed = _fields(self.form)
        asked, faults = self.services.admin.directory.filter_from_query(typed)
        address = replace(read_address({"order": typed.get("order", "")}, asked), columns=columns)
        # What is wrong goes along, so that it stands in its field with the reason beside it.
        wrong = {name: typed[name][:LONGEST_TOKEN] for name in faults if name in typed}
        if faults:
            # The whole page, since htmx would put in the list alone.
            self._send_away(self._to(address, wrong))
        else:
            self.see_other(self._to(address))

    async def _to_subject(self, token: str) -> None:
        user_id = subject_of(token)
        found = user_id is not None and await self.services.admin.directory.exists(user_id)
        if user_id is None or not found:
            self._go(self.reverse_url("admin-users"), told="users.token_of_nobody")
        else:
            self._go(self.reverse_url("admin-user", user_id), told="users.found_by_token")

    def _go(self, address: str, *, told: str) -> None:
        """To another page than the list, whether htmx asks or not."""
        self.keep_cookie(COOKIE, encode_told(told, {}), max_age=60)
        self._send_away(address)

    def _to(self, address: Address, wrong: Mapping[str, str] | None = None) -> str:
        query = urlencode({**address.to_query(), **(wrong or {})})
        return f"{self.reverse_url('admin-users')}{'?' if query else ''}{query}"

    # The parts of the view

    async def _total(self, found: Found, address: Address, page: Page, *, too_broad: bool) -> Total | None:
        """How many there are, where that is known or cheap; else it is asked for once the page is there."""
        if too_broad:
            return Total(None)
        view = address.view
        if view.after is None and not view.backwards and not page.has_next:
            return Total(len(page.people))
        if found.asked.is_everybody or self.query.flag("count"):
            return await self.services.admin.directory.total(found.asked)
        return None

    def _words(self, total: Total) -> str:
        count = total.count or 0
        number = f"{count:,}"
        many = translations(self.language).ngettext("%(number)s user", "%(number)s users", count)
        return total_words(total, self.tongue, many % {"number": number})

    def _neighbours(self, address: Address, page: Page) -> dict[str, str | None]:
        people = page.people
        previous, following = page.has_previous and people, page.has_next and people
        return {
            "first": self._to(address.at()) if page.has_previous else None,
            "previous": self._to(address.at(before=people[0])) if previous else None,
            "next": self._to(address.at(after=people[-1])) if following else None,
            "last": self._to(address.at(last=True)) if page.has_next else None,
        }

    def _columns(self, address: Address) -> tuple[Column, ...]:
        shown, order = self._shown(address), order_of(address.view)
        return tuple(
            Column(
                name=name,
                label=self._(_LABELS[name]),
                shown=name in shown,
                order=self._other_order(address, name),
                sorted={f"{name}-desc": "descending", f"{name}-asc": "ascending"}.get(order, ""),
            )
            for name in COLUMNS
        )

    def _shown(self, address: Address) -> tuple[str, ...]:
        if address.columns is not None:
            return address.columns
        kept = self.get_cookie(_COOKIE)
        return USUAL if kept is None else columns_of(kept.split("."))

    def _other_order(self, address: Address, column: str) -> str:
        """The address of the list in the order of the column, the other way round if it is already."""
        down, up = f"{column}-desc", f"{column}-asc"
        if down not in ORDERS or (is_by_name(address.asked) and column != "registered"):
            return ""
        return self._to(address.ordered(up if order_of(address.view) == down else down))

    def _orders(self, asked: UserFilter) -> dict[str, str]:
        by_name = is_by_name(asked)
        usable = (each for each in ORDERS if not by_name or each.startswith("registered"))
        return {each: self._(_ORDERS[each]) for each in usable}


class UsersTotalPage(UsersPage):
    """`GET /admin/users/total`: how many users match, in words, to be put into the page of the list."""

    async def get(self) -> None:
        """200."""
        asked, faults = self.services.admin.directory.filter_from_query(_fields(self.query))
        total = Total(None) if faults else await self.services.admin.directory.total(asked)
        self.show("admin/users/_total.html", self._words(total))


def _fields(form: Form) -> dict[str, str]:
    """What was sent, the last of each; nothing is too long here, since the form is shown again with it."""
    sent = dict(form.pairs)
    return {name: sent[name] for name in _FIELDS if name in sent}
