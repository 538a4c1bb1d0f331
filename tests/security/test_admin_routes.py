"""Who may do what in the dashboard (R-013), and that no other site may (R-020), over every route that there is.

TABLE is written by hand, from what each page is for; what the code declares is not asked. A route without a row fails.
To add a page, add a row: the name of its route, a path, the least role for GET and for POST, and what is sent and
answered past the door. What is sent should change nothing that another cell needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
import pytest

from handlers.admin import ROUTES
from passport.models import Device
from passport.services import Services
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.conftest import signed_in
from tests.integration.admin.dashboard import SESSION, Dashboard, Page

Least = Literal["anybody", "viewer", "operator", "admin"] | None
Database = Any
# What our own cookie holds; a form that holds the same is one of ours (double submit).
XSRF_COOKIE, TOKEN = "__Host-xsrf", "a" * 32


@dataclass(frozen=True)
class Row:
    """What one route must answer.

    Args:
        path: `{user}` and `{other}` stand for accounts that may be one person, `{nobody}` for an id of nobody.
        get, post: the least role; None is 405 for everybody.
        sends: a form that gets past the door.
        got, posted: the status past the door.
        fresh: the POST needs a new proof of who acts.
        stranger: the status of a GET of somebody who is not signed in, where they get another.
    """

    path: str
    get: Least = None
    post: Least = None
    sends: Mapping[str, str] = field(default_factory=dict)
    got: int = 200
    posted: int = 303
    fresh: bool = False
    stranger: int | None = None


U, OPERATORS = "/admin/users/{user}", "/admin/operators/{nobody}"
TABLE: dict[str, Row] = {
    "admin-overview": Row("/admin", get="viewer"),
    "admin-preferences": Row("/admin/preferences", post="anybody"),
    "admin-sign-out": Row("/admin/sign-out", post="viewer"),
    "admin-missing": Row("/admin/nowhere", get="viewer", got=404, post="viewer", posted=404),
    "admin-users-export": Row("/admin/users/export", get="operator", post="operator", posted=200, fresh=True),
    "admin-jobs": Row("/admin/jobs", get="viewer"),
    # A form without a selection means nobody: past the door, and nothing is changed.
    "admin-job-new": Row("/admin/jobs/new", get="operator", post="operator", posted=200),
    "admin-job": Row("/admin/jobs/{nobody}", get="viewer", got=404),
    "admin-job-stop": Row("/admin/jobs/{nobody}/stop", post="operator", posted=404),
    "admin-job-undo": Row("/admin/jobs/{nobody}/undo", post="operator", posted=404),
    # What went wrong, and what was done.
    "admin-refusals": Row("/admin/refusals", get="viewer"),
    "admin-refusal": Row("/admin/refusals/{nobody}", get="viewer", got=404),
    "admin-look-up": Row("/admin/look-up", get="viewer", post="viewer", sends={"text": "x"}, posted=200),
    "admin-audit": Row("/admin/audit", get="viewer", post="operator"),
    "admin-audit-export": Row("/admin/audit/export", get="viewer"),
    # Getting in. Who is signed in already is sent on; who has not come half-way is sent back.
    "admin-sign-in": Row("/admin/sign-in", get="anybody", got=303, stranger=200, post="anybody", posted=422),
    "admin-second-factor": Row("/admin/second-factor", get="anybody", got=303, post="anybody"),
    "admin-set-up": Row("/admin/set-up/none", get="anybody", got=404, post="anybody", posted=404),
    "admin-reauth": Row("/admin/reauth", get="viewer", got=303, post="viewer", posted=422),
    "admin-account": Row("/admin/account", get="viewer"),
    "admin-password": Row("/admin/account/password", post="viewer", posted=422),
    "admin-own-sessions": Row("/admin/account/sessions", post="viewer"),
    "admin-enrol": Row("/admin/account/second-factor", get="viewer", post="viewer", posted=422, fresh=True),
    "admin-turn-off": Row("/admin/account/second-factor/off", post="viewer", fresh=True),
    "admin-recovery-codes": Row("/admin/account/recovery-codes", post="viewer", fresh=True),
    # What admins alone do.
    "admin-keys": Row("/admin/keys", get="admin", post="admin", posted=400, fresh=True),
    "admin-kit": Row("/admin/kit", get="admin"),
    "admin-kit-download": Row("/admin/kit/wx4f4bc4dec97d474b.zip", get="admin"),
    "admin-operators": Row("/admin/operators", get="admin"),
    "admin-operator-add": Row("/admin/operators/add", get="admin", post="admin", posted=422, fresh=True),
    "admin-operator": Row(OPERATORS, get="admin", got=404),
    "admin-operator-role": Row(OPERATORS + "/role", post="admin", posted=404, fresh=True),
    "admin-operator-disable": Row(OPERATORS + "/disable", post="admin", posted=404, fresh=True),
    "admin-operator-enable": Row(OPERATORS + "/enable", post="admin", posted=404, fresh=True),
    "admin-reset-password": Row(OPERATORS + "/reset-password", post="admin", posted=404, fresh=True),
    "admin-reset-second-factor": Row(
        OPERATORS + "/reset-second-factor", post="admin", posted=404, fresh=True
    ),
    # One user. A form without the state that it was made from is a conflict: past the door, and nothing is changed.
    "admin-users": Row("/admin/users", get="viewer", post="viewer", sends={"text": "mei"}),
    "admin-users-total": Row("/admin/users/total", get="viewer"),
    "admin-user": Row(U, get="viewer"),
    "admin-user-ban": Row(U + "/ban", get="operator", post="operator", posted=409),
    "admin-user-unban": Row(U + "/unban", post="operator", posted=409),
    "admin-user-undo": Row(U + "/undo", post="operator", posted=409),
    "admin-user-note": Row(U + "/note", post="operator", posted=409),
    "admin-user-tags": Row(U + "/tags", post="operator", posted=409),
    "admin-user-reveal": Row(U + "/reveal", post="operator", sends={"field": "unionid"}, posted=200),
    "admin-user-remove": Row(U + "/remove", post="operator", posted=400),
    "admin-user-export": Row(U + "/export", post="operator", posted=200),
    "admin-user-erase": Row(U + "/erase", get="operator", post="operator", posted=400, fresh=True),
    "admin-user-end-session": Row(U + "/end-session", post="operator", sends={"session": "0" * 24}),
    "admin-user-end-sessions": Row(U + "/end-sessions", post="operator"),
    "admin-user-unionid": Row(U + "/unionid", post="operator", posted=404),
    "admin-user-compare": Row(U + "/compare/{other}", get="viewer", post="operator", posted=400),
}

RANKS = {"anybody": 0, "viewer": 1, "operator": 2, "admin": 3}
# A disabled operator is nobody.
WHO = {"nobody": 0, "viewer": 1, "operator": 2, "admin": 3, "disabled": 0}
Cell = tuple[str, str, str, int, int]


def missing_rows(names: list[str], table: Mapping[str, Row]) -> set[str]:
    """Routes without a row, and rows without a route."""
    return set(names) ^ table.keys()


def expected(row: Row, who: str, method: str) -> int:
    """The status that the table wants."""
    least = row.post if method == "POST" else row.get
    if least is None:
        return 405
    if WHO[who] == 0 and method != "POST" and row.stranger is not None:
        return row.stranger
    if WHO[who] >= RANKS[least]:
        return row.posted if method == "POST" else row.got
    return 303 if WHO[who] == 0 else 403


@pytest.fixture
def places(io_loop: Any, api: API, database: Database) -> dict[str, str]:
    """Two users who may be one person: they have one phone number."""
    user, other = (io_loop.run_sync(lambda name=name: api.registered(name)) for name in ("mei", "bo"))
    first = database.users.find_one()
    number = {"number": "+8613800138000", "country_code": "86", "pure_number": "13800138000"}
    phone = {
        **number,
        "appid": first["identities"][0]["appid"],
        "bound_at": first["created_at"],
        "code_digest": b"x",
    }
    database.users.update_many({}, {"$set": {"phone": phone}})
    return {"user": user, "other": other, "nobody": "0" * 24}


class Cast:
    """Browsers of everybody in WHO, by name. Who was signed out by a cell is signed in anew for the next."""

    def __init__(self, services: Services, base_url: str, database: Database) -> None:
        self._services, self._base_url, self._database = services, base_url, database
        self._made: dict[str, Dashboard] = {}

    async def get(self, who: str) -> Dashboard:
        """The browser, signed in if they can be."""
        made = self._made.get(who)
        if made is None:
            made = self._made[who] = await self._arrive(who)
        elif who != "nobody" and SESSION not in made.cookies:
            operator = await self._services.store.operators.find_by_name(f"a {who}")
            assert operator
            made.cookies[SESSION] = await self._services.admin.sessions.start(operator, Device("::1", "x"))
        return made

    async def _arrive(self, who: str) -> Dashboard:
        if who == "nobody":
            return Dashboard(self._base_url)
        role: Any = "admin" if who == "disabled" else who
        made = await signed_in(self._services, self._base_url, f"a {who}", role)
        if who == "disabled":
            change = {"$set": {"disabled_at": self._services.admin.now()}}
            self._database.operators.update_one({"name": f"a {who}"}, change)
        return made

    async def close(self) -> None:
        """Close the connections."""
        for each in self._made.values():
            await each.close()


@pytest.fixture
def cast(io_loop: Any, services: Services, api: API, database: Database) -> Iterator[Cast]:
    """Everybody."""
    made = Cast(services, api.base_url, database)
    yield made
    io_loop.run_sync(made.close)


async def send(
    browser: Dashboard, path: str, fields: Mapping[str, str], *, token: str | None = TOKEN, **headers: str
) -> Page:
    """POST a form; the cookie holds TOKEN, whatever token the form holds."""
    browser.cookies[XSRF_COOKIE] = TOKEN
    pairs = [*fields.items(), *([("_xsrf", token)] if token is not None else [])]
    body = urlencode(pairs)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await browser.request("POST", path, data=body, headers={**kind, **headers})


async def walk(table: Mapping[str, Row], cast: Cast, places: Mapping[str, str]) -> tuple[list[Cell], int]:
    """The cells that are answered otherwise than the table wants, and how many there are: route, who, method, …"""
    odd: list[Cell] = []
    walked = 0
    for name, row in table.items():
        path = row.path.format(**places)
        for who in WHO:
            for method in ("GET", "HEAD", "POST"):
                browser = await cast.get(who)
                page = await (
                    send(browser, path, row.sends) if method == "POST" else browser.request(method, path)
                )
                walked += 1
                if page.status != (wanted := expected(row, who, method)):
                    odd.append((name, who, method, wanted, page.status))
    return odd, walked


# who may


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert missing_rows([route.name for route in ROUTES], TABLE) == set()


def test_a_route_without_a_row_is_reported() -> None:
    assert missing_rows([*TABLE, "admin-backdoor"], TABLE) == {"admin-backdoor"}


@pytest.mark.gen_test(timeout=200)
async def test_every_cell_of_the_table_is_answered_as_it_says(cast: Cast, places: dict[str, str]) -> None:
    odd, walked = await walk(TABLE, cast, places)
    assert odd == []
    assert walked == len(TABLE) * len(WHO) * 3


async def test_a_cell_that_is_answered_otherwise_is_reported(cast: Cast, places: dict[str, str]) -> None:
    row = TABLE["admin-user-note"]
    for wrong in (replace(row, post="admin"), replace(row, post="viewer"), replace(row, get="viewer")):
        odd, _ = await walk({"admin-user-note": wrong}, cast, places)
        assert odd != []


async def test_nobody_but_an_operator_hears_whether_there_is_such_a_user(
    cast: Cast, places: dict[str, str]
) -> None:
    for who in ("nobody", "disabled"):
        browser = await cast.get(who)
        known = await browser.get(U.format(**places))
        unknown = await browser.get(U.format(user=places["nobody"]))
        assert (known.status, known.html) == (unknown.status, unknown.html) == (303, "")


async def test_a_dangerous_act_needs_a_new_proof(
    cast: Cast, places: dict[str, str], clock: Clock, database: Database
) -> None:
    browser = await cast.get("admin")
    clock.advance(minutes=6)
    before = dump(database)
    for row in TABLE.values():
        if row.post not in (None, "anybody") and row.path != "/admin/sign-out":
            page = await send(browser, row.path.format(**places), {})
            asked = page.status == 303 and page.location.startswith("/admin/reauth?next=")
            assert (row.path, asked) == (row.path, row.fresh)
            if row.fresh:
                assert dump(database)["users"] == before["users"]


# and no other site

EVIL: list[tuple[str, dict[str, str]]] = [
    ("another site's form", {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}),
    (
        "another site's fetch",
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    ),
    ("another site, no fetch metadata", {"Origin": "https://evil.example"}),
    ("another site, no origin", {"Sec-Fetch-Site": "cross-site"}),
    ("a sibling of ours", {"Origin": "https://evil.login.example.com", "Sec-Fetch-Site": "same-site"}),
    ("another port", {"Origin": "http://127.0.0.1:1"}),
    ("a sandboxed frame", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    ("a sandboxed frame, no fetch metadata", {"Origin": "null"}),
]


def dump(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Every document, but when an operator's session was last used and what is counted beside the requests."""
    beside = {
        "operator_sessions",
        "statistics",
        "wechat_health",
        "limit_counters",
        "refusals",
        "system.profile",
    }
    names = sorted(set(database.list_collection_names()) - beside)
    return {name: list(database[name].find(sort=[("_id", 1)])) for name in names}


@pytest.mark.gen_test(timeout=200)
async def test_no_post_from_another_site_is_taken_though_it_has_cookie_and_token(
    cast: Cast, places: dict[str, str], database: Database
) -> None:
    browser, taken = await cast.get("admin"), []
    before = dump(database)
    for name, row in TABLE.items():
        for vector, headers in EVIL:
            if row.post is None:
                continue
            try:
                page = await send(browser, row.path.format(**places), row.sends, **headers)
            except aiohttp.ClientOSError:
                continue  # refused before the form was read, and the connection cut while it was being sent
            if page.status != 403 or "stale_form" not in page.text:
                taken.append((name, vector, page.status))
    assert taken == []
    assert dump(database) == before


async def test_no_post_without_the_token_of_the_cookie_is_taken(
    cast: Cast, places: dict[str, str], database: Database
) -> None:
    browser, taken = await cast.get("admin"), []
    before = dump(database)
    for name, row in TABLE.items():
        for query, token in (("", None), ("", "b" * 32), ("", ""), (f"?_xsrf={TOKEN}", None)):
            if row.post is None:
                continue
            page = await send(browser, row.path.format(**places) + query, row.sends, token=token)
            if page.status != 403 or "stale_form" not in page.text:
                taken.append((name, query, token, page.status))
    assert taken == []
    assert dump(database) == before


async def test_our_own_pages_post_is_taken(cast: Cast, places: dict[str, str], api: API) -> None:
    browser = await cast.get("admin")
    ours = {"Origin": api.base_url, "Sec-Fetch-Site": "same-origin"}
    page = await send(browser, "/admin/preferences", {"theme": "dark"}, **ours)
    assert page.status == 303


async def test_a_get_changes_nothing_whatever_it_asks_for(
    cast: Cast, places: dict[str, str], database: Database
) -> None:
    browser = await cast.get("admin")
    before = dump(database)
    for name, row in TABLE.items():
        if name.endswith("-export"):
            continue  # a download is noted in the audit log, and changes nothing else
        query = urlencode({**row.sends, "_xsrf": TOKEN, "reason": "x", "act": "settle", "confirmation": "x"})
        for method in ("GET", "HEAD"):
            await browser.request(method, f"{row.path.format(**places)}?{query}")
    assert dump(database) == before
