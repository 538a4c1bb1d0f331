"""The page of one user in a real browser: ban and undo, reveal, erase by keyboard, without JavaScript, axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page

from passport.services import Services
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.client import API
from tests.effort import halved

pytestmark = pytest.mark.gen_test(timeout=200)
Database = Any
APPEARANCES = halved([("zh", "dark", 360), ("en", "light", 1280), ("zh", "light", 1280), ("en", "dark", 360)])


async def press(page: Page, button: str | re.Pattern[str]) -> None:
    """Press a button that sends a form, and wait for the answer."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=button).click()


async def without_pictures(api: API, database: Database, person: str) -> dict[str, Any]:
    """Somebody signed in whose picture no browser goes to WeChat for."""
    tokens = await api.sign_in(person)
    database.users.update_many({}, {"$unset": {"profile.avatar_url": ""}})
    return tokens


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_ban_stops_the_refresh_and_its_undo_lets_the_user_sign_in_again(
    admin_page: OpenAdmin, api: API, database: Database, scripts: bool
) -> None:
    tokens = await without_pictures(api, database, "mei")
    async with admin_page(f"/admin/users/{tokens['account_id']}", java_script_enabled=scripts) as page:
        await page.get_by_role("link", name="Ban…").click()
        assert "1 session ends at once" in await page.inner_text("main")
        await page.locator("#reason").fill("刷单")
        await page.get_by_label("in 7 days").check()
        await press(page, "Ban 小美")
        assert "is banned" in await page.inner_text("#told")
        assert (await api.refresh(tokens["refresh_token"])).error == "account_disabled"
        await press(page, "Undo")
        assert "stay ended" in await page.inner_text("#told")
        assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"
        assert (await api.token(api.wx_login("mei"))).status == 200


async def test_a_value_is_revealed_once(admin_page: OpenAdmin, api: API, database: Database) -> None:
    tokens = await without_pictures(api, database, "mei")
    unionid = api.stand_in.people.unionid("mei")
    async with admin_page(f"/admin/users/{tokens['account_id']}") as page:
        assert unionid not in await page.content()
        await press(page, re.compile("Reveal.*unionid"))
        assert await page.locator(".revealed").inner_text() == unionid
        await page.goto(f"/admin/users/{tokens['account_id']}")
        assert unionid not in await page.content()


async def test_a_user_is_erased_by_keyboard_alone(
    admin_page: OpenAdmin, api: API, database: Database
) -> None:
    tokens = await without_pictures(api, database, "mei")
    async with admin_page(f"/admin/users/{tokens['account_id']}/erase") as page:
        name = await page.locator("label[for=confirmation] code").inner_text()
        for _ in range(30):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.id") == "confirmation":
                break
        await page.keyboard.type(name)
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert "Closed account" in await page.locator("h1").inner_text()
    assert database.users.count_documents({}) == 0


async def test_the_pages_fit_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, api: API, services: Services, database: Database
) -> None:
    tokens, bo = [await without_pictures(api, database, each) for each in ("mei", "bo")]
    url = f"/admin/users/{tokens['account_id']}"
    first = database.users.find_one()
    number = {"number": "+8613800138000", "country_code": "86", "pure_number": "13800138000"}
    appid = first["identities"][0]["appid"]
    phone = {**number, "appid": appid, "bound_at": first["created_at"], "code_digest": b"x"}
    database.users.update_many({}, {"$set": {"phone": phone, "tags": ["vip"], "note": "one\ntwo"}})
    conflicts = services.store.conflicts
    await conflicts.note(tokens["account_id"], None, unionid="of-another", at=first["created_at"])
    user = await services.users.find(tokens["account_id"])
    assert user
    care = services.admin.care
    await care.ban(user, reason="刷单", until=None, shown=False, by="lin")
    parts = ("", "/ban", "/erase", f"/compare/{bo['account_id']}")
    for language, scheme, width in APPEARANCES:
        options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
        async with admin_page(url, **options) as page:
            for part in parts:
                await page.goto(url + part)
                assert (part, await page.evaluate("document.documentElement.scrollWidth")) == (part, width)
                if part == "" or (language, scheme) in (("zh", "dark"), ("en", "light")):
                    assert (part, await objections(page)) == (part, [])
