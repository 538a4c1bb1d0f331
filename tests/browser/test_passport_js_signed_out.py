"""A sign-out by passport.js holds against whatever is under way, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.mini_program import a_phone

pytestmark = pytest.mark.gen_test(timeout=60)

STALE = (
    "window.stale = times => { const real = wx.login; wx.login = options => "
    "times-- > 0 ? options.success({ code: 'of-yesterday' }) : real(options) }"
)


@pytest.mark.parametrize(
    "login",
    [
        "(stale(1), passport.login())",
        "(passport.login({ register: false }).catch(() => {}), passport.login())",
    ],
    ids=["with a second code", "after a silent one"],
)
async def test_a_login_that_begins_anew_ends_with_a_sign_out(
    browser: Browser, server_url: str, login: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate(STALE)
        held = await phone.hold("/oauth/token")
        await phone.page.evaluate(f"void (window.late = {login}.then(() => 'in', error => error.error))")
        await held.arrived.wait()
        await phone.run("passport.logout()")
        held.let_go()

        assert await phone.run("late") == "signed_out"
        assert await phone.run("passport.session()") is None
        assert await phone.asked("login") == ["login"] * (0 if "stale" in login else 1)


async def test_a_tap_on_sign_in_is_not_undone_by_a_silent_login_that_failed_before_it(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.endSessions()")
        held = await phone.hold("/oauth/token")
        await phone.page.evaluate("void passport.request({ url: '/accounts/me' }).catch(() => {})")
        await held.arrived.wait()
        await phone.answer_once("/oauth/token", 401, {"error": "unregistered", "hint": "请先注册"})
        # The tap comes right after the silent wx.login.
        await phone.page.evaluate(
            "void (window.tapped = new Promise(resolve => { const real = wx.login; wx.login = options => {"
            "wx.login = real; real(options); resolve() } }).then(() => passport.login()))"
        )
        held.let_go()
        assert "accountId" in await phone.run("tapped")
        assert await phone.run("passport.session()") is not None


async def test_a_program_that_fails_over_a_sign_out_still_ends_the_session_on_the_server(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate(
            "window.passport = createPassport({ ...config, storageKey: 'mine', "
            "onSignedOut: () => { throw new Error('of the program') } })"
        )
        await phone.sign_in()
        await phone.page.evaluate("passport.logout().catch(() => {})")
        await phone.until(lambda: phone.calls == ["POST /oauth/revoke 200"])


async def test_a_storage_that_cannot_be_read_is_no_sign_out(browser: Browser, server_url: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        await phone.page.evaluate(
            "void (wx.getStorage = options => options.fail({ errMsg: 'getStorage:fail internal error' }))"
        )
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["statusCode"] == 200
        assert phone.calls[1:] == ["POST /oauth/token 200", "GET /accounts/me 200"]
