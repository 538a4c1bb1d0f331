"""`GET /admin`: what it says of today, of what was refused, and of the parts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pymongo
import pytest

from passport.periods import beginning_of, days_before, hour_of
from passport.services import Services, make_signing_keys
from passport.store.statistics import NO_APP, Slot
from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID, SECRET_KEY, Clock
from tests.integration.admin.dashboard import Dashboard, Page
from tests.integration.helpers import OTHER_APPID, the_three, with_two_apps
from tests.integration.test_index_use import profiled, walks

__all__ = ["profiled"]

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs, one of them with a name."""
    settings = with_two_apps(stand_in)
    settings["wechat"]["apps"][0]["name"] = "Tea shop"
    return settings


@pytest.fixture
def noon(services: Services, clock: Clock) -> Clock:
    """Half past twelve in Shanghai, on a Wednesday in the middle of a month."""
    zone = services.settings.dashboard.zone
    day = beginning_of("month", clock() + timedelta(days=32), zone) + timedelta(days=13)
    while day.astimezone(zone).weekday() != 2:
        day += timedelta(days=1)
    clock.advance(seconds=(day + timedelta(hours=12, minutes=30) - clock()).total_seconds())
    return clock


def count(services: Services, clock: Clock) -> Any:
    """Write counts for an hour as if they had been counted then."""

    async def write(back: timedelta, appid: str = APPID, **counts: int) -> None:
        hour = hour_of(clock() - back, services.settings.dashboard.zone)
        name = repr((back, appid, counts)).encode()
        await services.store.statistics.add(name, {Slot(hour, appid): counts})

    return write


def figure(page: Page, name: str) -> tuple[str, str]:
    """The number under this name, and the words beside it."""
    found = re.search(
        rf"<dt>{name}</dt>.*?overview-number\">([\d,]+)</span>.*?overview-change[^>]*>(.*?)</span>\s*</dd>",
        page.html,
        re.DOTALL,
    )
    assert found, page.text
    return found[1], re.sub(r"<span[^>]*>.*?</span>|\s+", " ", found[2]).strip()


async def test_today_stands_beside_the_same_weekday_until_the_same_time(
    services: Services, noon: Clock, vera: Dashboard
) -> None:
    write = count(services, noon)
    await write(timedelta(hours=1), sign_ins=30, registrations=4, refusals=1)
    await write(timedelta(days=7, hours=1), sign_ins=20, registrations=4, refusals=3)
    # Of the hour a week ago that is only half over by this time, half; of the evening before midnight, nothing.
    await write(timedelta(days=7), sign_ins=8)
    await write(timedelta(hours=14), sign_ins=500)

    page = await vera.get("/admin")
    assert page.status == 200
    assert figure(page, "Sign-ins") == ("30", "6 more than 24")
    assert figure(page, "Registrations") == ("4", "as many as then")
    assert figure(page, "Refused attempts") == ("1", "2 fewer than 3")
    assert "compared with last Wednesday until 12:30" in page.text


async def test_active_people_are_those_of_the_day_the_week_and_the_month(
    services: Services, noon: Clock, vera: Dashboard
) -> None:
    write = count(services, noon)
    await write(timedelta(hours=1), NO_APP, active_day=5, active_week=2, active_month=1)
    await write(timedelta(days=1), NO_APP, active_day=7, active_week=7, active_month=3)
    await write(timedelta(days=8), NO_APP, active_day=9, active_week=4, active_month=2)
    html = (await vera.get("/admin")).html
    page = Page(200, {}, html[html.index('id="active-title"') :])
    assert figure(page, "Today") == ("5", "5 more than 0")
    assert figure(page, "This week") == ("9", "5 more than 4")
    assert figure(page, "This month")[0] == "6"


async def test_a_real_day_is_on_the_page(api: API, services: Services, vera: Dashboard) -> None:
    body = {"appid": APPID} | the_three(api.wx_login("mei"))
    statuses = [(await call(body)).status for call in (api.token, api.register, api.token)]
    assert statuses == [401, 201, 200]
    await api.token({"appid": APPID} | the_three(api.wx_login("bo", order="wrong")))
    await services.statistics.flush()
    page = await vera.get("/admin")
    assert [
        figure(page, name)[0] for name in ("Sign-ins", "Registrations", "Refused attempts", "This month")
    ] == [
        "1",
    ] * 4
    assert "Call wx.login first, then wx.getUserInfo" in page.text


async def test_one_mini_program_is_chosen_by_the_address(
    services: Services, noon: Clock, vera: Dashboard
) -> None:
    write = count(services, noon)
    await write(timedelta(hours=1), APPID, sign_ins=30, active_day=11)
    await write(timedelta(hours=1), OTHER_APPID, sign_ins=5, active_day=4)
    await write(timedelta(hours=1), NO_APP, active_day=12)
    for query, sign_ins, active in (("", "35", "12"), (f"?app={OTHER_APPID}", "5", "4")):
        page = await vera.get(f"/admin{query}")
        assert (figure(page, "Sign-ins")[0], figure(page, "Today")[0]) == (sign_ins, active)
        assert "Tea shop" in page.text
    assert f"/admin?period=7d&amp;app={OTHER_APPID}" in page.html


@pytest.mark.parametrize(
    ("period", "rows"), [("24h", 24), ("7d", 27), ("30d", 30), ("90d", 90), ("1y", 24), ("%00", 24)]
)
async def test_behind_each_chart_is_a_table(
    services: Services, noon: Clock, vera: Dashboard, period: str, rows: int
) -> None:
    await count(services, noon)(timedelta(hours=1), sign_ins=30)
    page = await vera.get(f"/admin?period={period}")
    assert page.status == 200
    table = page.html[page.html.index('id="chart-sign_ins"') :]
    table = table[: table.index("</table>")]
    assert len(re.findall(r'<th scope="row">', table)) == rows
    assert sum(int(each) for each in re.findall(r'data-count="(\d+)"', table)) == 30
    assert re.search(r'<rect class="bar-1"', table)


async def test_a_refusal_leads_to_those_like_it(services: Services, noon: Clock, vera: Dashboard) -> None:
    write = count(services, noon)
    await write(timedelta(hours=1), OTHER_APPID, **{"refused.code_used": 3, "refusals": 3})
    await write(timedelta(hours=1), APPID, **{"refused.invalid_code": 5, "refusals": 5})
    page = await vera.get(f"/admin?period=90d&app={OTHER_APPID}")
    (link,) = (each for each in page.links if "error=code_used" in each)
    query = parse_qs(urlsplit(link).query)
    zone = services.settings.dashboard.zone
    first_day = days_before(beginning_of("day", noon(), zone), 89, zone)
    assert (query["app"], query["error"]) == ([OTHER_APPID], ["code_used"])
    assert query["since"] == [f"{first_day.astimezone(zone):%Y-%m-%dT%H:%M}"]
    assert "A code works once" in page.text
    assert "invalid_code" not in page.text
    assert "100 %" in page.text


async def test_whoever_has_no_user_yet_is_told_how_to_begin(
    api: API, services: Services, vera: Dashboard
) -> None:
    page = await vera.get("/admin")
    assert "Nobody has registered yet" in page.text
    assert "/oauth/token" in page.text
    assert f"{services.settings.wechat.base_url}/sandbox/login" in page.text
    body = {"appid": APPID} | the_three(api.wx_login("mei"))
    assert (await api.register(body)).status == 201
    assert "Nobody has registered yet" not in (await vera.get("/admin")).text


async def test_accounts_that_look_like_one_person_are_pointed_out(
    services: Services, vera: Dashboard, clock: Clock
) -> None:
    assert "look like one person" not in (await vera.get("/admin")).text
    one, two, three = "66f0c1e9ad8b7426e93d1c0a", "66f0c1e9ad8b7426e93d1c0b", "66f0c1e9ad8b7426e93d1c0c"
    await services.store.conflicts.note(one, two, unionid="u", at=clock())
    page = await vera.get("/admin")
    assert "Two accounts look like one person" in page.text
    assert f"/admin/users/{one}" in page.links
    await services.store.conflicts.note(three, two, unionid="u", at=clock())
    assert "2 pairs of accounts look like one person each" in (await vera.get("/admin")).text
    for other in (one, three):
        await services.store.conflicts.settle(other, two, by="lin", at=clock())
    assert "look like one person" not in (await vera.get("/admin")).text


async def test_a_job_under_way_is_linked_and_one_that_is_over_is_not(
    database: Database, vera: Dashboard, clock: Clock
) -> None:
    assert "under way" not in (await vera.get("/admin")).text
    job = {"state": "running", "created_at": clock()}
    job_id = database.jobs.insert_one(job).inserted_id
    page = await vera.get("/admin")
    assert "A job is under way." in page.text
    assert f"/admin/jobs/{job_id}" in page.links
    database.jobs.update_one({"_id": job_id}, {"$set": {"state": "done"}})
    assert "under way" not in (await vera.get("/admin")).text


# The parts


@pytest.mark.expects_log("WeChat refused the code")
async def test_a_quota_of_wechats_is_told_with_the_cure_and_the_rid(
    api: API, services: Services, vera: Dashboard
) -> None:
    errmsg = "reach max api daily quota limit, rid: 652d44d0-1d0af18b-5b069232 <script>"
    api.stand_in.faults.set("errcode", errcode=45009, errmsg=errmsg, times=1)
    assert (await api.token({"appid": APPID} | the_three(api.wx_login("mei")))).status == 503
    await services.statistics.flush()
    await services.wechat_states.tell()
    page = await vera.get("/admin")
    assert "A quota of WeChat's is used up" in page.text
    assert "652d44d0-1d0af18b-5b069232" in page.text
    assert "<script>" not in page.html.partition("</head>")[2]


async def test_a_wechat_that_does_not_answer_is_the_first_thing_on_the_page(
    api: API, services: Services, vera: Dashboard
) -> None:
    api.stand_in.faults.set("http_503")
    for number in range(5):
        await api.token({"appid": APPID} | the_three(api.wx_login(f"visitor-{number}")))
    await services.wechat_states.tell()
    page = await vera.get("/admin")
    assert page.text.index("Nobody can sign in for the moment") < page.text.index("Since midnight")
    assert "Does not answer" in page.text


async def test_the_parts_are_named_as_they_are(services: Services, vera: Dashboard) -> None:
    page = await vera.get("/admin")
    assert services.keys.signer.kid in page.text
    assert re.search(r"Answers in \d+ ms", page.text)
    assert "embedded, with this server" in page.text
    assert "Not called yet" in page.text


async def test_a_rotation_shows_before_it_happens(services: Services, vera: Dashboard) -> None:
    keys = make_signing_keys(services.settings, store=services.store, secret_key=SECRET_KEY)
    life, _ = await keys.rotate()
    await services.keys.reload()
    page = await vera.get("/admin")
    assert "Successor signs from" in page.text
    assert life.key.kid in page.text


# What it costs


async def test_no_query_of_the_page_walks_a_collection(
    services: Services, vera: Dashboard, profiled: Database, clock: Clock
) -> None:
    await services.store.conflicts.note("66f0c1e9ad8b7426e93d1c0a", None, unionid="u", at=clock())
    await count(services, clock)(timedelta(hours=1), **{"refused.code_used": 3, "refusals": 3})
    for query in ("", f"?app={APPID}", "?period=90d"):
        assert (await vera.get(f"/admin{query}")).status == 200
    read = {each["ns"].partition(".")[2] for each in profiled["system.profile"].find({})}
    assert read >= {"statistics", "users", "identity_conflicts", "wechat_health"}
    assert walks(profiled) == set()


async def test_what_is_shown_is_nobodys_name(api: API, services: Services, vera: Dashboard) -> None:
    body = {"appid": APPID} | the_three(api.wx_login("mei"))
    await api.register(body)
    page = await vera.get("/admin")
    assert api.stand_in.people.openid("mei") not in page.html
    assert "小美" not in page.html
