"""The home page in a real browser: quiet, accessible, readable on any screen, in both languages and schemes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Open
from tests.effort import halved

[AXE] = (Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js")
APPEARANCES = halved([("light", 1280), ("dark", 360), ("light", 360), ("dark", 1280)])
BACKGROUND = {"light": "rgb(246, 248, 247)", "dark": "rgb(16, 20, 18)"}

pytestmark = pytest.mark.gen_test(timeout=200)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_it_loads_without_complaint_and_fits_the_screen(open_page: Open, language: str) -> None:
    for scheme, width in APPEARANCES:
        async with open_page(f"/?lang={language}", scheme=scheme, width=width) as page:
            assert await page.locator("h1").count() == 1
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == BACKGROUND[scheme]


# axe is a script, which the page's policy keeps out, so in the next two tests the policy is off.


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_axe_has_nothing_to_object_to(open_page: Open, language: str) -> None:
    for scheme, width in APPEARANCES:
        async with open_page(f"/?lang={language}", scheme=scheme, width=width, bypass_csp=True) as page:
            assert await objections(page) == []


async def test_axe_has_nothing_to_object_to_on_the_error_page(open_page: Open) -> None:
    for scheme, width in APPEARANCES:
        options: dict[str, Any] = {"method": "POST", "complaint": "405", "bypass_csp": True}
        async with open_page("/", scheme=scheme, width=width, **options) as page:
            assert await page.get_by_text("method_not_allowed").is_visible()
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await objections(page) == []


async def test_the_policy_keeps_a_foreign_script_and_style_out(open_page: Open) -> None:
    async with open_page("/", complaint="Content Security Policy") as page:
        await page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
        )
        await page.evaluate("document.body.setAttribute('style', 'display: none')")
        assert await page.evaluate("window.ran") is None
        assert await page.locator("h1").is_visible()


async def test_the_keyboard_reaches_the_skip_link_first_and_then_the_language(open_page: Open) -> None:
    async with open_page("/") as page:
        skip_link = page.locator(".skip-link")
        assert not await in_view(skip_link)
        await page.keyboard.press("Tab")
        assert await focused_text(page) == "跳到正文"
        assert await in_view(skip_link)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert await focused_text(page) == "English"
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/?lang=en")
        assert await page.locator("html").get_attribute("lang") == "en"


async def test_the_skip_link_leads_past_the_header(open_page: Open) -> None:
    async with open_page("/") as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.closest('main') !== null")


async def test_a_narrow_screen_scrolls_the_code_in_its_own_box_by_keyboard_too(open_page: Open) -> None:
    async with open_page("/", width=360) as page:
        box = page.locator(".code")
        assert await box.evaluate("box => box.scrollWidth > box.clientWidth")
        await box.focus()
        await page.keyboard.press("ArrowRight")
        await until(lambda: box.evaluate("box => box.scrollLeft > 0"))
        assert await page.evaluate("window.scrollX") == 0


async def test_the_table_is_still_a_table_where_its_rows_are_blocks(open_page: Open) -> None:
    async with open_page("/", width=360) as page:
        table = page.get_by_role("table", name="接口")
        assert await table.get_by_role("row").count() == 3
        assert await table.get_by_role("columnheader").count() == 3
        assert await table.get_by_role("cell", name="/oauth/token").is_visible()


async def test_it_works_without_javascript(open_page: Open) -> None:
    async with open_page("/", java_script_enabled=False) as page:
        await page.get_by_role("link", name="English").click()
        await page.wait_for_url("**/?lang=en")
        assert await page.get_by_role("heading", level=1).inner_text() == "Sign-in for WeChat mini-programs"


async def test_nothing_moves_once_it_is_painted(open_page: Open) -> None:
    async with open_page("/", width=360) as page:
        shift = await page.evaluate(
            """() => new Promise(resolve => {
                let total = 0
                new PerformanceObserver(list => list.getEntries().forEach(each => { total += each.value }))
                    .observe({type: 'layout-shift', buffered: true})
                requestAnimationFrame(() => requestAnimationFrame(() => resolve(total)))
            })"""
        )
        assert shift == 0


async def objections(page: Any) -> list[tuple[str, list[str]]]:
    """What axe finds wrong, once it has looked at what matters."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    result: dict[str, Any] = await page.evaluate("axe.run(document)")
    assert {"color-contrast", "landmark-one-main", "region"} <= {each["id"] for each in result["passes"]}
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds, ten seconds at most."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110  # a scroll position rings no bell
            await asyncio.sleep(0.02)


async def focused_text(page: Any) -> str:
    """The text of what has the focus."""
    text: str = await page.evaluate("document.activeElement.innerText")
    return text


async def in_view(locator: Any) -> bool:
    """Whether any of it is on the screen."""
    seen: bool = await locator.evaluate("element => element.getBoundingClientRect().bottom > 0")
    return seen
