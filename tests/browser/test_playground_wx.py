"""The `wx` of the playground behaves as WeChat documents it, where a client can tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser

pytestmark = pytest.mark.gen_test(timeout=60)

# `ask` is wx.request or wx.uploadFile as a promise of [which callback, with what].
HELPERS = """
window.ask = (options, api = 'request') => new Promise(resolve => wx[api](Object.assign({}, options, {
    success: result => resolve(['success', result]),
    fail: result => resolve(['fail', result])
})))
"""


@asynccontextmanager
async def bare(browser: Browser, url: str) -> AsyncIterator[Any]:
    """A page with nothing but wx and passport.js."""
    context = await browser.new_context(base_url=url, locale="en-GB")
    page: Any = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.add_init_script(HELPERS)
    await page.goto("/demo/bare?lang=en")
    yield page
    await context.close()
    assert complaints == []


async def test_a_request_succeeds_with_any_status_and_fails_in_wechats_words(
    browser: Browser, server_url: str
) -> None:
    async with bare(browser, server_url) as page:
        outcome, reply = await page.evaluate("() => ask({ url: location.origin + '/nowhere' })")
        assert (outcome, reply["statusCode"], reply["errMsg"]) == ("success", 404, "request:ok")
        assert reply["data"]["error"] == "not_found"
        assert reply["header"]["Content-Type"].startswith("application/json")
        outcome, reply = await page.evaluate(
            "() => ask({ url: location.origin + '/nowhere', dataType: 'text' })"
        )
        assert reply["data"].startswith('{"error"')
        assert await page.evaluate("() => ask({ url: '/relative' })") == [
            "fail",
            {"errMsg": 'request:fail invalid url "/relative"', "errno": 600001},
        ]
        aborted = """() => new Promise(resolve => {
            const task = wx.request({ url: location.origin + '/healthz', fail: resolve, success: resolve })
            task.abort()
        })"""
        assert (await page.evaluate(aborted))["errMsg"] == "request:fail abort"
        assert await page.evaluate("() => wx.request({ url: location.origin + '/healthz' }).then") is None


async def test_the_body_is_made_by_method_and_content_type(browser: Browser, server_url: str) -> None:
    async with bare(browser, server_url) as page:
        sent: list[Any] = []
        page.on(
            "request", lambda each: sent.append((each.url, each.headers.get("content-type"), each.post_data))
        )
        await page.evaluate("""async () => {
            const url = location.origin + '/nowhere', data = { a: '1 &', b: 2 }
            await ask({ url, data })
            await ask({ url, data, method: 'POST' })
            const form = 'application/x-www-form-urlencoded'
            await ask({ url, data, method: 'POST', header: { 'Content-Type': form } })
        }""")
        sent = [each for each in sent if "/nowhere" in each[0]]
        assert [each[0].removeprefix(server_url) for each in sent] == [
            "/nowhere?a=1%20%26&b=2",
            "/nowhere",
            "/nowhere",
        ]
        assert [each[1:] for each in sent[1:]] == [
            ("application/json", '{"a":"1 &","b":2}'),
            ("application/x-www-form-urlencoded", "a=1%20%26&b=2"),
        ]


async def test_ten_requests_run_at_once_and_the_eleventh_waits(browser: Browser, server_url: str) -> None:
    async with bare(browser, server_url) as page:
        most, succeeded = await page.evaluate("""async () => {
            const running = new Set()
            let most = 0
            wxDemo.onCall(call => {
                if (call.endedAt !== null) running.delete(call.id)
                else if (call.sent) running.add(call.id)
                most = Math.max(most, running.size)
            })
            const all = Array.from({ length: 25 }, () => ask({ url: location.origin + '/healthz' }))
            const outcomes = await Promise.all(all)
            return [most, outcomes.filter(([outcome]) => outcome === 'success').length]
        }""")
        assert (most, succeeded) == (10, 25)


async def test_the_background_interrupts_what_runs_and_what_begins(browser: Browser, server_url: str) -> None:
    async with bare(browser, server_url) as page:
        assert await page.evaluate("wxDemo.interruptAfter") == 5000
        running, begun, back, heard = await page.evaluate("""async () => {
            const heard = []
            wx.onAppHide(() => heard.push('hide'))
            wx.onAppShow(() => heard.push('show'))
            wxDemo.interruptAfter = 20
            await wxDemo.fail('slow', { delay: 20, times: 1 })
            const { code } = await wx.login()
            const request = { url: location.origin + '/oauth/token', method: 'POST' }
            request.data = Object.assign({ code }, await wx.getUserInfo())
            const slow = ask(request)
            wxDemo.hide()
            const [, running] = await slow
            const [, begun] = await ask({ url: location.origin + '/healthz' })
            wxDemo.show()
            const [back] = await ask({ url: location.origin + '/healthz' })
            return [running.errMsg, begun.errMsg, back, heard]
        }""")
        assert (running, begun) == ("request:fail interrupted", "request:fail interrupted")
        assert (back, heard) == ("success", ["hide", "show"])


async def test_promises_are_given_only_where_no_callback_was(browser: Browser, server_url: str) -> None:
    async with bare(browser, server_url) as page:
        [message, returned, valid, expired] = await page.evaluate("""async () => {
            const { errMsg } = await wx.login()
            let returned
            await new Promise(complete => { returned = typeof wx.checkSession({ complete }) })
            const valid = await wx.checkSession()
            await wxDemo.expireSessionKey()
            return [errMsg, returned, valid.errMsg, await wx.checkSession().catch(error => error.errMsg)]
        }""")
        assert (message, returned) == ("login:ok", "undefined")
        assert (valid, expired) == ("checkSession:ok", "checkSession:fail session time out")


async def test_what_was_stored_encrypted_is_read_only_by_who_says_so(
    browser: Browser, server_url: str
) -> None:
    async with bare(browser, server_url) as page:
        opened, sealed, missing, older = await page.evaluate("""async () => {
            await wx.setStorage({ key: 'a', data: { secret: 'tokens' }, encrypt: true })
            const opened = await wx.getStorage({ key: 'a', encrypt: true })
            const sealed = JSON.stringify(Object.assign({}, sessionStorage)) + wx.getStorageSync('a')
            const missing = await wx.getStorage({ key: 'b' }).catch(error => error.errMsg)
            wxDemo.sdkVersion = '2.21.2'
            await wx.setStorage({ key: 'a', data: 'plain', encrypt: true })
            return [opened.data, sealed, missing, wx.getStorageSync('a')]
        }""")
        assert opened == {"secret": "tokens"}
        assert "tokens" not in sealed
        assert (missing, older) == ("getStorage:fail data not found", "plain")


async def test_a_chosen_avatar_is_a_path_that_can_be_uploaded(browser: Browser, server_url: str) -> None:
    async with bare(browser, server_url) as page:
        path, uploaded, nowhere = await page.evaluate("""async () => {
            await passport.login()
            const path = await wxDemo.chooseAvatar()
            const header = { Authorization: 'Bearer ' + await passport.accessToken() }
            const upload = { url: location.origin + '/accounts/me/avatar', name: 'avatar', header }
            return [
                path,
                await ask(Object.assign({ filePath: path }, upload), 'uploadFile'),
                await ask(Object.assign({ filePath: 'wxfile://nowhere' }, upload), 'uploadFile')
            ]
        }""")
        assert path.startswith("wxfile://tmp_")
        outcome, reply = uploaded
        assert (outcome, reply["statusCode"], reply["errMsg"]) == ("success", 200, "uploadFile:ok")
        assert reply["data"].startswith('{"avatar_url"')
        assert nowhere[1]["errMsg"] == "uploadFile:fail file not found"
