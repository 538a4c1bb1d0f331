"""The playground draws what really happens: the arrows of each scene in their order, and what both sides are told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.browser.playing import PATIENCE, Play, playing

pytestmark = pytest.mark.gen_test(timeout=110)

PHONE_LOGS_IN = [
    "phone>wechat wx.login",
    "wechat>phone code",
    "phone>wechat wx.getUserInfo",
    "wechat>phone encryptedData, iv",
]
SERVER_ASKS = [
    "phone>server POST /oauth/token",
    "server>wechat code2session",
    "wechat>server openid, session_key",
]
FIRST_VISIT = [
    *PHONE_LOGS_IN,
    *SERVER_ASKS,
    "server>phone 401 unregistered",
    "phone>server POST /accounts/wxapp",
    "server>phone 201 account_id",
    "phone>server POST /oauth/token",
    "server>phone 200 access_token",
]
SIGNS_IN = [*PHONE_LOGS_IN, *SERVER_ASKS, "server>phone 200 access_token"]
# Whoever signs in although they were signed in leaves no session behind.
ENDS_THE_FORMER = ["phone>server POST /oauth/revoke", "server>phone 200"]


async def outcome(play: Play) -> tuple[str, str]:
    """What the mini-program got and what the operator sees."""
    page = play.page
    return await page.locator("#client").inner_text(), await page.locator("#operator").inner_text()


async def test_a_first_visit_draws_exactly_its_arrows_and_each_opens_what_was_really_sent(
    browser: Browser, server_url: str
) -> None:
    async with playing(browser, server_url) as play:
        await play.page.get_by_role("button", name="Sign in a first visitor").click()
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        assert await play.arrows() == FIRST_VISIT
        [login] = [shown for shown in await play.open(2) if "code" in shown]
        [_, info] = await play.open(4)
        first, second = play.bodies_to("/oauth/token")
        assert first == second
        assert (first["code"], first["encryptedData"]) == (login["code"], info["encryptedData"])
        sent, refused = await play.open(5)
        assert (sent, refused["error"]) == (first, "unregistered")
        assert await play.open(8) == [sent, refused]
        query, answer = await play.open(6)
        assert f"js_code={login['code']}" in query
        assert "secret=[secret]" in query
        assert answer["session_key"] == "[secret]"
        assert await play.page.get_by_text("The session_key stays on the server").is_visible()
        [granted] = (await play.open(12))[1:]
        assert await play.page.locator("#who").inner_text() == granted["account_id"]
        assert await play.page.locator(".claims dd", has_text=granted["account_id"]).count() == 1
        written = await play.page.locator(".jwt").text_content()
        assert written == granted["access_token"]
        client, operator = await outcome(play)
        assert "the whole first visit on one code" in client
        assert "Somebody without an account tried to sign in" in operator
        await holds_no_secret(play)


async def holds_no_secret(play: Play) -> None:
    """Of all that the browser was answered, nothing has a session_key, and no AppSecret was ever asked for."""
    texts = [await each.text() for each in play.answered if "/static/" not in each.url]
    assert any("session_key" in text for text in texts)
    for text in texts:
        assert re.findall(r"session_key\W+(?!secret\])[A-Za-z0-9+/]{20,}", text) == []
        assert re.findall(r'"secret": ?"(?!\[secret\])', text) == []


async def test_the_mistakes_made_by_hand_end_in_the_servers_words_for_both_sides(
    browser: Browser, server_url: str
) -> None:
    async with playing(browser, server_url) as play:
        await play.act("order", ends="failed")
        assert await play.arrows() == [
            *PHONE_LOGS_IN[2:],
            *PHONE_LOGS_IN[:2],
            *SERVER_ASKS,
            "server>phone 403 decrypt_failed",
        ]
        client, operator = await outcome(play)
        assert "Call wx.login first, then wx.getUserInfo" in client
        assert "The encrypted data did not decrypt" in operator
        assert "The developer" in operator
        assert "wx.getUserInfo()" in (await play.page.locator("#by-hand code").text_content() or "")

        await play.act("twice", ends="failed")
        assert await play.arrows() == [
            *PHONE_LOGS_IN,
            "phone>server POST /oauth/token ×2",
            *SERVER_ASKS[1:],
            "server>phone 200 access_token ×2",
            *PHONE_LOGS_IN[2:],
            "phone>server POST /oauth/token",
            "server>phone 403 code_used",
        ]
        assert "A code works once" in (await outcome(play))[0]
        code = play.bodies_to("/oauth/token")[-1]["code"]
        asked = await play.page.evaluate("wxDemo.exchanges()")
        assert [each["code"] for each in asked].count(code) == 1

        await play.act("key", ends="failed")
        assert await play.arrows() == [
            *PHONE_LOGS_IN[:2],
            "phone>wechat wx.checkSession",
            "wechat>phone fail session time out",
            "phone>server GET /accounts/me",
            "server>phone 200 account_id",
            *PHONE_LOGS_IN[2:],
            *SERVER_ASKS,
            "server>phone 403 decrypt_failed",
        ]
        assert "replaces the session_key" in (await outcome(play))[0]
        link = play.page.get_by_role("link", name="Open in the dashboard")
        assert re.fullmatch(r"/admin/refusals/[0-9a-f]{24}", await link.get_attribute("href") or "")


async def test_passport_js_heals_what_can_be_healed_and_a_ban_is_a_ban(
    browser: Browser, server_url: str
) -> None:
    async with playing(browser, server_url) as play:
        await play.act("aged")
        refresh = ["phone>server POST /oauth/token refresh", "server>phone 200 access_token"]
        assert await play.arrows() == [
            "phone>server GET /accounts/me ×10",
            "server>phone 401 invalid_token ×10",
            *refresh,
            "phone>server GET /accounts/me ×10",
            "server>phone 200 account_id ×10",
        ]
        refreshes = [body for body in play.bodies_to("/oauth/token") if "refresh_token" in body]
        assert len(refreshes) == 1
        assert "one refresh" in (await outcome(play))[0]
        assert "An access token was missing, expired or not valid" in (await outcome(play))[1]

        await play.act("ended")
        assert await play.arrows() == [
            "phone>server GET /accounts/me",
            "server>phone 401 invalid_token",
            "phone>server POST /oauth/token refresh",
            "server>phone 400 invalid_grant",
            *SIGNS_IN,
            "phone>server GET /accounts/me",
            "server>phone 200 account_id",
        ]
        assert "A refresh token no longer counted" in (await outcome(play))[1]

        await play.act("banned", ends="failed")
        assert (await play.arrows())[-1] == "server>phone 403 account_disabled"
        client, operator = await outcome(play)
        assert "account_disabled" in client
        assert "A banned account was turned away" in operator
        await play.act("login", ends="failed")
        assert (await play.arrows())[-1] == "server>phone 403 account_disabled"


async def test_a_wechat_that_is_slow_or_down_is_waited_for(browser: Browser, server_url: str) -> None:
    async with playing(browser, server_url) as play:
        await play.page.click("[data-scene=slow]")
        # While WeChat thinks, its question is drawn and its answer is not.
        await play.page.wait_for_selector(".pending[data-label=code2session]", timeout=PATIENCE)
        assert (await play.arrows())[-1] == "server>wechat code2session"
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        assert await play.arrows() == FIRST_VISIT
        answer = play.page.locator("#steps .step", has_text="openid, session_key").locator("button > .took")
        assert float((await answer.inner_text()).removesuffix(" s")) >= 2

        await play.act("down")
        assert await play.arrows() == [
            *PHONE_LOGS_IN,
            *SERVER_ASKS[:2],
            "wechat>server 503",
            "server>phone 503 temporarily_unavailable",
            *SIGNS_IN,
            *ENDS_THE_FORMER,
        ]
        last, lifelines = [
            await play.page.locator(each).bounding_box() for each in (".step:last-child", ".lifelines")
        ]
        assert last
        assert lifelines
        assert last["y"] + last["height"] < lifelines["y"] + lifelines["height"]
        assert "Waits 2 s, as Retry-After says" in await play.page.locator("#steps").inner_text()
        client, operator = await outcome(play)
        assert "as long as Retry-After said" in client
        assert "WeChat did not answer, or not as it should." in operator


async def test_a_double_tap_is_one_login(browser: Browser, server_url: str) -> None:
    async with playing(browser, server_url) as play:
        button = play.page.locator(".phone [data-scene=login]")
        await button.evaluate("button => { button.click(); button.click() }")
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        assert await play.arrows() == FIRST_VISIT
        assert "Second tap" in await play.page.locator("#steps").inner_text()
        # Other buttons rest while a scene runs.
        await button.evaluate(
            "button => { button.click(); document.querySelector('[data-scene=call]').click() }"
        )
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        assert await play.arrows() == [*SIGNS_IN, *ENDS_THE_FORMER]


async def test_what_the_background_cut_off_is_sent_again_once_the_app_is_back(
    browser: Browser, server_url: str
) -> None:
    async with playing(browser, server_url) as play:
        await play.page.evaluate("() => { wxDemo.interruptAfter = 50 }")
        await play.page.click("[data-scene=slow]")
        await play.page.wait_for_selector(".pending[data-label=code2session]", timeout=PATIENCE)
        await play.page.click("#background")
        await play.page.wait_for_selector("[data-label='fail interrupted']", timeout=PATIENCE)
        assert await play.page.get_attribute("#stage", "data-state") == "running"
        await play.page.click("#background")
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        assert (await play.arrows())[-1] == "server>phone 200 access_token"
        assert len({body["code"] for body in play.bodies_to("/oauth/token")}) == 1

        # What nobody sends again is told in WeChat's words, to the ear as well.
        await play.page.evaluate("() => { wxDemo.interruptAfter = 0 }")
        await play.page.click("#background")
        await play.page.click("[data-scene=call]")
        await play.page.wait_for_selector("[data-label='fail interrupted']", timeout=PATIENCE)
        assert "In the background" in (await play.page.text_content("#phone-note") or "")
        await play.page.click("#background")
        await play.page.wait_for_selector("#stage[data-state=done]", timeout=PATIENCE)
        await play.page.click("#background")
        await play.act("order", ends="failed")
        told = ["#phone-note", "#ends"]
        assert [await play.page.text_content(each) for each in told] == ["request:fail interrupted"] * 2


async def test_a_reload_is_a_restart_of_the_app_and_a_new_visitor_a_new_phone(
    browser: Browser, server_url: str
) -> None:
    async with playing(browser, server_url) as play:
        page: Any = play.page
        await play.act("login")
        account = await page.locator("#who").inner_text()
        await page.reload()
        await page.wait_for_selector("#stage[data-ready]")
        assert await page.locator("#who").inner_text() == account
        assert account in await page.locator("#decoded").inner_text()
        await play.act("aged")
        assert "server>phone 401 invalid_token ×10" in await play.arrows()
        await play.act("call")
        assert await play.arrows() == ["phone>server GET /accounts/me", "server>phone 200 account_id"]
        async with page.expect_navigation():
            await page.click("#restart")
        await page.wait_for_selector("#stage[data-ready]")
        assert (await page.locator("#who").inner_text()).startswith("visitor-")
        await play.act("call", ends="failed")
        assert "You are not signed in" in (await outcome(play))[0]
        assert "Nothing: no request was refused." in (await outcome(play))[1]
        await play.act("logout")
        assert "Nobody was signed in" in (await outcome(play))[0]
