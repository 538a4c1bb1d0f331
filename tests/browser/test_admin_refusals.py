"""What went wrong and the look-up in a real browser: every screen and language, copying, without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest

from passport.services import Services
from sandbox import StandIn
from tests.browser.conftest import OpenAdmin
from tests.browser.test_home_page import objections
from tests.client import API
from tests.integration.helpers import the_three

pytestmark = pytest.mark.gen_test(timeout=200)

SCREENS = (("zh", "light", 360), ("en", "dark", 1280))


async def some_trouble(api: API, services: Services, stand_in: StandIn) -> str:
    """A few refusals, one of them with hostile words; its id."""
    await api.token({**api.wx_login("mei"), "code": "unknown"})
    await api.token(the_three(api.wx_login("bo", order="wrong")))
    await api.refresh("wpr_x")
    stand_in.faults.set("errcode", errcode=40164, errmsg="invalid ip \u202e192.0.2.1" + "x" * 200, times=1)
    reply = await api.token(api.wx_login("mei"), headers={"User-Agent": "W" * 250})
    await services.refusals.flush()
    refusal = await services.refusals.find_by_request_id(reply.json["request_id"])
    assert refusal is not None
    return refusal.refusal_id


@pytest.mark.expects_log("WeChat refused the code")
async def test_the_pages_fit_every_screen_and_axe_has_nothing_to_object_to(
    admin_page: OpenAdmin, api: API, services: Services, stand_in: StandIn
) -> None:
    refusal_id = await some_trouble(api, services, stand_in)
    tokens = await api.sign_in("mei")
    for language, scheme, width in SCREENS:
        options: Any = {"scheme": scheme, "width": width, "language": language, "bypass_csp": True}
        async with admin_page("/admin/refusals?ordinary=1", **options) as page:
            await page.locator(".forward > summary").first.click()
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await objections(page) == []
            await page.goto(f"/admin/refusals/{refusal_id}")
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await objections(page) == []
            await page.goto("/admin/look-up")
            await page.locator("#text").fill(tokens["access_token"])
            await page.locator("main button[type=submit]").click()
            await page.locator("#answer").wait_for()
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await objections(page) == []


@pytest.mark.expects_log("WeChat refused the code")
async def test_the_text_for_the_developer_is_copied_by_a_button(
    admin_page: OpenAdmin, api: API, services: Services, stand_in: StandIn
) -> None:
    await some_trouble(api, services, stand_in)
    async with admin_page("/admin/refusals", permissions=["clipboard-read", "clipboard-write"]) as page:
        await page.locator(".forward > summary").first.click()
        await page.get_by_role("button", name="Copy").first.click()
        await page.get_by_text("Copied").first.wait_for()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == await page.locator("textarea").first.input_value()
        assert "request_id: " in copied


@pytest.mark.expects_log("WeChat refused the code")
async def test_filtering_and_looking_up_work_without_javascript_and_by_keyboard(
    admin_page: OpenAdmin, api: API, services: Services, stand_in: StandIn
) -> None:
    await some_trouble(api, services, stand_in)
    async with admin_page("/admin/refusals", java_script_enabled=False) as page:
        await page.locator("#error").select_option("decrypt_failed")
        await page.locator("#error").focus()
        for _ in range(2):
            await page.keyboard.press("Tab")
        assert await page.locator(":focus").inner_text() == "Filter"
        await page.keyboard.press("Enter")
        await page.wait_for_url("**error=decrypt_failed**")
        assert await page.locator(".refusal-title").count() == 1
        await page.locator(".forward > summary").click()
        assert "decrypt_failed" in await page.locator("textarea").input_value()
        assert not await page.get_by_role("button", name="Copy").is_visible()
        await page.goto("/admin/look-up")
        await page.locator("#text").fill("40029")
        await page.get_by_role("button", name="Explain").click()
        assert "of another appid" in await page.locator("#answer").inner_text()
