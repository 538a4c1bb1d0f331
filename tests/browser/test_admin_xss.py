"""No payload runs or breaks the policy on any page of the dashboard (R-014), in a real browser.

The pages are read from the table of routes, so a new one is visited by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Error, Page

from handlers import templating
from handlers.admin import ROUTES, MissingPage
from handlers.openapi.routes import Route as Pattern
from passport.jobs.model import Act, Kind, Selection, State
from passport.services import Services
from sandbox import StandIn
from tests.browser.conftest import OpenAdmin, session_token
from tests.client import API
from tests.conftest import APPID
from tests.effort import THOROUGH
from tests.integration.helpers import until
from tests.security.xss_payloads import PAYLOADS, Infested, infest

pytestmark = pytest.mark.gen_test(timeout=180)

_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"/>'
# Lists are followed as far as all payloads reach at fifty rows a page.
_PAGES = 3
# Of the pages about one thing, so many are opened in an ordinary run, and all of them by WXPASSPORT_THOROUGH=1.
_SOME = 4
_COLLECTIONS = {
    "user_id": "users",
    "refusal_id": "refusals",
    "session_id": "sessions",
    "operator_id": "operators",
    "job_id": "jobs",
}


def addresses(infested: Infested, *, each: int) -> Iterator[str]:
    """The address of every page that can be looked at; where one is about something, of so many of those."""
    for place, route in enumerate(ROUTES):
        if route.see is None or route.page is MissingPage:
            continue
        pattern = Pattern(route.pattern.replace("/?", ""), route.page)
        names = [parameter["name"] for parameter in pattern.parameters]
        assert set(names) <= infested.ids.keys(), (
            f"say in known() which {names} there are for {route.pattern}"
        )
        for number in range(each if names else 1):
            spread = number / each + place / 100
            yield pattern.path.format(**{name: _pick(infested.ids[name], spread) for name in names})


def _pick(made: list[str], spread: float) -> str:
    """One of them: other pages show other payloads."""
    return made[int(spread * len(made)) % len(made)]


async def look(page: Page, address: str) -> None:
    """Open it, and all that can be unfolded on it; then what follows."""
    for _ in range(_PAGES):
        try:
            await page.goto(address, wait_until="load")
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            return  # a file is no page
        await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        following = page.locator("a[rel=next]")
        if not await following.count():
            return
        address = str(await following.first.get_attribute("href"))
        address = f"{page.url.partition('?')[0]}{address}" if address.startswith("?") else address


def watch(page: Page) -> list[str]:
    """What ran: a dialog, or a page elsewhere."""
    told: list[str] = []

    async def dismiss(dialog: Any) -> None:
        told.append(f"dialog at {page.url}")
        await dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("framenavigated", lambda frame: told.append(f"frame {frame.url}") if frame.parent_frame else None)
    return told


async def without_pictures(page: Page) -> None:
    """WeChat's avatars are not fetched from the tests."""
    drawn = {"body": _PICTURE, "content_type": "image/svg+xml"}
    await page.route("https://*.qlogo.cn/**", lambda route: route.fulfill(**drawn))


async def known(services: Services, database: Any, infested: Infested) -> Infested:
    """The ids that the database gave, by what they are called in the patterns of the routes."""
    await services.refusals.flush()
    await _start_job(services, infested)
    for name, collection in _COLLECTIONS.items():
        infested.ids[name] = [str(each["_id"]) for each in database[collection].find({}).sort("_id", 1)]
    infested.ids["other_id"] = infested.ids["user_id"][::-1]
    infested.ids["token"] = ["made-up"]
    infested.ids["appid"] = [APPID]
    return infested


async def _start_job(services: Services, infested: Infested) -> None:
    """One that holds a payload itself, and names people who do."""
    jobs = services.admin.jobs
    meant = Act(Kind.TAG, tag="<img src=x onerror=alert(1)>"), Selection(query={})
    await session_token(services, "admin")
    operator = await services.store.operators.find_by_name("ada")
    assert operator
    job = await jobs.start(*meant, by=operator, preview=await jobs.preview(*meant))

    async def is_over() -> bool:
        found = await jobs.find(job.job_id)
        return found is not None and found.state is State.DONE

    await until(is_over)


@pytest.mark.expects_log("WeChat refused the code")
async def test_no_payload_runs_or_breaks_the_policy_on_any_page(
    admin_page: OpenAdmin, api: API, services: Services, stand_in: StandIn, database: Any
) -> None:
    infested = await infest(api, stand_in)
    async with admin_page("/admin/look-up", role="admin", complaint="404") as page:
        await known(services, database, infested)
        assert len(infested.ids["refusal_id"]) >= len(PAYLOADS)
        told = watch(page)
        await without_pictures(page)
        for address in addresses(infested, each=len(PAYLOADS) if THOROUGH else _SOME):
            await look(page, address)
        await page.goto("/admin/nothing-here")  # so that there is something to complain of
        assert told == []


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.expects_log("uncaught")
async def test_without_escaping_it_would_be_seen(
    admin_page: OpenAdmin, api: API, services: Services, stand_in: StandIn, database: Any, monkeypatch: Any
) -> None:
    for language in ("zh", "en"):
        unescaped = templating.load_templates(templating.TEMPLATES_PATH, language)
        unescaped.autoescape = False
        unescaped.cache.clear()  # type: ignore[union-attr]
        monkeypatch.setitem(templating._templates, language, unescaped)
    stand_in.faults.set("errcode", errcode=40029, errmsg="<img src=x onerror=alert(1)>", times=1)
    await api.token(stand_in.people.login("mei"))
    infested = await known(services, database, Infested())
    async with admin_page("/admin/look-up", role="admin", complaint="") as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"/admin/refusals/{infested.ids['refusal_id'][0]}")
        await page.wait_for_timeout(100)
        assert [each for each in complaints if "Content Security Policy" in each]
