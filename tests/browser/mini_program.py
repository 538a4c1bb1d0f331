"""A phone with our mini-program on it: passport.js, unchanged, in Chromium, over the playground's `wx`.

What the server was asked is read from the browser's network, what WeChat was asked from the stand-in: never from what
passport.js says of itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, Page, Request, Response, Route

DEADLINE = 20.0
OURS = ("/oauth/", "/accounts/")
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
RECORD = "window.asked = []; void wxDemo.onCall(call => { if (!call.endedAt) asked.push(call.name) })"


class Phone:
    """`calls` are the server's answers in their order, such as `POST /oauth/token 401`; `sent` counts questions."""

    def __init__(self, page: Page, server_url: str) -> None:
        self.page, self.server_url = page, server_url
        self.calls: list[str] = []
        self.sent = 0
        page.on("request", self._count)
        page.on("response", self._note)

    def leave(self) -> None:
        """Listen no longer."""
        self.page.remove_listener("request", self._count)
        self.page.remove_listener("response", self._note)

    def _count(self, request: Request) -> None:
        self.sent += urlsplit(request.url).path.startswith(OURS)

    def _note(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if path.startswith(OURS):
            self.calls.append(f"{response.request.method} {path} {response.status}")

    async def install(self) -> None:
        """Load the mini-program anew; what is in the phone's storage stays."""
        await self.page.goto(f"{self.server_url}/demo/bare")
        await self.page.evaluate(RECORD)

    async def run(self, script: str) -> Any:
        """What the expression comes to; of a PassportError its members."""
        return await self.page.evaluate(
            f"(async () => {{ try {{ return await ({script}) }} catch (error) {{ return {{ ...error }} }} }})()"
        )

    async def sign_in(self) -> str:
        """Register and sign in a new visitor; what it took is forgotten. The account's id."""
        account_id = (await self.run("passport.login()"))["accountId"]
        self.calls.clear()
        self.sent = 0
        await self.page.evaluate("asked.length = 0")
        return str(account_id)

    async def asked(self, *names: str) -> list[str]:
        """Which of these calls of `wx` were made, in their order."""
        return [name for name in await self.page.evaluate("asked") if name in names]

    async def exchanges(self) -> list[dict[str, Any]]:
        """What WeChat was asked with codes of this visitor: the stand-in's own record."""
        found: list[dict[str, Any]] = await self.page.evaluate("wxDemo.exchanges()")
        return found

    async def settle(self) -> None:
        """Let whatever has begun be seen: this question is asked, and answered, after it."""
        await self.page.evaluate("fetch('/healthz').then(reply => reply.text())")

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what must come."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await self.settle()

    async def calls_reach(self, count: int) -> None:
        """Wait until the server was asked that often."""
        await self.until(lambda: len(self.calls) >= count)

    async def answer_once(self, path: str, status: int, body: Any, **headers: str) -> None:
        """The next call of this path is answered like this, without the server."""
        sent = {
            "content-type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }

        async def fulfill(route: Route) -> None:
            await route.fulfill(status=status, headers=sent, body=json.dumps(body))

        await self.page.route(self.server_url + path, once(fulfill))

    async def hold(self, path: str) -> Held:
        """The next call of this path reaches the server; its answer comes when it is let go."""
        held = Held()
        await self.page.route(self.server_url + path, once(held.take))
        return held


def once(handler: Callable[[Route], Awaitable[None]]) -> Callable[[Route], Awaitable[None]]:
    """For the first call alone. Playwright's own `times` lets whatever is held go when the last of them is used up."""
    used: list[Route] = []

    async def handle(route: Route) -> None:
        if used:
            await route.fallback()
            return
        used.append(route)
        await handler(route)

    return handle


class Held:
    """An answer on its way."""

    def __init__(self) -> None:
        self.arrived, self._free = asyncio.Event(), asyncio.Event()
        self.text = ""

    async def take(self, route: Route) -> None:
        """Let the server answer, and wait."""
        response = await route.fetch()
        self.text = await response.text()
        self.arrived.set()
        await self._free.wait()
        await route.fulfill(response=response)

    def let_go(self) -> None:
        """To the phone with it."""
        self._free.set()


_pages: WeakKeyDictionary[Browser, Page] = WeakKeyDictionary()


@asynccontextmanager
async def a_phone(browser: Browser, server_url: str, *, stopped_clock: bool = False) -> AsyncIterator[Phone]:
    """A new visitor's, with the mini-program just opened.

    A page costs half a second to make, so it is made once and cleared. One whose clock the test moves is its own; it
    stands still meanwhile, and is years wrong, which must not matter.
    """
    page = None if stopped_clock else _pages.get(browser)
    if page is None:
        page = await (await browser.new_context(locale="zh-CN")).new_page()
    else:
        await page.evaluate("sessionStorage.clear()")
    if stopped_clock:
        await page.clock.install(time=LONG_AGO)
    else:
        _pages[browser] = page
    phone = Phone(page, server_url)
    await phone.install()
    if stopped_clock:
        await page.clock.pause_at(LONG_AGO + timedelta(hours=1))
    try:
        yield phone
    finally:
        phone.leave()
        await page.unroute_all(behavior="ignoreErrors")
        if stopped_clock:
            await page.context.close()
