"""passport.js waits when the server says so, and for the app to come back: no test here takes the time it is about.

Retry-After is waited for by the page's own clock, which the test moves.
"""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.async_api import Browser

from tests.browser.mini_program import a_phone

pytestmark = pytest.mark.gen_test(timeout=60)

BUSY = {"error": "slow_down", "hint": "请稍后"}
DOWN = {"error": "temporarily_unavailable", "hint": "请稍后"}


async def test_a_request_comes_back_when_429_and_503_say_and_not_before(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.sign_in()
        await phone.answer_once("/accounts/me", 503, DOWN, retry_after="3")
        await phone.answer_once("/accounts/me", 429, BUSY, retry_after="7")
        await phone.page.evaluate("void (window.me = passport.request({ url: '/accounts/me' }))")

        for seconds, calls in ((7, ["429"]), (3, ["429", "503"])):
            await phone.calls_reach(len(calls))
            await phone.page.clock.run_for(seconds * 1000 - 100)
            await phone.settle()
            assert phone.sent == len(calls)
            assert phone.calls == [f"GET /accounts/me {status}" for status in calls]
            await phone.page.clock.run_for(200)
        assert (await phone.run("me"))["statusCode"] == 200
        assert phone.calls == ["GET /accounts/me 429", "GET /accounts/me 503", "GET /accounts/me 200"]


async def test_all_wait_together_for_a_refresh_that_is_told_to_wait_and_a_late_one_does_not_ask_before(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        held = await phone.hold("/accounts/me/sessions")
        await phone.page.evaluate("void (window.late = passport.request({ url: '/accounts/me/sessions' }))")
        await held.arrived.wait()
        await phone.answer_once("/oauth/token", 503, DOWN, retry_after="2")
        await phone.page.evaluate(
            "void (window.all = Promise.all(Array.from({ length: 10 }, () => "
            "passport.request({ url: '/accounts/me' }))).then(replies => replies.length))"
        )
        await phone.calls_reach(11)
        held.let_go()
        await phone.calls_reach(12)
        await phone.settle()
        assert Counter(phone.calls) == {
            "GET /accounts/me 401": 10,
            "GET /accounts/me/sessions 401": 1,
            "POST /oauth/token 503": 1,
        }
        assert phone.sent == 12

        await phone.page.clock.run_for(2000)
        assert await phone.run("all") == 10
        assert (await phone.run("late"))["statusCode"] == 200
        assert phone.calls.count("POST /oauth/token 200") == 1
        assert await phone.asked("login") == []


async def test_a_login_that_is_told_to_wait_goes_on_with_a_fresh_code(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.answer_once("/oauth/token", 503, DOWN, retry_after="2")
        await phone.page.evaluate(
            "void (window.signedIn = Promise.all([passport.login(), passport.login()]))"
        )
        await phone.calls_reach(1)
        await phone.settle()
        assert (phone.sent, phone.calls) == (1, ["POST /oauth/token 503"])
        assert await phone.asked("login") == ["login"]

        await phone.page.clock.run_for(2000)
        first, second = await phone.run("signedIn")
        assert first == second
        assert phone.calls[1:] == [
            "POST /oauth/token 401",
            "POST /accounts/wxapp 201",
            "POST /oauth/token 200",
        ]
        assert await phone.asked("login") == ["login", "login"]


async def test_nobody_waits_longer_than_their_patience_or_where_they_said_not_to(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.sign_in()
        for call, seconds in (("{ url: '/accounts/me' }", 60), ("{ url: '/accounts/me', retry: false }", 1)):
            await phone.answer_once("/accounts/me", 429, BUSY, retry_after=str(seconds))
            told = await phone.run(f"passport.request({call})")
            assert (told["error"], told["hint"], told["retryAfter"]) == ("slow_down", "请稍后", seconds)
        assert phone.calls == ["GET /accounts/me 429"] * 2


async def test_an_upload_waits_too_though_its_answer_has_no_header(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.sign_in()
        await phone.answer_once("/accounts/me/avatar", 429, BUSY, retry_after="2")
        await phone.page.evaluate(
            "void (window.picture = wxDemo.chooseAvatar().then(filePath => "
            "passport.upload({ url: '/accounts/me/avatar', filePath, name: 'file' })))"
        )
        await phone.calls_reach(1)
        await phone.settle()
        assert (phone.sent, phone.calls) == (1, ["POST /accounts/me/avatar 429"])
        await phone.page.clock.run_for(2000)
        assert "/avatars/" in (await phone.run("picture"))["data"]["avatar_url"]
        assert phone.calls == ["POST /accounts/me/avatar 429", "POST /accounts/me/avatar 200"]


async def test_what_the_background_cut_off_is_sent_again_when_the_app_is_back(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.interruptAfter = 0")
        held = await phone.hold("/accounts/me")
        await phone.page.evaluate(
            "window.failed = [];"
            "void wxDemo.onCall(call => { if (call.outcome === 'fail') failed.push(call.result.errMsg) });"
            "void (window.me = passport.request({ url: '/accounts/me' }))"
        )
        await held.arrived.wait()
        await phone.page.evaluate("wxDemo.hide()")
        await phone.page.wait_for_function("failed.length > 0")
        held.let_go()
        await phone.settle()
        assert await phone.run("failed") == ["request:fail interrupted"]
        assert "GET /accounts/me 200" not in phone.calls

        await phone.page.evaluate("wxDemo.show()")
        assert (await phone.run("me"))["statusCode"] == 200
        assert phone.calls == ["GET /accounts/me 200"]


async def test_an_order_that_the_background_cut_off_is_not_placed_twice(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.interruptAfter = 0")
        held = await phone.hold("/accounts/me/orders")
        await phone.page.evaluate(
            "void (window.order = passport.request({ url: '/accounts/me/orders', method: 'POST' })"
            ".catch(error => error.error))"
        )
        await held.arrived.wait()
        await phone.page.evaluate("wxDemo.hide()")
        assert await phone.run("order") == "interrupted"
        held.let_go()
        await phone.page.evaluate("wxDemo.show()")
        await phone.settle()
        assert phone.calls == []
