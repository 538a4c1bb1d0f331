"""Lists of users take turns, few at a time and none for long, so that logins come first (R-027)."""

from __future__ import annotations

import asyncio

import pytest

from passport.directory.filters import UserFilter
from passport.directory.people import Total, View
from passport.errors.dashboard import TooBroad
from passport.services import Services
from tests.client import API
from tests.conftest import APPID
from tests.integration.admin.people import Database, id_of, person
from tests.security.profiler import asked, profiling

OTHER_APPID = "wx00000000000000ff"


async def test_a_question_that_takes_too_long_is_given_up_and_the_next_one_is_answered(
    services: Services, database: Database
) -> None:
    admin = database.client.admin
    database.users.insert_one(person(1))
    await services.admin.directory.appids()
    # MongoDB itself counts the time: at the first check of the deadline it is over.
    admin.command("configureFailPoint", "maxTimeAlwaysTimeOut", mode="alwaysOn")
    try:
        with pytest.raises(TooBroad):
            await services.admin.directory.page(UserFilter(), View())
        assert await services.admin.directory.total(UserFilter(text="小")) == Total(None)
    finally:
        admin.command("configureFailPoint", "maxTimeAlwaysTimeOut", mode="off")
    page = await services.admin.directory.page(UserFilter(), View())
    assert [each.user_id for each in page.people] == [id_of(1)]


async def test_lists_wait_for_their_turn_and_not_for_long_and_logins_go_on(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = services.store.directory
    await services.admin.directory.appids()
    monkeypatch.setattr("passport.store.directory._WAITS", (60.0, 60.0))
    for _ in range(2):
        await store._turns.acquire()
    # To wait is no fault of MongoDB's, whose deadline begins with the question.
    with monkeypatch.context() as patch:
        patch.setattr(store, "deadline", 0.001)
        waiting = [
            asyncio.ensure_future(services.admin.directory.page(UserFilter(), View())) for _ in range(10)
        ]
        # The lists hold nothing that a login needs.
        assert (await api.token(api.wx_login("mei"))).status == 401
        assert not any(each.done() for each in waiting)
    monkeypatch.setattr("passport.store.directory._WAITS", (0.05, 0.05))
    with pytest.raises(TooBroad):
        await services.admin.directory.page(UserFilter(), View())
    for _ in range(2):
        store._turns.release()
    assert len(await asyncio.gather(*waiting)) == 10


async def test_the_apps_are_asked_for_once_and_read_off_the_index_one_entry_an_app(
    services: Services, database: Database
) -> None:
    others = [{"appid": OTHER_APPID, "openid": f"o{number:027d}"} for number in range(40)]
    database.users.insert_many([person(number, identities=[others[number]]) for number in range(40)])
    database.users.insert_many([person(number) for number in range(40, 80)])
    await services.background.close()
    with profiling(database) as profiled:
        found = await asyncio.gather(*(services.admin.directory.appids() for _ in range(5)))
        steps = [each for each in asked(profiled) if each["ns"].endswith(".users")]
    assert [set(each) for each in found] == [{APPID, OTHER_APPID}] * 5
    assert [(each["keysExamined"], each["docsExamined"]) for each in steps] == [(1, 1), (1, 1), (0, 0)]
