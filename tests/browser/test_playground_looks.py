"""The playground for everybody: on any screen, in both languages and schemes, by keyboard and ear, without a script."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import Open
from tests.browser.playing import Play, playing
from tests.browser.test_home_page import APPEARANCES, BACKGROUND, focused_text, objections

pytestmark = pytest.mark.gen_test(timeout=110)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_fits_the_screen_and_axe_has_nothing_to_object_to(
    browser: Browser, server_url: str, language: str
) -> None:
    for scheme, width in APPEARANCES:
        options: dict[str, Any] = {"color_scheme": scheme, "width": width, "bypass_csp": True}
        async with playing(browser, server_url, path=f"/demo?lang={language}", **options) as play:
            page: Any = play.page
            assert await page.locator("h1").count() == 1
            assert (
                await page.evaluate("getComputedStyle(document.body).backgroundColor") == BACKGROUND[scheme]
            )
            if width == 360:
                assert await objections(page) == []
            await play.act("order", ends="failed")
            await play.open(6)
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            await finish_animations(play)
            assert await cut_off(play) == []
            assert await objections(page) == []


async def cut_off(play: Play) -> Any:
    """The words of the diagram that are not wholly within it; it clips, so that the page would not scroll."""
    return await play.page.evaluate(
        """() => {
            const { left, right } = document.getElementById('view').getBoundingClientRect()
            return [...document.querySelectorAll('.label, .lane b, .note span, button > .took')]
                .filter(each => each.getBoundingClientRect().left < left || each.getBoundingClientRect().right > right)
                .map(each => each.textContent)
        }"""
    )


async def finish_animations(play: Play) -> None:
    """A line that is still being drawn has the colours of neither its beginning nor its end."""
    await play.page.evaluate("document.getAnimations().forEach(each => each.finish())")


async def test_an_arrow_opens_beside_the_diagram_or_below_itself(browser: Browser, server_url: str) -> None:
    async with playing(browser, server_url) as play:
        await play.act("order", ends="failed")
        await play.open(5)
        assert await play.page.locator(".aside-column #inspector").count() == 1
        await play.page.set_viewport_size({"width": 360, "height": 800})
        await play.page.wait_for_selector("#steps .step:nth-of-type(5) #inspector")
        assert await play.page.evaluate("document.documentElement.scrollWidth") == 360


async def test_the_keyboard_plays_it_and_the_ear_follows(browser: Browser, server_url: str) -> None:
    async with playing(browser, server_url, path="/demo?lang=zh") as play:
        page: Any = play.page
        for _ in range(4):
            await page.keyboard.press("Tab")
        assert await focused_text(page) == "微信登录"
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#stage[data-state=done]")
        # The button has kept the focus while it rested.
        assert await focused_text(page) == "微信登录"
        steps, end = await page.get_by_role("status").all_inner_texts()
        assert steps == "第 12 步：wxpassport 到 小程序，200 access_token"
        assert end == "登录成功：新账号，首次访问全程只用一个 code。"
        arrow = page.get_by_role("button", name="第 6 步：wxpassport 到 微信，code2session")
        await arrow.focus()
        await page.keyboard.press("Enter")
        assert await arrow.get_attribute("aria-current") == "true"
        assert await page.get_by_role("heading", name="code2session").is_visible()


async def test_nothing_moves_for_those_who_want_no_motion(browser: Browser, server_url: str) -> None:
    running = "[...document.getAnimations()].filter(each => each instanceof CSSAnimation).length"
    for motion, expected in (("reduce", False), ("no-preference", True)):
        options: dict[str, Any] = {"reduced_motion": motion}
        async with playing(browser, server_url, **options) as play:
            await play.page.click("[data-scene=slow]")
            await play.page.wait_for_selector(".pending[data-label=code2session]")
            assert bool(await play.page.evaluate(running)) is expected


async def test_without_javascript_there_are_lines_to_paste(open_page: Open, server_url: str) -> None:
    async with open_page("/demo?lang=zh", java_script_enabled=False) as page:
        assert await page.locator("noscript p", has_text="没有 JavaScript 时").is_visible()
        lines = (await page.locator("noscript pre").inner_text()).strip().splitlines()
        assert len(lines) == 4
        assert lines[0].endswith("/sandbox/login)")
        assert all(server_url in line for line in lines[1:])
        assert not await page.locator("#stage").is_visible()


async def test_the_home_page_of_the_demo_leads_there_in_the_language_chosen(open_page: Open) -> None:
    async with open_page("/?lang=en", java_script_enabled=False) as page:
        await page.get_by_role("link", name="Watch a login happen").click()
        await page.wait_for_url("**/demo?lang=en")
