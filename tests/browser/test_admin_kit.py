"""The page of the hand-off kit in a real browser: its copy buttons, its download, and what axe says of it."""

from __future__ import annotations

from zipfile import ZipFile

import pytest

from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.conftest import APPID

pytestmark = pytest.mark.gen_test(timeout=60)


async def test_it_is_in_the_bar_a_value_is_copied_and_the_folder_is_downloaded(admin_page: OpenAdmin) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    async with admin_page("/admin/kit", role="admin", permissions=permissions, accept_downloads=True) as page:
        bar = "document.querySelector('.sections')"
        assert await page.evaluate(f"{bar}.scrollWidth - {bar}.clientWidth") == 0
        await page.locator("#verify-3 + button").click()
        await page.get_by_text("Copied").first.wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == "python server.py check"
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Download as zip").click()
        download = await downloading.value
        assert download.suggested_filename == f"wxpassport-{APPID}.zip"
        with ZipFile(await download.path()) as archive:
            assert f"wxpassport-{APPID}/CHECKLIST.md" in archive.namelist()


@pytest.mark.parametrize(("language", "scheme"), [("zh", "dark"), ("en", "light")])
async def test_axe_has_nothing_to_object_to_and_all_fits_on_a_phone(
    admin_page: OpenAdmin, language: str, scheme: str
) -> None:
    options = {"scheme": scheme, "language": language, "bypass_csp": True}
    async with admin_page("/admin/kit", role="admin", width=360, **options) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await objections(page) == []
