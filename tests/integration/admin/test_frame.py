"""What every page of the dashboard shares: who gets in, forms, language and theme, what is told once, errors."""

from __future__ import annotations

import aiohttp
import pytest

from passport.services import Services
from tests.integration.admin.dashboard import SESSION, Dashboard, Page


def language_of(page: Page) -> str:
    return page.html.split('<html lang="')[1].split('"')[0]


async def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(visitor: Dashboard) -> None:
    page = await visitor.get("/admin?period=7d")
    assert (page.status, page.location) == (303, "/admin/sign-in?next=%2Fadmin%3Fperiod%3D7d")


async def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(visitor: Dashboard) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://a/admin/users?status=banned"}
    page = await visitor.get("/admin", headers=headers)
    assert (page.status, page.html) == (204, "")
    assert page.headers["HX-Redirect"] == "/admin/sign-in?next=%2Fadmin%2Fusers%3Fstatus%3Dbanned"


async def test_a_page_is_shown_to_a_viewer(vera: Dashboard) -> None:
    page = await vera.get("/admin")
    assert page.status == 200
    assert "vera" in page.text


async def test_what_a_role_may_not_see_is_not_in_the_bar(vera: Dashboard, ada: Dashboard) -> None:
    assert "/admin/operators" not in (await vera.get("/admin")).links
    assert "/admin/operators" in (await ada.get("/admin")).links


async def test_signing_out_ends_the_session_in_every_process(
    lin: Dashboard, other_process: aiohttp.ClientSession
) -> None:
    stolen = Dashboard(other_process.base_url, lin.cookies[SESSION])
    try:
        assert (await stolen.get("/admin")).status == 200
        page = await lin.submit("/admin/sign-out")
        assert (page.status, page.location) == (303, "/admin/sign-in")
        assert SESSION not in lin.cookies
        assert (await stolen.get("/admin")).status == 303
    finally:
        await stolen.close()


async def test_a_session_ends_after_half_an_hour_without_use(lin: Dashboard, clock) -> None:
    clock.advance(minutes=29)
    assert (await lin.get("/admin")).status == 200
    clock.advance(minutes=29)
    assert (await lin.get("/admin")).status == 200
    clock.advance(minutes=31)
    assert (await lin.get("/admin")).status == 303


async def test_a_session_ends_after_twelve_hours_of_use(lin: Dashboard, clock) -> None:
    for _ in range(25):
        clock.advance(minutes=28)
        assert (await lin.get("/admin")).status == 200
    clock.advance(minutes=28)
    assert (await lin.get("/admin")).status == 303


async def test_a_form_without_the_token_is_refused_and_changes_nothing(lin: Dashboard) -> None:
    page = await lin.request("POST", "/admin/sign-out", data=aiohttp.FormData([("a", "b")]))
    assert (page.status, "stale_form" in page.text) == (403, True)
    assert (await lin.get("/admin")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_another_sites_form_is_refused_even_with_the_token(
    lin: Dashboard, headers: dict[str, str]
) -> None:
    page = await lin.submit("/admin/sign-out", headers=headers)
    assert (page.status, "stale_form" in page.text) == (403, True)
    assert (await lin.get("/admin")).status == 200


async def test_the_language_is_kept_and_wins_over_the_browsers(lin: Dashboard) -> None:
    assert language_of(await lin.get("/admin")) == "en"
    page = await lin.submit("/admin/preferences", {"lang": "zh", "next": "/admin/users"})
    assert (page.status, page.location) == (303, "/admin/users")
    assert language_of(await lin.get("/admin")) == "zh-CN"


async def test_the_theme_is_kept(lin: Dashboard) -> None:
    assert 'data-theme="auto"' in (await lin.get("/admin")).html
    await lin.submit("/admin/preferences", {"theme": "dark"})
    assert 'data-bs-theme="dark"' in (await lin.get("/admin")).html


async def test_a_cookie_of_anything_else_changes_nothing(lin: Dashboard) -> None:
    lin.cookies |= {"lang": "fr", "theme": '"><script>', "__Host-told": "bm90IG91cnM"}
    page = await lin.get("/admin")
    assert page.status == 200
    assert "<script>" not in page.html.replace("<script src", "")
    assert language_of(page) == "en"


async def test_an_unknown_page_is_told_to_who_is_signed_in_alone(lin: Dashboard, visitor: Dashboard) -> None:
    page = await lin.get("/admin/nowhere")
    assert (page.status, "page_not_found" in page.text) == (404, True)
    assert (await visitor.get("/admin/nowhere")).status == 303


async def test_a_form_that_is_too_long_is_refused_as_a_page(lin: Dashboard) -> None:
    page = await lin.submit("/admin/preferences", {"next": "a" * 70_000})
    assert (page.status, "payload_too_large" in page.text) == (413, True)


@pytest.mark.parametrize("body", [b"_xsrf=%ff", b"&".join([b"a=b"] * 2_001), b"_xsrf=1;%zz"])
async def test_a_malformed_form_is_refused_as_a_page(lin: Dashboard, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    page = await lin.request("POST", "/admin/preferences", data=body, headers=headers)
    assert page.status in (400, 403)


async def test_json_is_no_form(lin: Dashboard) -> None:
    page = await lin.request("POST", "/admin/preferences", json={"theme": "dark"})
    assert (page.status, "invalid_form" in page.text) == (400, True)


async def test_every_cookie_is_for_this_host_alone(lin: Dashboard) -> None:
    page = await lin.submit("/admin/preferences", {"theme": "dark"})
    lines = page.headers.getall("Set-Cookie") + (await lin.get("/admin")).headers.getall("Set-Cookie", [])
    for line in lines:
        assert {"Secure", "HttpOnly", "Path=/"} <= set(line.split("; ")), line
        assert "SameSite=" in line


async def test_the_token_of_a_session_is_nowhere_in_the_database(
    lin: Dashboard, database, services: Services
) -> None:
    [session] = list(database.operator_sessions.find())
    assert lin.cookies[SESSION].encode() not in session["_id"]
    assert lin.cookies[SESSION] not in str(session)
