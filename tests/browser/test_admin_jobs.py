"""Jobs in a real browser: from the list over a reload to the undo; the download; without JavaScript; axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymongo
import pytest
from playwright.async_api import Page, expect

from passport.services import Services
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.conftest import Clock
from tests.effort import halved
from tests.integration.jobs.conftest import register, statuses

pytestmark = pytest.mark.gen_test(timeout=200)
Database = pymongo.database.Database[dict[str, Any]]
APPEARANCES = halved([("zh", "dark", 360), ("en", "light", 1280), ("zh", "light", 1280), ("en", "dark", 360)])


class Gate:
    """Lets the worker do one batch at a time, when it is told to."""

    def __init__(self, services: Services) -> None:
        self.worker, self._services = services.admin.jobs.worker, services
        self._busy, self.worker._busy = self.worker._busy, self._closed

    async def _closed(self) -> bool:
        return True

    def open(self) -> None:
        self.worker._busy = self._busy


async def press(page: Page, button: str) -> None:
    async with page.expect_navigation():
        await page.get_by_role("button", name=button, exact=True).click()


async def test_a_job_goes_on_across_a_reload_and_is_undone(
    admin_page: OpenAdmin, services: Services, database: Database, clock: Clock
) -> None:
    crowd, gate = register(database, clock, 120), Gate(services)
    async with admin_page("/admin/users") as page:
        await page.get_by_role("button", name="with everybody").click()
        await page.locator("#reason").fill("刷单")
        await page.locator("#typed").fill("120")
        await press(page, "Ban 120 users")
        await expect(page.locator("#job-state")).to_have_text("Waiting")
        await page.reload()
        await expect(page.locator(".bar-number")).to_have_text("0 of 120")
        gate.open()
        # Nothing is pressed from here on: the page asks by itself.
        await expect(page.locator("#job-state")).to_have_text("Done", timeout=20_000)
        await expect(page.locator("#job-poll")).to_have_count(0)
        await expect(page.get_by_text("Ended", exact=True)).to_be_visible()
        assert statuses(database, crowd) == ["banned"] * 120
        await press(page, "Undo for 120 users")
        await expect(page.locator("#job-state")).to_have_text("Undone", timeout=20_000)
        assert statuses(database, crowd) == ["active"] * 120


async def test_it_works_without_javascript(
    admin_page: OpenAdmin, services: Services, database: Database, clock: Clock
) -> None:
    crowd = register(database, clock, 2)
    async with admin_page("/admin/users", java_script_enabled=False) as page:
        await page.locator("input[name=id]").first.check()
        await page.get_by_role("button", name="the picked").click()
        await page.get_by_role("button", name="Add a tag").click()
        await page.get_by_label("Tag", exact=True).fill("VIP")
        await press(page, "Tag 1 user")
        # The page comes again by itself, two seconds later.
        await expect(page.locator("#job-state")).to_have_text("Done", timeout=20_000)
    assert sorted(each.get("tags", []) for each in database.users.find({})) == [[], ["vip"]]
    assert len(crowd) == 2


async def test_the_users_are_downloaded(
    admin_page: OpenAdmin, database: Database, clock: Clock, tmp_path: Path
) -> None:
    register(database, clock, 30, profile={"nickname": "=1+1"})
    async with admin_page("/admin/users/export") as page:
        async with page.expect_download() as starting:
            await page.get_by_role("link", name="CSV").click()
        download = await starting.value
        await download.save_as(tmp_path / "users.csv")
        assert download.suggested_filename.startswith("users-")
    text = (tmp_path / "users.csv").read_text(encoding="utf-8-sig")
    assert text.count('"\'=1+1"') == 30


async def test_the_pages_fit_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, services: Services, database: Database, clock: Clock
) -> None:
    register(database, clock, 120)
    Gate(services)
    async with admin_page("/admin/jobs/new?kind=ban&status=active") as page:
        await page.locator("#reason").fill("刷单")
        await page.locator("#typed").fill("120")
        await press(page, "Ban 120 users")
        job = page.url
    query = "?kind=ban&status=active&registered_from=2026-01-01"
    for language, scheme, width in APPEARANCES:
        options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
        async with admin_page("/admin/jobs", **options) as page:
            for path in ("/admin/jobs", f"/admin/jobs/new{query}", job, "/admin/users/export?status=active"):
                await page.goto(path)
                assert (path, await page.evaluate("document.documentElement.scrollWidth")) == (path, width)
                if (language, scheme) in (("zh", "dark"), ("en", "light")):
                    assert (path, await objections(page)) == (path, [])
