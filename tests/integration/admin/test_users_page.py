"""The page of the users list: search by each kind of input, the address, what is masked, what is wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from passport.directory.people import PAGE_SIZE
from passport.errors.dashboard import TooBroad
from passport.services import Services
from passport.views.handles import handle_of
from tests.client import API
from tests.conftest import APPID
from tests.integration.admin.dashboard import Dashboard, Page
from tests.integration.admin.people import BEGAN, Database, id_of, person

OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
UNIONID = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"


@pytest.fixture
def people(database: Database) -> Database:
    """Three users: one with everything, one without a name, one who is banned."""
    ban = {"reason": "spam", "by": "lin", "at": BEGAN, "until": None, "shown": False}
    phone = {"number": "+8613800138000"}
    database.users.insert_many(
        [
            person(
                1,
                "小明",
                identities=[{"appid": APPID, "openid": OPENID}],
                unionid=UNIONID,
                phone=phone,
                tags=["vip"],
                sign_ins=1234,
            ),
            person(2),
            person(3, "Mei Li", status="banned", ban=ban),
        ]
    )
    return database


def listed(page: Page) -> list[str]:
    """The ids of the users in the table, from the top."""
    return re.findall(r'href="/admin/users/([0-9a-f]{24})" data-row', page.html)


async def test_everybody_is_listed_newest_first_with_a_total(lin: Dashboard, people: Database) -> None:
    page = await lin.get("/admin/users")
    assert (page.status, listed(page)) == (200, [id_of(3), id_of(2), id_of(1)])
    assert "3 users" in page.text
    assert handle_of(id_of(2), "en") in page.text
    assert "1,234" in page.text


async def test_an_empty_list_says_who_will_be_in_it(lin: Dashboard) -> None:
    page = await lin.get("/admin/users")
    assert (page.status, "No users yet" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("typed", "who", "words"),
    [
        ("小", [1], "Nicknames and handles that contain this"),
        ("mei", [3], "Nicknames and handles that contain this"),
        (handle_of(id_of(2), "zh"), [2], "Nicknames and handles that contain this"),
        (OPENID, [1], "Looks like an openid or a unionid: exact match."),
        (UNIONID, [1], "Looks like an openid or a unionid: exact match."),
        (id_of(2), [2], "Looks like an account id: exact match."),
        ("138 0013 8000", [1], "Looks like the phone number +8613800138000: exact match."),
        ("0123456789abcdef", [], "Looks like the id of a request."),
    ],
)
async def test_a_search_says_what_it_understood(
    lin: Dashboard, people: Database, typed: str, who: list[int], words: str
) -> None:
    answer = await lin.submit("/admin/users", {"q": typed})
    page = await lin.follow(answer)
    assert (listed(page), words in page.text) == ([id_of(number) for number in who], True)
    assert f'value="{typed}"' in page.html


async def test_the_id_of_a_session_leads_to_whose_it_is(lin: Dashboard, api: API, database: Database) -> None:
    account_id = (await api.sign_in("mei"))["account_id"]
    [session] = database.sessions.find()
    page = await lin.follow(await lin.submit("/admin/users", {"q": str(session["_id"])}))
    assert listed(page) == [account_id]
    assert "The id of a sign-in: this is whose it is." in page.text


async def test_a_pasted_token_leads_to_its_user_and_is_in_no_address(lin: Dashboard, api: API) -> None:
    tokens = await api.sign_in("mei")
    for pasted in (tokens["access_token"], f"Bearer {tokens['access_token']}"):
        answer = await lin.submit("/admin/users", {"q": pasted})
        assert (answer.status, answer.location) == (303, f"/admin/users/{tokens['account_id']}")
        page = await lin.follow(answer)
        assert "It was not verified" in page.text
        assert tokens["access_token"] not in page.html


async def test_a_token_typed_with_htmx_leaves_the_page_by_itself(lin: Dashboard, api: API) -> None:
    tokens = await api.sign_in("mei")
    answer = await lin.submit("/admin/users", {"q": tokens["access_token"]}, headers={"HX-Request": "true"})
    assert (answer.status, answer.location) == (204, "")
    assert answer.headers["HX-Redirect"] == f"/admin/users/{tokens['account_id']}"


async def test_no_secret_gets_into_an_address(lin: Dashboard, api: API) -> None:
    tokens = await api.sign_in("mei")
    piece = tokens["access_token"].rpartition(".")[0]
    for secret in (tokens["refresh_token"], piece, tokens["access_token"] + " and more"):
        answer = await lin.submit("/admin/users", {"q": secret})
        assert (answer.status, answer.location) == (303, "/admin/users")
        assert "That is a secret" in (await lin.follow(answer)).text
    answer = await lin.get(f"/admin/users?q={tokens['access_token']}")
    assert (answer.status, answer.location) == (303, "/admin/users")


async def test_identifiers_are_masked(lin: Dashboard, people: Database) -> None:
    page = await lin.get("/admin/users?columns=phone.openid.unionid")
    for secret in (OPENID, UNIONID, "+8613800138000"):
        assert secret not in page.html
    assert [text in page.text for text in ("+86138…8000", "oGZU…VJJE", "ocMv…P1FA")] == [True] * 3


async def test_the_columns_are_in_the_address_and_remembered(lin: Dashboard, people: Database) -> None:
    def headings(page: Page) -> list[str]:
        return re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<]+)<', page.html)[1:]

    answer = await lin.submit("/admin/users", {"choose_columns": "1", "column": ["unionid", "tags", "x"]})
    assert answer.location == "/admin/users?columns=tags.unionid"
    assert headings(await lin.follow(answer)) == ["Tags", "unionid"]
    assert headings(await lin.get("/admin/users")) == ["Tags", "unionid"]
    assert headings(await lin.get("/admin/users?columns=status")) == ["Status"]
    lin.cookies["columns"] = '"><script>'
    assert headings(await lin.get("/admin/users")) == []


async def test_filters_and_order_go_into_the_address(lin: Dashboard, people: Database) -> None:
    fields = {"status": "active", "registered_from": "2026-11-01", "order": "sign_ins-desc", "tag": ""}
    answer = await lin.submit("/admin/users", fields)
    assert answer.location == "/admin/users?status=active&registered_from=2026-11-01&order=sign_ins-desc"
    page = await lin.follow(answer)
    assert listed(page) == [id_of(1), id_of(2)]
    assert "2 users" in page.text


async def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    lin: Dashboard, people: Database
) -> None:
    answer = await lin.submit("/admin/users", {"registered_from": "yesterday", "status": "active"})
    page = await lin.follow(answer)
    assert page.status == 400
    assert 'value="yesterday"' in page.html
    assert 'aria-describedby="registered_from-note"' in page.html
    assert "This is no date" in page.text
    # Nobody, rather than more than were meant; and nothing to be done to them.
    assert (listed(page), 'id="picking"' in page.html) == ([], False)


async def test_pages_lead_to_each_other(lin: Dashboard, database: Database) -> None:
    database.users.insert_many([person(number) for number in range(PAGE_SIZE + 3)])

    def link(page: Page, text: str) -> str:
        hrefs = re.findall(
            rf'<a class="btn" href="([^"]+)"[^>]*>(?:<svg(?:(?!</svg>).)*</svg>)?{text}<',
            page.html,
            re.DOTALL,
        )
        assert len(hrefs) == 1, hrefs
        return unescape(hrefs[0])

    first = await lin.get("/admin/users")
    second = await lin.get(link(first, "Next"))
    assert listed(second) == [id_of(2), id_of(1), id_of(0)]
    assert listed(await lin.get(link(second, "Previous"))) == listed(first)
    assert listed(await lin.get(link(second, "First"))) == listed(first)
    last = await lin.get(link(first, "Last"))
    assert listed(last)[-1] == id_of(0)
    assert 'rel="next"' not in last.html


async def test_a_total_that_takes_time_is_asked_for_afterwards(lin: Dashboard, database: Database) -> None:
    database.users.insert_many([person(number, tags=["vip"]) for number in range(PAGE_SIZE + 3)])
    page = await lin.get("/admin/users?tag=vip")
    assert ("53 users" in page.text, "Count them" in page.text) == (False, True)
    [address] = re.findall(r'hx-get="([^"]+)"', page.html)
    assert "53 users" in (await lin.get(unescape(address))).text
    # Without JavaScript the link does it.
    assert "53 users" in (await lin.get("/admin/users?tag=vip&count=yes")).text


async def test_a_viewer_sees_the_list_and_has_nothing_to_do_with_it(
    vera: Dashboard, people: Database
) -> None:
    page = await vera.follow(await vera.submit("/admin/users", {"q": "mei"}))
    assert listed(page) == [id_of(3)]
    assert 'id="picking"' in page.html
    assert ('name="id"' in page.html, 'name="scope"' in page.html) == (False, False)


async def test_all_that_match_are_named_by_the_filter(lin: Dashboard, people: Database) -> None:
    page = await lin.get("/admin/users?q=mei&status=banned&order=registered-asc")
    assert 'name="filter" value="q=mei&amp;status=banned"' in page.html


async def test_a_search_that_takes_too_long_says_how_to_narrow_it(
    lin: Dashboard, people: Database, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_long(*arguments: object, **named: object) -> None:
        raise TooBroad

    monkeypatch.setattr(services.admin.directory, "page", too_long)
    page = await lin.get("/admin/users?q=mei")
    assert (page.status, "Narrow it" in page.text) == (503, True)
    assert 'value="mei"' in page.html


async def test_a_hostile_nickname_is_shown_and_not_obeyed(lin: Dashboard, database: Database) -> None:
    hostile = "\u202egnp<script>alert(1)</script>"
    database.users.insert_one(person(1, hostile))
    page = await lin.get("/admin/users")
    assert "<script>alert" not in page.html
    assert "\u202e" not in page.html
    assert "U+202E" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "after=zzz&before=1.2",
        "after=99999999999999." + "f" * 24,
        "after=99999999999999.99999999999999." + "f" * 24 + "&order=sign_ins-desc",
        "order=%00&columns=%ff",
        "q=%EF%BF%BF%E2%80%8B",
        "q[$ne]=1&status[$gt]=&app=%7B%22%24ne%22%3A1%7D",
        "registered_from=9999-12-31&seen_to=-1",
        "q=" + "%F0%9F%91%A9" * 300,
        "tag=%00",
    ],
)
async def test_no_address_breaks_the_page(lin: Dashboard, people: Database, query: str) -> None:
    assert (await lin.get(f"/admin/users?{query}")).status in (200, 400)


async def test_a_ban_that_has_ended_is_told_from_one_that_holds(
    lin: Dashboard, database: Database, services: Services
) -> None:
    now = services.admin.now()
    ban = {"reason": "spam", "by": "lin", "at": BEGAN, "shown": False}
    database.users.insert_many(
        [
            person(1, status="banned", ban={**ban, "until": now - timedelta(seconds=1)}),
            person(2, status="banned", ban={**ban, "until": now + timedelta(days=1)}),
        ]
    )
    assert listed(await lin.get("/admin/users?status=banned")) == [id_of(2)]
    page = await lin.get("/admin/users?status=ban_ended")
    assert (listed(page), "Ban over" in page.text) == ([id_of(1)], True)


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        ("", False),
        ("?column=phone", False),
        ("?q=mei", True),
        ("?order=seen-asc", True),
        ("?seen_from=x", True),
    ],
)
async def test_clearing_is_offered_where_something_is_set(vera: Dashboard, query: str, offered: bool) -> None:
    page = await vera.get(f"/admin/users{query}")
    assert ("Clear the search and all filters" in page.text) is offered
