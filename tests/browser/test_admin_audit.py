"""The audit page and the page of keys in a real browser: by keyboard, on a phone, in both languages and themes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from passport.services import Services
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.unit.test_audit_chain import ACT

pytestmark = pytest.mark.gen_test(timeout=200)


@pytest.fixture
def acts(io_loop: Any, services: Services) -> None:
    """A few acts, one of which failed."""

    async def act() -> None:
        personal = {"status": "active", "nickname": "小美"}
        for kind in ("user.banned", "user.unbanned", "key.rotate", "user.erased.failed"):
            await services.admin.audit.record(replace(ACT, kind=kind, before=personal))

    io_loop.run_sync(act)


def _read(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


async def test_acts_are_filtered_and_exported_by_keyboard_alone(admin_page: OpenAdmin, acts: None) -> None:
    async with admin_page("/admin/audit", role="viewer", accept_downloads=True) as page:
        await page.get_by_label("Act", exact=True).focus()
        await page.keyboard.type("Banned a user")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**kind=user.banned**")
        assert await page.locator("tbody tr").count() == 1
        await page.get_by_role("link", name="JSON Lines").focus()
        async with page.expect_download() as coming:
            await page.keyboard.press("Enter")
        download = await coming.value
        assert download.suggested_filename.endswith(".jsonl")
        lines = _read(await download.path())
        assert [json.loads(each)["kind"] for each in lines] == ["user.banned"]


async def test_the_log_is_verified_without_javascript(admin_page: OpenAdmin, acts: None) -> None:
    async with admin_page("/admin/audit", java_script_enabled=False) as page:
        await page.get_by_role("button", name="Verify now").click()
        await page.wait_for_load_state()
        assert "The newest 4 entries are as they were written" in await page.locator("main").inner_text()


@pytest.mark.parametrize(("path", "role"), [("/admin/audit", "operator"), ("/admin/keys", "admin")])
async def test_the_pages_fit_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, acts: None, path: str, role: str
) -> None:
    for scheme, language, width in (("light", "zh", 1280), ("dark", "en", 360)):
        options = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
        async with admin_page(path, role=role, **options) as page:
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            for summary in await page.locator("main details > summary").all():
                await summary.click()
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await objections(page) == []
