"""`/admin/refusals`: what went wrong, filtered, counted, page by page, with the cure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from handlers.admin.refusals import PER_PAGE
from passport.models import Refusal
from passport.services import Services
from passport.store.refusals import new_refusal_id
from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET, APPID, Clock
from tests.integration.admin.dashboard import Dashboard, Page
from tests.integration.helpers import OTHER_APPID, with_two_apps
from tests.security.profiler import profiling

Database = Any
ACCOUNT = "66f0c1e9ad8b7426e93d1c0a"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two apps with names."""
    made = with_two_apps(stand_in)
    for app, name in zip(made["wechat"]["apps"], ("花店", "game"), strict=True):
        app["name"] = name
    return made


def refusal(at: datetime, number: int = 0, **changes: Any) -> Refusal:
    made: dict[str, Any] = {
        "refusal_id": new_refusal_id(),
        "at": at,
        "error": "code_used",
        "status": 403,
        "kind": "CodeUsed",
        "operation": "POST /oauth/token",
        "request_id": f"{number:016x}",
        "ip": "203.0.113.9",
        "user_agent": "an iPhone",
        "expires_at": at + timedelta(days=30),
        "appid": APPID,
        "description": "This code has been used. A code works once.",
    }
    return Refusal(**{**made, **changes})


async def kept(services: Services, *refusals: Refusal) -> None:
    await services.store.refusals.insert(refusals)


def links(page: Page, part: str) -> list[str]:
    return [link for link in page.links if part in link]


def rows(page: Page) -> int:
    return page.html.count('class="refusal-title"')


async def test_a_refused_attempt_is_listed_with_its_cure(
    api: API, services: Services, vera: Dashboard
) -> None:
    await api.token({**api.wx_login("mei"), "appid": APPID, "code": "unknown"})
    await services.refusals.flush()
    page = await vera.get("/admin/refusals")
    assert page.status == 200
    for words in ("WeChat did not accept the code", "The developer", "花店", "POST /oauth/token", "40029"):
        assert words in page.text
    assert "Call wx.login again and send the new code at once" in page.text
    assert "1 attempt" in page.text


async def test_the_cure_is_in_the_operators_language(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    await kept(services, refusal(clock()))
    vera.language = "zh"
    page = await vera.get("/admin/refusals")
    for words in ("登录问题", "code 已被使用", "需要开发者处理", "每个 code 只能用一次", "转发给开发者"):
        assert words in page.text


async def test_without_refusals_the_page_says_so(vera: Dashboard) -> None:
    assert "Nothing went wrong" in (await vera.get("/admin/refusals")).text
    page = await vera.get("/admin/refusals?error=code_used")
    assert "Nothing matches all of the filters" in page.text


async def test_a_first_visit_is_listed_when_asked_for(api: API, services: Services, vera: Dashboard) -> None:
    await api.token({**api.wx_login("mei"), "appid": APPID})
    await services.refusals.flush()
    assert rows(await vera.get("/admin/refusals")) == 0
    assert rows(await vera.get("/admin/refusals?ordinary=1")) == 1
    assert rows(await vera.get("/admin/refusals?error=unregistered")) == 1


FILTERS = {
    "error=slow_down": {"error": "slow_down", "status": 429},
    f"app={OTHER_APPID}": {"appid": OTHER_APPID},
    "operation=GET+%2Faccounts%2Fme": {"operation": "GET /accounts/me"},
    "errcode=40163": {"wechat_errcode": 40163},
    f"account={ACCOUNT}": {"account_id": ACCOUNT},
    f"who={'ab' * 32}": {"openid": bytes.fromhex("ab" * 32)},
}


@pytest.mark.parametrize("query", FILTERS)
async def test_a_filter_leaves_what_matches_and_counts_it(
    services: Services, vera: Dashboard, clock: Clock, query: str
) -> None:
    await kept(services, refusal(clock(), 1), refusal(clock(), 2, **FILTERS[query]))
    page = await vera.get(f"/admin/refusals?{query}")
    assert (rows(page), f"{2:016x}" in page.html, f"{1:016x}" in page.html) == (1, True, False)
    assert "1 attempt" in page.text
    assert rows(await vera.get("/admin/refusals")) == 2


async def test_all_filters_hold_at_once(services: Services, vera: Dashboard, clock: Clock) -> None:
    changes = {name: value for each in FILTERS.values() for name, value in each.items()}
    await kept(services, refusal(clock(), 1, **changes), refusal(clock(), 2, **{**changes, "appid": APPID}))
    page = await vera.get("/admin/refusals?" + "&".join(FILTERS))
    assert (rows(page), f"{1:016x}" in page.html) == (1, True)


async def test_the_period_is_a_day_or_what_is_chosen(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    for number, hours in enumerate((0, 2, 30, 24 * 10)):
        await kept(services, refusal(clock() - timedelta(hours=hours), number))
    counts = {
        period: rows(await vera.get(f"/admin/refusals?period={period}"))
        for period in ("1h", "24h", "7d", "30d")
    }
    assert counts == {"1h": 1, "24h": 2, "7d": 3, "30d": 4}
    zone = services.settings.dashboard.zone
    since = (clock() - timedelta(hours=31)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    until = (clock() - timedelta(hours=1)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    assert rows(await vera.get(f"/admin/refusals?since={since}&until={until}")) == 2


async def test_nonsense_in_the_address_is_told_beside_the_field(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    await kept(services, refusal(clock()))
    page = await vera.get(
        "/admin/refusals?errcode=x&account=y&since=z&until=2026-99-99&who=q&period=w&before=1&after=-"
    )
    assert page.status == 200
    assert "An errcode is a number" in page.text
    assert page.text.count("This is no time") == 2
    for value in ("9" * 30, "-", "1e9", "٣", "\u202e", "%00"):
        for name in ("errcode", "account", "since", "until", "before", "after", "app", "who", "operation"):
            assert (await vera.get("/admin/refusals", params={name: value})).status in (200, 400)


async def test_pages_lead_to_the_oldest_and_back_without_a_gap_or_a_double(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    now, many = clock(), 2 * PER_PAGE + 7
    # Several of one moment, so that the time alone does not tell where a page ends.
    await kept(services, *[refusal(now - timedelta(seconds=number // 7), number) for number in range(many)])
    seen: list[list[str]] = []
    page = await vera.get("/admin/refusals")
    while True:
        seen.append([link for link in page.links if "/admin/refusals/" in link])
        older = links(page, "before=")
        if not older:
            break
        page = await vera.get(f"/admin/refusals{older[0]}")
    assert [len(each) for each in seen] == [PER_PAGE, PER_PAGE, 7]
    assert len({link for each in seen for link in each}) == many
    for expected in (seen[1], seen[0]):
        page = await vera.get(f"/admin/refusals{links(page, 'after=')[0]}")
        assert [link for link in page.links if "/admin/refusals/" in link] == expected
    assert links(page, "after=") == []


async def test_a_flood_is_one_row_and_all_of_the_count(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    await kept(services, refusal(clock(), 1), refusal(clock(), 2, weight=100))
    page = await vera.get("/admin/refusals")
    assert "×100" in page.text
    assert "101 attempts" in page.text


async def test_the_reasons_are_counted_most_frequent_first(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    errors = ["code_used", "slow_down", "slow_down", "unregistered", "unregistered", "unregistered"]
    await kept(services, *[refusal(clock(), n, error=error) for n, error in enumerate(errors)])
    page = await vera.get("/admin/refusals")
    summary = page.text[page.text.index("By reason") : page.text.index("3 attempts")]
    places = [summary.index(words) for words in ("Too many requests", "The code had been used", "Somebody")]
    assert places == sorted(places)
    assert "?error=slow_down" in page.links


async def test_what_is_counted_by_reason_is_what_the_other_filters_leave(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    codes = [("code_used", 40163), ("code_used", 40163), ("invalid_code", 40029)]
    made = [refusal(clock(), n, error=error, wechat_errcode=code) for n, (error, code) in enumerate(codes)]
    await kept(services, *made)
    page = await vera.get("/admin/refusals?errcode=40163&error=invalid_code")
    assert (links(page, "error=code_used") != [], links(page, "error=invalid_code")) == (True, [])
    assert "By reason" not in (await vera.get("/admin/refusals?errcode=99999")).text


async def test_one_refusal_tells_everything(services: Services, lin: Dashboard, clock: Clock) -> None:
    made = refusal(
        clock(),
        account_id=ACCOUNT,
        wechat_errcode=40164,
        rid="652d44d0-1d0af18b-5b069232",
        errmsg="invalid ip \u202e<b>",
        user_agent="<script>alert(1)</script>",
        error="server_misconfigured",
        cause="TimeoutError",
    )
    await kept(services, made)
    page = await lin.get(f"/admin/refusals/{made.refusal_id}")
    for words in (
        "40164",
        "652d44d0-1d0af18b-5b069232",
        "invalid ip",
        "203.0.113.9",
        "TimeoutError",
        "IP allow-list",
    ):
        assert words in page.text
    assert "U+202E" in page.text
    assert "\u202e" not in page.html
    assert "<script>alert" not in page.html
    assert f"/admin/users/{ACCOUNT}" in page.links


async def test_a_viewer_sees_a_masked_address(services: Services, vera: Dashboard, clock: Clock) -> None:
    made = refusal(clock())
    await kept(services, made)
    page = await vera.get(f"/admin/refusals/{made.refusal_id}")
    assert "203.0.113.9" not in page.html
    assert "20" in page.text


async def test_a_refusal_that_is_not_kept_is_not_found(vera: Dashboard) -> None:
    assert (await vera.get(f"/admin/refusals/{ObjectId()}")).status == 404


async def test_the_text_for_the_developer_says_what_it_takes_and_nothing_of_the_person(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    await kept(services, refusal(clock(), 7, account_id=ACCOUNT, openid=b"\1" * 32, wechat_errcode=40163))
    page = await vera.get("/admin/refusals")
    text = page.html[page.html.index("<textarea") : page.html.index("</textarea>")]
    for words in ("code_used", "POST /oauth/token", f"{7:016x}", "40163", APPID, "Cure: A code works once"):
        assert words in text
    for words in (ACCOUNT, "203.0.113.9", "iPhone", "01" * 32):
        assert words not in text.partition(">")[2]


async def test_no_query_of_these_pages_walks_the_collection(
    services: Services, vera: Dashboard, clock: Clock, database: Database
) -> None:
    """R-027: every filter, alone and with a place, by an index; sorted by it, too."""
    await kept(services, *[refusal(clock(), n, wechat_errcode=40163) for n in range(PER_PAGE + 5)])
    made = refusal(clock(), 999, rid="652d44d0-1d0af18b-5b069232")
    await kept(services, made)
    with profiling(database):
        for query in ("", *FILTERS, "ordinary=1&period=30d", "&".join(FILTERS)):
            page = await vera.get(f"/admin/refusals?{query}")
            for link in links(page, "before=")[:1]:
                await vera.get(f"/admin/refusals{link}")
        await vera.get(f"/admin/refusals/{made.refusal_id}")
        for text in (made.request_id, "652d44d0-1d0af18b-5b069232", APP_SECRET[:24], ACCOUNT):
            await services.look_up.explain(text)
        plans = list(database["system.profile"].find({"ns": f"{database.name}.refusals"}))
    assert len(plans) > 20
    assert [each["command"] for each in plans if "COLLSCAN" in each.get("planSummary", "")] == []
    assert [each["command"] for each in plans if each.get("hasSortStage")] == []


@pytest.mark.parametrize(("query", "offered"), [("", False), ("?period=30d", True), ("?errcode=x", True)])
async def test_clearing_is_offered_where_something_is_set(vera: Dashboard, query: str, offered: bool) -> None:
    page = await vera.get(f"/admin/refusals{query}")
    assert ("Clear" in [each.strip() for each in re.findall(r">([^<]+)</a>", page.html)]) is offered
