"""Where passport.js keeps its tokens, and whom it gives them to."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.browser.mini_program import a_phone

pytestmark = pytest.mark.gen_test(timeout=60)

STORED = "Object.entries(sessionStorage).filter(([name]) => name.startsWith('wx.')).map(([, text]) => text)"


async def test_tokens_are_stored_encrypted_and_found_at_the_next_start(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        account_id = await phone.sign_in()
        await phone.page.wait_for_function(f"{STORED}.length > 0")
        [stored] = await phone.run(STORED)
        assert "wpr_" not in stored
        assert account_id not in stored

        await phone.install()
        assert await phone.run("passport.ready()") == {"accountId": account_id}
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["statusCode"] == 200
        assert phone.calls == ["GET /accounts/me 200"]


async def test_an_older_base_library_stores_them_as_they_are_and_a_newer_one_finds_them(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.page.evaluate("wxDemo.sdkVersion = '2.20.0'")
        account_id = await phone.sign_in()
        await phone.page.wait_for_function(f"{STORED}.length > 0")
        assert "wpr_" in (await phone.run(STORED))[0]

        await phone.install()
        assert await phone.run("passport.ready()") == {"accountId": account_id}


async def test_without_storage_tokens_live_on_in_memory_and_no_spent_one_is_left_behind(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.wait_for_function(f"{STORED}.length > 0")
        await phone.page.evaluate("void (wx.setStorage = options => options.fail({ errMsg: 'fail quota' }))")
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        for _ in range(2):
            assert (await phone.run("passport.request({ url: '/accounts/me' })"))["statusCode"] == 200

        await phone.page.wait_for_function(f"{STORED}.length === 0")
        assert phone.calls.count("POST /oauth/token 200") == 1
        assert await phone.asked("login") == []


async def test_another_copy_of_the_file_that_refreshed_before_is_followed(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        # Another `wx` makes another passport, over the same storage: a bundle of its own has one.
        await phone.page.evaluate("window.other = createPassport({ ...config, wx: { ...wx } })")
        await phone.run("other.ready()")
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        await phone.run("other.request({ url: '/accounts/me' })")
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["statusCode"] == 200
        assert phone.calls.count("POST /oauth/token 200") == 1

        await phone.run("other.logout()")
        await phone.page.wait_for_function(f"{STORED}.length === 0")
        assert (await phone.run("passport.request({ url: '/accounts/me' })"))["error"] == "signed_out"
        assert await phone.asked("login") == []


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "{base}.evil.example", "{base}@evil.example", "https://evil.example\\@{host}"],
)
async def test_no_other_server_is_sent_a_token(browser: Browser, server_url: str, address: str) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        requests: list[str] = []
        phone.page.on("request", lambda request: requests.append(request.url))
        url = address.format(base=server_url, host=server_url.split("//")[1]) + "/accounts/me"
        told = await phone.run(f"passport.request({{ url: {url!r} }})")
        assert told["error"] == "foreign_url"
        await phone.settle()
        assert requests == [f"{server_url}/healthz"]


async def test_a_new_login_wins_over_a_refresh_of_the_session_before(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        await phone.sign_in()
        await phone.page.evaluate("wxDemo.expireAccessToken()")
        held = await phone.hold("/oauth/token")
        await phone.page.evaluate("void (window.late = passport.request({ url: '/accounts/me' }))")
        await held.arrived.wait()
        await phone.run("passport.login()")
        # The session before is ended at the server, too, so that nobody piles them up.
        await phone.until(lambda: "POST /oauth/revoke 200" in phone.calls)
        held.let_go()

        assert (await phone.run("late"))["statusCode"] == 200
        phone.calls.clear()
        sessions = await phone.run("passport.request({ url: '/accounts/me/sessions' })")
        assert len(sessions["data"]["sessions"]) == 1
        assert phone.calls == ["GET /accounts/me/sessions 200"]


async def test_what_a_monitor_adds_to_one_calls_header_is_not_sent_with_the_next(
    browser: Browser, server_url: str
) -> None:
    async with a_phone(browser, server_url) as phone:
        # As those do that wrap wx.request to follow a call.
        await phone.page.evaluate(
            "void (real => { wx.request = options => { const { header } = options;"
            "header.Trace = (header.Trace || '') + 'x'; return real(options) } })(wx.request)"
        )
        traces: set[str | None] = set()
        phone.page.on("request", lambda request: traces.add(request.headers.get("trace")))
        await phone.run("passport.login()")
        assert traces - {None} == {"x"}
