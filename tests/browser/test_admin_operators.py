"""Getting in, in a real browser: the first operator by the link, a second factor, and what axe says of every page."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from playwright.async_api import Browser, Page

from passport.operators.team import Team
from passport.services import Services
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.client import API
from tests.conftest import Clock

pytestmark = pytest.mark.gen_test(timeout=200)

PASSWORD = "correct horse battery staple"
SUBMIT = "main form button[type=submit]"


async def submit(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        await page.fill(f"main #{name}", value)
    await page.locator(SUBMIT).last.click()
    await page.wait_for_load_state()


async def test_the_first_operator_gets_in_by_the_link_and_signs_in_with_a_second_factor(
    browser: Browser, api: API, services: Services, clock: Clock
) -> None:
    team: Team = services.admin.operators.team
    context = await browser.new_context(base_url=api.base_url, locale="en-GB", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/admin/set-up/{await team.link_for_first()}")
    await submit(page, name="Ada", password="short", again="short")
    assert "at least 15 characters" in await page.inner_text("#password-note")
    assert await page.input_value("#name") == "Ada"
    await submit(page, password=PASSWORD, again=PASSWORD)
    assert page.url == f"{api.base_url}/admin"

    await page.goto("/admin/account/second-factor")
    await page.get_by_text("No camera?").click()
    seed = await page.inner_text("code.secret")
    await submit(page, code=pyotp.TOTP(seed).at(clock()))
    assert await page.locator(".codes li").count() == 10
    recovery_code = await page.locator(".codes code").first.inner_text()

    for second_factor in ("code", "recovery"):
        await context.clear_cookies()
        clock.advance(seconds=30)
        await page.goto("/admin/operators")
        await submit(page, name="ada", password=PASSWORD)
        if second_factor == "recovery":
            await page.get_by_text("Use a recovery code").click()
        code = recovery_code if second_factor == "recovery" else pyotp.TOTP(seed).at(clock())
        await submit(page, code=code)
        assert page.url == f"{api.base_url}/admin/operators"
    cookies: list[Any] = await context.cookies()
    assert {each["name"]: each["secure"] and each["httpOnly"] for each in cookies}["__Host-sid"]
    await context.close()


@pytest.mark.parametrize(("language", "scheme"), [("zh", "dark"), ("en", "light")])
async def test_axe_has_nothing_to_object_to_and_all_fits_on_a_phone(
    admin_page: OpenAdmin, services: Services, language: str, scheme: str
) -> None:
    team = services.admin.operators.team
    member = await team.add("林小雨", "viewer", operator_id=team.new_id())
    link = f"/admin/set-up/{await team.link_for(member)}"
    paths = [
        "/admin/account",
        "/admin/account/second-factor",
        "/admin/operators",
        "/admin/operators/add",
        f"/admin/operators/{member.operator_id}",
        link,
        "/admin/sign-in",
    ]
    options: dict[str, Any] = {"scheme": scheme, "language": language, "bypass_csp": True}
    async with admin_page("/admin", role="admin", width=360, **options) as page:
        for path in paths:
            if path == "/admin/sign-in":
                await page.context.clear_cookies()
            await page.goto(path)
            for details in await page.locator("main details").all():
                await details.locator("summary").click()
            assert await page.evaluate("document.documentElement.scrollWidth") == 360, path
            assert await objections(page) == [], path


async def test_the_back_button_shows_nothing_after_signing_out(admin_page: OpenAdmin) -> None:
    async with admin_page("/admin/operators", role="admin") as page:
        await page.locator(".menu > summary").click()
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/admin/sign-in")
        await page.go_back()
        await page.wait_for_url("**/admin/sign-in?next=*")
        assert await page.get_by_label("Password").is_visible()
