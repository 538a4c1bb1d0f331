"""The stage for the browser tests: `server.py --demo` as a subprocess, and a headless Chromium that tells tales."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.async_api import Browser, Page, Playwright, async_playwright
from tornado.ioloop import IOLoop

from handlers.admin.page import SESSION_COOKIE
from passport.models import Device, Role
from passport.services import Services
from tests.client import API

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Told to the page's own console, so that a violation is heard of by the same ear as an error.
REPORT_VIOLATIONS = (
    "document.addEventListener('securitypolicyviolation', "
    "event => console.error('Content Security Policy violation:', event.violatedDirective, event.blockedURI))"
)


class Open(Protocol):
    """`async with open_page("/", width=360) as page:`; at the end the page must have had nothing to complain of.

    With `complaint`, a text, it must have complained of that and of nothing else.
    """

    def __call__(self, path: str, **options: Any) -> AbstractAsyncContextManager[Page]: ...


@dataclass(frozen=True)
class Demo:
    """Where a demo server and its WeChat stand-in are."""

    url: str
    stand_in: str


@contextmanager
def running_demo(**settings: str) -> Iterator[Demo]:
    """A demo server of its own on any free port; `settings` are its WXPASSPORT_ variables without the prefix."""
    command = [sys.executable, str(ROOT / "server.py"), "--demo", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")}
    environment |= {f"WXPASSPORT_{name}": value for name, value in settings.items()}
    # Its log goes to a file: a pipe that nobody reads is full after a few hundred lines, and the server waits for ever.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert process.stdout
        try:
            pattern = r"wxpassport demo: (\S+) +\(WeChat stand-in: (\S+)/sandbox/\)"
            found = (re.match(pattern, line) for line in process.stdout)
            demo = next((Demo(match[1], match[2]) for match in found if match), None)
            assert demo, (log.seek(0), log.read())
            yield demo
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A demo server for all pages."""
    with running_demo() as demo:
        yield demo.url


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """What `make browser` found, else what the script finds."""
    named = os.environ.get("WXPASSPORT_CHROMIUM")
    return (
        named
        or subprocess.run(
            [ROOT / "scripts/ensure-chromium"], check=True, capture_output=True, text=True
        ).stdout
    ).strip()


@pytest.fixture(scope="session")
def browser_loop() -> Iterator[IOLoop]:
    """One event loop for all tests, since a browser belongs to the loop that it was started on."""
    asyncio_loop = asyncio.new_event_loop()
    asyncio.set_event_loop(asyncio_loop)
    loop = IOLoop.current()
    yield loop
    asyncio_loop.run_until_complete(asyncio_loop.shutdown_default_executor())
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def io_loop(browser_loop: IOLoop) -> IOLoop:
    """What pytest-tornado runs a test on."""
    return browser_loop


@pytest.fixture(scope="session")
def browser(browser_loop: IOLoop, chromium_path: str) -> Iterator[Browser]:
    """A headless Chromium; each page is opened in a context of its own, which shares nothing with others."""

    async def start() -> tuple[Playwright, Browser]:
        driver = await async_playwright().start()
        return driver, await driver.chromium.launch(executable_path=chromium_path, args=FLAGS)

    driver, running = browser_loop.run_sync(start)
    yield running

    async def stop() -> None:
        await running.close()
        await driver.stop()

    browser_loop.run_sync(stop)


@pytest.fixture
def open_page(browser: Browser, server_url: str) -> Open:
    """Opens pages of the demo server and listens for complaints."""

    @asynccontextmanager
    async def open_page(
        path: str,
        *,
        width: int = 1280,
        scheme: Any = "light",
        method: str = "GET",
        complaint: str | None = None,
        **context_options: Any,
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, locale="zh-CN", **context_options
        )
        page, complaints = await context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("response", lambda response: note_status(complaints, response))
        if context_options.get("java_script_enabled", True):
            await page.add_init_script(REPORT_VIOLATIONS)
        if method != "GET":
            await page.route(server_url + path, lambda route: route.continue_(method=method))
        await page.goto(server_url + path)
        yield page
        await context.close()
        assert [each for each in complaints if complaint is None or complaint not in each] == []
        assert complaint is None or complaints

    return open_page


class OpenAdmin(Protocol):
    """`async with admin_page("/admin/users", role="viewer", language="zh") as page:`, and no complaint at the end."""

    def __call__(self, path: str, **options: Any) -> AbstractAsyncContextManager[Page]: ...


@pytest.fixture
def admin_page(browser: Browser, api: API, services: Services) -> OpenAdmin:
    """Opens pages of the dashboard over this test's services, signed in as an operator of a role of one's choice."""

    @asynccontextmanager
    async def open_admin(
        path: str,
        *,
        role: Role = "operator",
        width: int = 1280,
        scheme: Any = "light",
        language: str = "en",
        complaint: str | None = None,
        **context_options: Any,
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme=scheme,
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            base_url=api.base_url,
            **context_options,
        )
        token = await session_token(services, role)
        host = api.base_url.split("//")[1].split(":")[0]
        flags: Any = {"secure": True, "httpOnly": True, "sameSite": "Lax", "domain": host, "path": "/"}
        await context.add_cookies([{"name": SESSION_COOKIE, "value": token, **flags}])
        page, complaints = await context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda response: note_status(complaints, response))
        if context_options.get("java_script_enabled", True):
            await page.add_init_script(REPORT_VIOLATIONS)
        await page.goto(path)
        yield page
        await context.close()
        assert [each for each in complaints if complaint is None or complaint not in each] == []
        assert complaint is None or complaints

    return open_admin


async def session_token(services: Services, role: Role) -> str:
    """The cookie of an operator of this role, who is made when there is none: vera, lin and ada."""
    name = {"viewer": "vera", "operator": "lin", "admin": "ada"}[role]
    operators = services.store.operators
    made = await operators.insert(name, role=role, at=services.admin.now())
    operator = made or await operators.find_by_name(name)
    assert operator
    return await services.admin.sessions.start(operator, Device("127.0.0.1", "a browser"))


def note_status(complaints: list[str], response: Any) -> None:
    """An answer that is no success is a complaint."""
    if response.status >= 400:
        complaints.append(f"{response.status}: {response.url}")
