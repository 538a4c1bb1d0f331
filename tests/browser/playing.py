"""The playground's page for tests: presses the buttons, reads the diagram, and writes down what the browser sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page, Request, Response

from tests.browser.conftest import REPORT_VIOLATIONS

# Longer than any scene takes, on a machine that is much slower than ours.
PATIENCE = 30_000


@dataclass
class Play:
    """An open playground, and what its browser sent and was answered."""

    page: Page
    sent: list[tuple[str, Any]] = field(default_factory=list)
    answered: list[Response] = field(default_factory=list)

    async def act(self, name: str, *, ends: str = "done") -> None:
        """Press the button of a scene and wait for its end."""
        await self.page.click(f".phone [data-scene={name}], .chips [data-scene={name}]")
        await self.page.wait_for_selector(f"#stage[data-state={ends}]", timeout=PATIENCE)

    async def arrows(self) -> list[str]:
        """What is drawn, such as `phone>server POST /oauth/token` or `server>phone 401 invalid_token ×10`."""
        drawn: list[str] = await self.page.evaluate(
            """() => [...document.querySelectorAll('#steps .step')].map(({dataset}) =>
                `${dataset.from}>${dataset.to} ${dataset.label}` + (dataset.count > 1 ? ` ×${dataset.count}` : ''))"""
        )
        return drawn

    async def open(self, number: int) -> list[Any]:
        """Press an arrow, counted from one; the JSON that it shows, the whole of each long text included."""
        await self.page.locator("#steps .step > button").nth(number - 1).click()
        while await self.page.locator("#inspected .more").count():
            await self.page.locator("#inspected .more").first.click()
        shown = await self.page.locator("#inspected .json").all_inner_texts()
        return [json.loads(text) if text.startswith("{") else text for text in shown]

    def bodies_to(self, path: str) -> list[Any]:
        """What the browser really sent there, in its order."""
        return [body for sent_to, body in self.sent if sent_to.endswith(path)]


@asynccontextmanager
async def playing(
    browser: Browser, url: str, *, path: str = "/demo?lang=en", width: int = 1280, **options: Any
) -> AsyncIterator[Play]:
    """The playground in a browser of its own; at the end its scripts must have had nothing to complain of."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, locale="en-GB", base_url=url, **options
    )
    page = await context.new_page()
    play, complaints = Play(page), []

    def note_request(request: Request) -> None:
        body = request.post_data
        play.sent.append((request.url.split("?")[0], json.loads(body) if body and body[0] == "{" else body))

    page.on("request", note_request)
    page.on("response", lambda response: play.answered.append(response))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # The browser remarks each refusal, and refusals are what is played here.
    page.on(
        "console",
        lambda message: "Failed to load resource" in message.text or complaints.append(message.text),
    )
    await page.add_init_script(REPORT_VIOLATIONS)
    await page.goto(path)
    await page.wait_for_selector("#stage[data-ready]")
    yield play
    await context.close()
    assert complaints == []
