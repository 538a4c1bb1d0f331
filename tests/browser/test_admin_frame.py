"""The frame of the dashboard in a real browser: appearance, language, keyboard, without JavaScript."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections

pytestmark = pytest.mark.gen_test(timeout=200)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_frame_fits_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, language: str
) -> None:
    for scheme in ("light", "dark"):
        for width in (1280, 360):
            options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
            async with admin_page("/admin", role="admin", **options) as page:
                assert await page.evaluate("document.documentElement.scrollWidth") == width
                assert await page.locator("html").get_attribute("data-bs-theme") == scheme
                assert await objections(page) == []


async def test_language_and_theme_are_switched_and_kept(admin_page: OpenAdmin) -> None:
    async with admin_page("/admin") as page:
        await page.locator(".menu > summary").click()
        async with page.expect_navigation():
            await page.get_by_role("button", name="中文").click()
        assert await page.locator("html").get_attribute("lang") == "zh-CN"
        await page.locator(".menu > summary").click()
        async with page.expect_navigation():
            await page.get_by_role("button", name="深色").click()
        assert await page.locator("html").get_attribute("data-bs-theme") == "dark"
        await page.reload()
        assert await page.locator("html").get_attribute("lang") == "zh-CN"
        assert await page.locator("html").get_attribute("data-bs-theme") == "dark"


async def test_all_of_it_works_by_keyboard_and_without_javascript(admin_page: OpenAdmin) -> None:
    async with admin_page("/admin", java_script_enabled=False) as page:
        await page.keyboard.press("Tab")
        assert await page.locator(":focus").inner_text() == "Skip to content"
        await page.locator(".menu > summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert "中文" in await page.locator(":focus").inner_text()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert await page.locator("html").get_attribute("lang") == "zh-CN"
