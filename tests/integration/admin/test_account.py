"""One's own account: the password, the signed-in devices, and proving again who one is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passport.services import Services
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.dashboard import SESSION, Dashboard
from tests.integration.admin.entering import OTHER_PASSWORD, PASSWORD, add_operator, kinds, sign_in


@pytest.fixture
def devices(
    io_loop: IOLoop, services: Services, api: API, other_process: API
) -> Iterator[tuple[Dashboard, Dashboard]]:
    """Mo, signed in on two devices, at two processes."""

    async def start() -> tuple[Dashboard, Dashboard]:
        await add_operator(services, "mo")
        here, there = Dashboard(api.base_url), Dashboard(other_process.base_url)
        for each in (here, there):
            assert (await sign_in(each, "mo")).status == 303
        return here, there

    started = io_loop.run_sync(start)
    yield started
    for each in started:
        io_loop.run_sync(each.close)


def change(**changes: str) -> dict[str, str]:
    return {"current": PASSWORD, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD, **changes}


async def test_a_new_password_ends_every_session_but_gives_this_browser_a_new_one(
    devices: tuple[Dashboard, Dashboard], database: Any
) -> None:
    here, there = devices
    before = here.cookies[SESSION]
    page = await here.submit("/admin/account/password", change())
    assert (page.status, page.location) == (303, "/admin/account")
    assert "signed out everywhere else" in (await here.follow(page)).text
    assert here.cookies[SESSION] != before
    assert (await there.get("/admin")).status == 303
    here.cookies[SESSION] = before
    assert (await here.get("/admin")).status == 303
    assert (await sign_in(there, "mo")).status == 422
    assert (await sign_in(there, "mo", OTHER_PASSWORD)).status == 303
    assert kinds(database).count("operator.password_changed") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"current": "not the password"}, "current"),
        ({"again": "something else"}, "again"),
        ({"password": "short", "again": "short"}, "password"),
        ({"password": "mo mo mo mo mo mo", "again": "mo mo mo mo mo mo"}, "password"),
    ],
)
async def test_a_password_that_is_not_taken_changes_nothing(
    devices: tuple[Dashboard, Dashboard], changes: dict[str, str], field: str
) -> None:
    here, there = devices
    page = await here.submit("/admin/account/password", change(**changes))
    assert page.status == 422
    assert f'id="{field}-note"' in page.html
    assert "invalid-feedback" in page.html
    assert (await there.get("/admin")).status == 200


async def test_the_devices_are_listed_and_one_is_signed_out(devices: tuple[Dashboard, Dashboard]) -> None:
    here, there = devices
    page = await here.get("/admin/account")
    assert page.text.count("127.0.0.1") >= 2
    ids = [form["fields"]["end"] for form in page.forms if form["action"] == "/admin/account/sessions"]
    assert here.cookies[SESSION] not in page.html
    await here.submit("/admin/account/sessions", {"end": ids[0]})
    assert (await there.get("/admin")).status == 303
    assert (await here.get("/admin")).status == 200


@pytest.mark.parametrize(("end", "here_is"), [("others", 200), ("all", 303)])
async def test_all_others_or_all_are_signed_out(
    devices: tuple[Dashboard, Dashboard], end: str, here_is: int
) -> None:
    here, there = devices
    token = here.cookies[SESSION]
    await here.submit("/admin/account/sessions", {"end": end})
    here.cookies[SESSION] = token
    assert (await there.get("/admin")).status == 303
    assert (await here.get("/admin")).status == here_is


async def test_nobody_ends_a_session_of_somebody_else(
    devices: tuple[Dashboard, Dashboard], lin: Dashboard
) -> None:
    page = await devices[0].get("/admin/account")
    ids = [form["fields"]["end"] for form in page.forms if form["action"] == "/admin/account/sessions"]
    for each in ids:
        if each not in ("all", "others"):
            await lin.submit("/admin/account/sessions", {"end": each})
    assert [(await each.get("/admin")).status for each in devices] == [200, 200]


async def test_who_they_are_is_proved_for_five_minutes_and_this_session_alone(
    devices: tuple[Dashboard, Dashboard], clock: Clock, database: Any
) -> None:
    here, there = devices
    clock.advance(minutes=5)
    assert (await here.get("/admin/account/second-factor")).status == 303
    page = await here.get("/admin/reauth?next=/admin/account/second-factor")
    assert "password of mo once more" in page.text
    page = await here.submit("/admin/reauth?next=/admin/account/second-factor", {"password": PASSWORD})
    assert (page.status, page.location) == (303, "/admin/account/second-factor")
    assert (await here.get("/admin/account/second-factor")).status == 200
    assert (await there.get("/admin/account/second-factor")).status == 303
    assert kinds(database)[-1] == "operator.confirmed"


async def test_a_stolen_session_guesses_as_seldom_as_anybody_and_locks_nobody_else(
    devices: tuple[Dashboard, Dashboard], clock: Clock
) -> None:
    here, there = devices
    clock.advance(minutes=6)
    for _ in range(5):
        assert (await here.submit("/admin/reauth", {"password": "a wrong password"})).status == 422
    assert (await here.submit("/admin/reauth", {"password": PASSWORD})).status == 422
    assert (await there.submit("/admin/reauth", {"password": PASSWORD})).status == 303
    clock.advance(seconds=31)
    assert (await here.submit("/admin/reauth", {"password": PASSWORD})).status == 303
