"""The overview in a real browser: charts that can be hovered and read, with and without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page
from tornado.ioloop import IOLoop

from passport.demo_data import write_past
from passport.periods import hour_of
from passport.services import Services
from passport.store.statistics import Slot
from sandbox.history import invent
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.conftest import APPID, Clock

pytestmark = pytest.mark.gen_test(timeout=200)

# From before the first byte of the page.
WATCH_SHIFTS = """
  window.shifts = []
  new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(each => each.value)))
    .observe({ type: 'layout-shift', buffered: true })
"""


@pytest.fixture
def past(io_loop: IOLoop, services: Services, clock: Clock) -> None:
    """Some weeks of life, so that there is something to show."""
    story = invent(clock(), appid=APPID, zone=services.settings.dashboard.zone, people=40, days=31)
    io_loop.run_sync(lambda: write_past(services, story))


async def rows(page: Page, chart: str) -> list[dict[str, Any]]:
    """The table behind a chart."""
    found: list[dict[str, Any]] = await page.locator(f"#chart-{chart} tbody tr").evaluate_all(
        "rows => rows.map(row => ({label: row.querySelector('th').textContent, "
        "counts: [...row.querySelectorAll('td')].map(each => each.textContent)}))"
    )
    return found


async def test_hovering_a_chart_tells_what_the_table_says(admin_page: OpenAdmin, past: None) -> None:
    async with admin_page("/admin?period=30d") as page:
        table = await rows(page, "sign_ins")
        over = page.locator("#chart-sign_ins .u-over")
        await over.scroll_into_view_if_needed()
        box = await over.bounding_box()
        assert box
        for place, row in ((0, table[0]), (20, table[20])):
            await page.mouse.move(box["x"] + box["width"] * place / (len(table) - 1), box["y"] + 50)
            tip = await page.locator("#chart-sign_ins .chart-tip").inner_text()
            expected = [row["label"], f"Sign-ins {row['counts'][0]}", f"Registrations {row['counts'][1]}"]
            assert tip.split("\n") == expected
        await page.mouse.move(0, 0)
        assert await page.locator("#chart-sign_ins .chart-tip").is_hidden()


async def test_without_javascript_there_are_bars_and_tables(admin_page: OpenAdmin, past: None) -> None:
    async with admin_page("/admin", java_script_enabled=False) as page:
        assert await page.locator("#chart-sign_ins .chart-bars rect").count() > 1
        assert await page.locator("#chart-sign_ins .chart-bars").is_visible()
        await page.locator("#chart-sign_ins summary").click()
        assert await page.locator("#chart-sign_ins table").is_visible()
        await page.get_by_role("link", name="30 days").click()
        await page.wait_for_url("**/admin?period=30d")
        assert await page.locator("#chart-sign_ins tbody tr").count() == 30


async def test_another_period_is_another_address(admin_page: OpenAdmin, past: None) -> None:
    async with admin_page("/admin") as page:
        await page.get_by_role("link", name="90 days").click()
        await page.wait_for_url("**/admin?period=90d")
        assert await page.get_by_role("link", name="90 days").get_attribute("aria-current") == "true"
        assert len(await rows(page, "refusals")) == 90
        await page.go_back()
        await page.wait_for_url("**/admin")
        assert len(await rows(page, "refusals")) == 24


async def test_nothing_moves_when_the_script_draws(admin_page: OpenAdmin, past: None) -> None:
    async with admin_page("/admin?period=7d") as page:
        await page.add_init_script(WATCH_SHIFTS)
        await page.reload()
        await page.locator("#chart-active .u-over").wait_for()
        await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert await page.evaluate("window.shifts") == []


async def test_fresh_numbers_come_by_themselves_and_nothing_moves(
    admin_page: OpenAdmin, services: Services, clock: Clock, past: None
) -> None:
    async with admin_page("/admin") as page:
        await page.clock.install()
        await page.reload()
        before = int((await rows(page, "sign_ins"))[-1]["counts"][0].replace(",", ""))
        # Focus scrolls smoothly, and would still do so while the place is read.
        await page.emulate_media(reduced_motion="reduce")
        await page.locator("#chart-refusals summary").focus()
        await page.keyboard.press("Enter")
        await page.evaluate("window.scrollTo({top: 400, behavior: 'instant'})")
        seen = await page.locator("#chart-refusals summary").bounding_box()

        hour = hour_of(clock(), services.settings.dashboard.zone)
        await services.store.statistics.add(b"more", {Slot(hour, APPID): {"sign_ins": 1000}})
        await page.clock.run_for(61_000)
        last = page.locator("#chart-sign_ins tbody tr:last-child td").first
        await page.wait_for_function(
            "text => document.querySelector('#chart-sign_ins tbody tr:last-child td').textContent === text",
            arg=f"{before + 1000:,}",
        )
        assert await last.is_hidden()
        assert await page.locator("#chart-refusals table").is_visible()
        assert await page.locator("#chart-refusals summary").bounding_box() == seen
        assert await page.locator("#chart-sign_ins .u-over").count() == 1


async def test_a_page_that_nobody_looks_after_asks_for_nothing(admin_page: OpenAdmin, past: None) -> None:
    """Else it would keep its operator signed in for ever."""
    async with admin_page("/admin") as page:
        await page.clock.install()
        await page.reload()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.resource_type))
        await page.clock.fast_forward("01:00:00")
        await page.clock.run_for(120_000)
        assert "fetch" not in asked


@pytest.mark.parametrize(("language", "scheme", "width"), [("zh", "dark", 360), ("en", "light", 1280)])
async def test_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, past: None, language: str, scheme: str, width: int
) -> None:
    options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
    async with admin_page("/admin?period=30d", **options) as page:
        await page.locator("#chart-active .u-over").wait_for()
        await page.locator("#chart-sign_ins summary").click()
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await objections(page) == []
