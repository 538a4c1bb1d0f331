"""The pages of the mini-program, their own WXML, WXSS and code, against a live server: one person's whole life there.

What shows them is tests/browser/mini_runtime.js. WeChat DevTools does much more; that nothing is missing between a
page, passport.js and the server is what shows here.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.mini_program import a_phone

ROOT = Path(__file__).resolve().parents[2]
MINI_PROGRAM = ROOT / "miniprogram"
RUNTIME = Path(__file__).parent / "mini_runtime.js"
SOURCES = {
    str(path.relative_to(MINI_PROGRAM)): path.read_text(encoding="utf-8")
    for path in MINI_PROGRAM.rglob("*")
    if path.suffix in (".js", ".wxml", ".wxss")
}

expect.set_options(timeout=20_000)
pytestmark = pytest.mark.gen_test(timeout=60)


@asynccontextmanager
async def a_mini_program(
    browser: Browser, server_url: str, files: Mapping[str, str] = SOURCES, **config: Any
) -> AsyncIterator[Page]:
    """The mini-program, just opened by a new visitor in a phone of 360 px; `seen` is what WeChat was told to show."""
    # Templates are evaluated here, which the playground's policy rightly forbids.
    context = await browser.new_context(viewport={"width": 360, "height": 720}, bypass_csp=True)
    page, complaints = await context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{server_url}/demo/bare")
    await page.add_script_tag(path=RUNTIME)
    settings = {"baseUrl": server_url, "appid": "wxdeadbeefdeadbeef", "login": "code+userinfo", **config}
    await page.evaluate(f"window.seen = openMiniProgram({json.dumps(files)}, {json.dumps(settings)})")
    yield page
    await context.close()
    assert complaints == []


async def seen(page: Page, what: str, expected: Any) -> None:
    """Wait until WeChat was told that."""
    async with asyncio.timeout(20):
        while expected not in await page.evaluate(f"seen.{what}"):
            await page.evaluate("new Promise(requestAnimationFrame)")


async def test_a_person_signs_in_fills_in_their_profile_looks_at_everything_and_leaves(
    browser: Browser, server_url: str
) -> None:
    async with a_mini_program(
        browser, server_url, needsAgreement=True, contract="《示例隐私保护指引》"
    ) as page:
        await expect(page.get_by_text("《示例隐私保护指引》")).to_be_visible()
        await page.get_by_role("button", name="同意并登录").click()
        await expect(page.get_by_text("未设置昵称")).to_be_visible()

        await page.get_by_label("昵称").fill("小美")
        await page.get_by_role("button", name="保存").click()
        await expect(page.get_by_text("小美", exact=True)).to_be_visible()
        await page.get_by_role("button", name="绑定手机号").click()
        await expect(page.get_by_text("+86 1")).to_contain_text("****")
        await page.get_by_role("button", name="更换头像").click()
        await expect(page.locator("img")).to_be_visible()
        await page.get_by_role("button", name="解绑").click()
        await expect(page.get_by_role("button", name="绑定手机号")).to_be_visible()

        await page.get_by_text("登录设备").click()
        await expect(page.get_by_text("本机")).to_be_visible()
        await expect(page.get_by_role("button", name="下线其他所有设备")).to_have_count(0)
        await page.evaluate("wx.reLaunch({ url: '/pages/export/export' })")
        await page.get_by_role("button", name="获取我的数据").click()
        await page.get_by_role("button", name="以文件发送到聊天").click()
        shared = await page.evaluate("seen.shared")
        assert list(json.loads(shared)) == ["exported_at", "account", "sessions", "older_sessions"]
        assert "小美" in shared
        assert await page.evaluate("seen.files") == {}

        await page.evaluate("wx.reLaunch({ url: '/pages/close/close' })")
        await expect(page.get_by_role("button", name="注销账号")).to_be_disabled()
        await page.get_by_text("我已了解").click()
        await page.get_by_role("button", name="注销账号").click()
        await expect(page.get_by_text("欢迎使用")).to_be_visible()
        await seen(page, "toasts", "账号已注销")
        await page.get_by_role("button", name="同意并登录").click()
        await expect(page.get_by_text("未设置昵称")).to_be_visible()


async def be_busy(route: Route) -> None:
    """As a server answers that has too much to do."""
    headers = {"Retry-After": "60"}
    await route.fulfill(status=429, headers=headers, json={"error": "slow_down", "hint": "Wait."})


async def want_consent(route: Route) -> None:
    """As a server with a privacy policy in force answers."""
    told = {"error": "consent_required", "hint": "for developers", "policy_version": "2026-11"}
    await route.fulfill(status=403, json=told)


async def test_who_agrees_is_registered_ends_another_device_and_reads_why_they_are_banned(
    browser: Browser, server_url: str
) -> None:
    async with a_mini_program(browser, server_url, language="en") as page:
        await page.route(f"{server_url}/oauth/token", be_busy, times=1)
        await page.get_by_role("button", name="Sign in with WeChat").click()
        await expect(page.get_by_role("alert")).to_contain_text("try again in 60 seconds")
        await page.route(f"{server_url}/accounts/wxapp", want_consent, times=1)
        await page.get_by_role("button", name="Sign in with WeChat").click()
        await expect(page.get_by_text("version 2026-11")).to_be_visible()
        async with page.expect_request("**/accounts/wxapp") as registration:
            await page.get_by_role("button", name="Agree and register").click()
        assert (await registration.value).post_data_json["consent_version"] == "2026-11"
        await expect(page.get_by_text("No nickname yet")).to_be_visible()
        # The same person on another phone: another storage.
        await page.evaluate("createPassport({ ...config, storageKey: 'another phone' }).login()")

        await page.get_by_text("Signed-in devices").click()
        await expect(page.get_by_text("Computer")).to_have_count(2)
        await page.get_by_role("button", name="Sign out Computer").click()
        await expect(page.get_by_text("Computer")).to_have_count(1)
        await seen(page, "toasts", "Signed out")

        await page.route(f"{server_url}/accounts/me", lambda route: route.abort(), times=1)
        await page.evaluate("wx.reLaunch({ url: '/pages/me/me' })")
        await expect(page.get_by_role("alert")).to_contain_text("No connection to the server")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_text("No nickname yet")).to_be_visible()

        await page.evaluate("wxDemo.ban()")
        await page.evaluate("wx.reLaunch({ url: '/pages/me/me' })")
        await expect(page.get_by_text("Welcome")).to_be_visible()
        await expect(page.get_by_role("alert")).to_contain_text("This account is disabled")


async def test_what_wechat_hands_over_or_refuses_is_not_lost(browser: Browser, server_url: str) -> None:
    async with a_mini_program(browser, server_url, needsAgreement=True) as page:
        await page.route(f"{server_url}/accounts/wxapp", want_consent, times=1)
        await page.get_by_role("button", name="同意并登录").click()
        await page.get_by_role("button", name="同意并注册").click()
        await expect(page.get_by_text("未设置昵称")).to_be_visible()

        of_the_page = "document.querySelector('.avatar').owner"
        # Choosing a picture takes the person out of the page, which loads anew when they are back.
        arrived, goes_on = asyncio.Event(), asyncio.Event()

        async def hold(route: Route) -> None:
            arrived.set()
            await goes_on.wait()
            await route.continue_()

        await page.route(f"{server_url}/accounts/me", hold, times=1)
        await page.evaluate(f"void {of_the_page}.onShow()")
        await arrived.wait()
        await page.get_by_role("button", name="更换头像").click()
        goes_on.set()
        await expect(page.locator("img")).to_be_visible()

        phone = f"{of_the_page}.bindPhone({{ detail: {{ errMsg: 'getPhoneNumber:fail %s' }} }})"
        await page.evaluate(phone % "user deny")
        await expect(page.get_by_role("alert")).to_have_count(0)
        await page.evaluate(phone % "no permission")
        await expect(page.get_by_role("alert")).to_contain_text("getPhoneNumber:fail no permission")

        await page.evaluate("wx.reLaunch({ url: '/pages/export/export' })")
        await page.get_by_role("button", name="获取我的数据").click()
        await page.evaluate("void (wx.shareFileMessage = told => told.fail({ errMsg: 'fail too large' }))")
        await page.get_by_role("button", name="以文件发送到聊天").click()
        await seen(page, "toasts", "fail too large")
        await page.evaluate("void (wx.setClipboardData = told => told.fail({ errMsg: 'fail undeclared' }))")
        await page.get_by_role("button", name="复制全部内容").click()
        await seen(page, "toasts", "fail undeclared")


async def test_the_ten_lines_of_the_readme_sign_a_new_user_in(browser: Browser, server_url: str) -> None:
    [block] = re.findall(
        r"```js\n(const \{ createPassport.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    assert len(block.splitlines()) == 10
    code = block.replace("https://login.example.com", server_url).replace("wx…", "wxdeadbeefdeadbeef")
    page_of_theirs = {
        "pages/me/me.js": code,
        "pages/me/me.wxml": """<button bindtap="signIn">登录</button><text>{{user ? user.created_at : ''}}</text>""",
    }
    async with a_mini_program(browser, server_url, SOURCES | page_of_theirs) as page:
        await page.get_by_role("button", name="登录").click()
        await expect(page.locator("wx-text")).to_have_text(re.compile(r"^20\d\d-\d\d-\d\dT.*Z$"))


async def test_passport_js_is_an_es_module_by_the_line_that_its_readme_gives(
    browser: Browser, server_url: str
) -> None:
    [line] = set(re.findall(r"`(export \{.*?\})`", (MINI_PROGRAM / "README.md").read_text("utf-8")))
    *others, last = SOURCES["utils/passport.js"].splitlines()
    assert last.startswith("module.exports")
    module = "\n".join([*others, line])
    async with a_phone(browser, server_url) as phone:
        served = {"body": module, "content_type": "text/javascript"}
        await phone.page.route("**/demo/bundled.js", lambda route: route.fulfill(**served))
        exports = await phone.run("import('/demo/bundled.js').then(Object.keys)")
        assert set(exports) == set(await phone.run("Object.keys(module.exports)")) != set()
