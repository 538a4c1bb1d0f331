"""The API reference in a real browser: quiet under the strict policy, accessible, readable on any screen."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open
from tests.browser.test_home_page import APPEARANCES, BACKGROUND, objections

pytestmark = pytest.mark.gen_test(timeout=200)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_loads_without_complaint_and_fits_the_screen(open_page: Open, language: str) -> None:
    for scheme, width in APPEARANCES:
        async with open_page(f"/docs?lang={language}", scheme=scheme, width=width) as page:
            assert await page.locator("h1").count() == 1
            await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == BACKGROUND[scheme]


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_axe_has_nothing_to_object_to(open_page: Open, language: str) -> None:
    for scheme, width in APPEARANCES:
        async with open_page(f"/docs?lang={language}", scheme=scheme, width=width, bypass_csp=True) as page:
            await page.evaluate("document.querySelector('details').open = true")
            assert await objections(page) == []


async def test_the_home_page_leads_there_in_the_language_chosen_and_the_contents_to_each_call(
    open_page: Open,
) -> None:
    async with open_page("/?lang=en", java_script_enabled=False) as page:
        await page.get_by_role("link", name="Every call").click()
        await page.wait_for_url("**/docs?lang=en")
        await (
            page.get_by_role("navigation", name="Contents")
            .get_by_role("link", name="/accounts/wxapp")
            .click()
        )
        await page.wait_for_url("**/docs?lang=en#postAccountsWxapp")
        assert await page.locator("#postAccountsWxapp").is_visible()


async def test_the_refusals_open_without_javascript(open_page: Open) -> None:
    async with open_page("/docs?lang=zh", java_script_enabled=False) as page:
        article = page.locator("article").first
        assert not await article.get_by_text("decrypt_failed").is_visible()
        await article.get_by_text("错误及处理办法").click()
        assert await article.get_by_text("decrypt_failed").is_visible()
        assert await article.get_by_text("请先调用 wx.login").first.is_visible()
