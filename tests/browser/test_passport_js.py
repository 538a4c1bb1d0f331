"""passport.js signs in and goes on with a session: in real Chromium, against a live server."""

from __future__ import annotations

import json
from collections import Counter

import aiohttp
import pytest
from playwright.async_api import Browser, Route

from tests.browser.mini_program import a_phone

pytestmark = pytest.mark.gen_test(timeout=60)

TEN = "Promise.all(Array.from({ length: 10 }, () => passport.request({ url: '/accounts/me' })))"
STATUSES = f"{TEN}.then(replies => replies.map(reply => reply.statusCode))"
FIRST_VISIT = ["POST /oauth/token 401", "POST /accounts/wxapp 201", "POST /oauth/token 200"]


# The first visit


async def test_a_new_user_registers_and_signs_in_by_one_code_fetched_before_the_user_info(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        assert await phone.run("passport.ready()") is None
        told = await phone.run("passport.login()")

        assert told["isNew"] is True
        assert phone.calls == FIRST_VISIT
        assert await phone.asked("login", "getUserInfo") == ["login", "getUserInfo"]
        assert len(await phone.exchanges()) == 1
        me = await phone.run("passport.request({ url: '/accounts/me' })")
        assert me["statusCode"] == 200
        assert (
            me["data"]["account_id"]
            == told["accountId"]
            == (await phone.run("passport.session()"))["accountId"]
        )

        await phone.run("passport.logout()")
        again = await phone.run("passport.login()")
        assert again == {"accountId": told["accountId"], "isNew": False}


async def test_a_double_tap_is_one_login(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        told = await phone.run(
            "Promise.all([passport.login(), passport.login(), createPassport(config).login()])"
        )

        assert len({each["accountId"] for each in told}) == 1
        assert phone.calls == FIRST_VISIT
        assert await phone.asked("login") == ["login"]
        assert len(await phone.exchanges()) == 1


async def test_a_code_that_is_too_old_is_replaced_once_and_a_second_one_is_told(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate(
            "window.stale = times => { const real = wx.login; wx.login = options => "
            "times-- > 0 ? options.success({ code: 'of-yesterday' }) : real(options) }"
        )
        assert (await phone.run("(stale(1), passport.login())"))["isNew"] is True
        refused = await phone.run("(stale(2), passport.login())")
        assert refused["error"] == "invalid_code"
        assert "wx.login" in refused["hint"]


async def test_what_wechat_withholds_is_told_in_words(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate(
            "const { login, getUserInfo } = wx;"
            "window.withhold = name => { Object.assign(wx, { login, getUserInfo }, name && "
            "{ [name]: options => options.fail({ errMsg: name + ':fail privacy', errno: 104 }) }) }"
        )
        told = await phone.run("(withhold('getUserInfo'), passport.login())")
        assert told["error"] == "userinfo_failed"
        assert "隐私保护指引" in told["hint"]
        assert told["details"] == {"errno": 104}

        phone.calls.clear()
        told = await phone.run("(withhold('login'), passport.login())")
        assert (told["error"], told["description"]) == ("login_failed", "login:fail privacy")
        assert phone.calls == []
        silent = "createPassport({ ...config, login: 'code', storageKey: 'silent' }).login()"
        # This app wants both, as the server's own hint says.
        assert (await phone.run(f"(withhold(null), {silent})"))["error"] == "invalid_request"
        assert await phone.asked("getUserInfo") == []
        assert (await phone.run("(withhold(null), passport.login())"))["isNew"] is True


async def test_silent_login_registers_nobody(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        told = await phone.run("Promise.allSettled([passport.login({ register: false }), passport.login()])")

        # The tap on the button came while the silent one was under way, and still registers.
        assert [each["status"] for each in told] == ["rejected", "fulfilled"]
        assert phone.calls == ["POST /oauth/token 401", *FIRST_VISIT]
        assert await phone.asked("login") == ["login", "login"]


# Going on


async def test_ten_parallel_requests_with_an_expired_token_refresh_once(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        assert await phone.run(STATUSES) == [200] * 10

        assert Counter(phone.calls) == {
            "GET /accounts/me 401": 10,
            "POST /oauth/token 200": 1,
            "GET /accounts/me 200": 10,
        }
        assert await phone.asked("login") == []


async def test_a_refusal_that_comes_after_the_refresh_is_only_repeated(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        held = await phone.hold("/accounts/me/sessions")
        await phone.page.evaluate("void (window.late = passport.request({ url: '/accounts/me/sessions' }))")
        await held.arrived.wait()
        await phone.run("passport.request({ url: '/accounts/me' })")
        held.let_go()

        assert (await phone.run("late"))["statusCode"] == 200
        assert phone.calls.count("POST /oauth/token 200") == 1


async def test_a_token_about_to_expire_is_refreshed_before_it_is_used(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url, stopped_clock=True) as phone:
        await phone.sign_in()
        await phone.page.clock.fast_forward(3541_000)
        assert await phone.run(STATUSES) == [200] * 10
        assert phone.calls == ["POST /oauth/token 200", *["GET /accounts/me 200"] * 10]


async def test_a_session_that_is_over_is_followed_by_one_new_login(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        account_id = await phone.sign_in()
        await phone.page.evaluate("wxDemo.endSessions()")
        assert await phone.run(STATUSES) == [200] * 10

        assert Counter(phone.calls) == {
            "GET /accounts/me 401": 10,
            "POST /oauth/token 400": 1,
            "POST /oauth/token 200": 1,
            "GET /accounts/me 200": 10,
        }
        assert await phone.asked("login", "getUserInfo") == ["login", "getUserInfo"]
        assert (await phone.run("passport.session()"))["accountId"] == account_id


async def test_a_request_registers_nobody_whose_account_is_gone(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate(
            "window.reasons = []; window.passport = createPassport({ ...config, storageKey: 'mine', "
            "onSignedOut: reason => reasons.push(reason.error) })"
        )
        await phone.sign_in()
        await phone.page.evaluate(
            "(async () => { const { code } = await wx.login(), token = await passport.accessToken();"
            "await fetch('/accounts/me/close', { method: 'POST', body: JSON.stringify({ code }), "
            "headers: { 'content-type': 'application/json', authorization: 'Bearer ' + token } }) })()"
        )
        phone.calls.clear()
        told = await phone.run(
            "Promise.allSettled([1, 2].map(() => passport.request({ url: '/accounts/me' })))"
        )

        assert [each["status"] for each in told] == ["rejected"] * 2
        assert Counter(phone.calls) == {
            "GET /accounts/me 401": 2,
            "POST /oauth/token 400": 1,
            "POST /oauth/token 401": 1,
        }
        assert await phone.run("reasons") == ["unregistered"]
        assert await phone.run("passport.session()") is None


async def test_unregistered_is_no_reason_to_refresh(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.answer_once("/accounts/me", 401, {"error": "unregistered", "hint": "请先注册"})
        told = await phone.run("passport.request({ url: '/accounts/me' })")

        assert (told["error"], told["hint"], told["statusCode"]) == ("unregistered", "请先注册", 401)
        assert phone.calls == ["GET /accounts/me 401"]


async def test_the_challenge_of_another_server_of_ours_is_a_reason(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.answer_once("/accounts/me", 401, {"error": {"code": 7}}, www_authenticate="Bearer")
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["statusCode"] == 200
        assert phone.calls == ["GET /accounts/me 401", "POST /oauth/token 200", "GET /accounts/me 200"]


async def test_a_banned_user_hears_the_servers_hint_and_is_signed_out(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate(
            "window.reasons = []; window.passport = createPassport({ ...config, storageKey: 'mine', "
            "onSignedOut: reason => reasons.push(reason.error) })"
        )
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.ban()")
        me = "passport.request({ url: '/accounts/me' })"
        told, _ = await phone.run(
            f"Promise.all([{me}.catch(error => ({{ ...error }})), {me}.catch(() => null)])"
        )
        assert await phone.run("[reasons, passport.session()]") == [["account_disabled"], None]
        assert told["error"] == "account_disabled"
        assert "客服" in told["hint"]
        assert len(told["requestId"]) == 16


# A bad line


async def test_a_refresh_whose_answer_is_lost_is_repeated_and_the_session_lives(
    browser: Browser, server_url: str
) -> None:
    async def lose(route: Route) -> None:
        assert (await route.fetch()).status == 200
        await route.abort()

    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        await phone.page.route(f"{server_url}/oauth/token", lose, times=1)

        assert await phone.run(STATUSES) == [200] * 10
        assert phone.calls.count("POST /oauth/token 200") == 1
        assert await phone.asked("login") == []


async def test_neither_no_network_nor_an_unwell_server_signs_anybody_out(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        await phone.page.route(f"{server_url}/oauth/token", lambda route: route.abort(), times=2)
        told = await phone.run("passport.request({ url: '/accounts/me' })")
        assert (told["error"], told["hint"]) == ("network", "网络连接失败，请检查网络后重试。")

        await phone.answer_once("/oauth/token", 503, {"error": "temporarily_unavailable", "hint": "稍后"})
        told = await phone.run("passport.request({ url: '/accounts/me' })")
        assert (told["error"], told["hint"]) == ("temporarily_unavailable", "稍后")

        assert await phone.run(STATUSES) == [200] * 10
        assert await phone.asked("login") == []


# Signing out


async def test_signing_out_wins_over_a_refresh_under_way(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        held = await phone.hold("/oauth/token")
        await phone.page.evaluate("void (window.late = passport.request({ url: '/accounts/me' }))")
        await held.arrived.wait()
        await phone.run("passport.logout()")
        assert await phone.run("passport.session()") is None
        held.let_go()

        assert (await phone.run("late"))["error"] == "signed_out"
        assert await phone.run("passport.session()") is None
        fresh = json.loads(held.text)["access_token"]
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {fresh}"}) as http,
            http.get(f"{server_url}/accounts/me") as reply,
        ):
            assert reply.status == 401
        await phone.until(lambda: phone.calls.count("POST /oauth/revoke 200") == 2)
        phone.calls.clear()
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["error"] == "signed_out"
        await phone.install()
        assert await phone.run("passport.ready()") is None
        assert phone.calls == []
