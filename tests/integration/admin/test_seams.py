"""What lies between the parts of the dashboard: an act that meets another, and requests that no page sends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from zoneinfo import ZoneInfo

import pymongo
import pytest
from bson import ObjectId

from handlers.admin.audit import read_filter
from handlers.admin.forms import Form
from passport.jobs.model import Act, Kind, Selection
from passport.services import Services
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.dashboard import Dashboard
from tests.integration.admin.entering import OTHER_PASSWORD, PASSWORD, add_operator, kinds, sign_in
from tests.integration.jobs.conftest import register, work
from tests.unit.test_audit_chain import ACT

Database = pymongo.database.Database[dict[str, Any]]


# Sessions of a user


async def test_whoever_signs_out_their_other_devices_meanwhile_is_not_called_signed_out_everywhere(
    api: API, database: Database, services: Services, lin: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await api.sign_in("mei")
    user_id = str(tokens["account_id"])
    list_alive = services.sessions.list_alive

    async def meanwhile(user: Any) -> Any:
        alive = await list_alive(user)
        await services.sessions.end_all(user, by="user", but=alive[0].session_id)
        return alive

    monkeypatch.setattr(services.sessions, "list_alive", meanwhile)
    page = await lin.submit(f"/admin/users/{user_id}/end-sessions")
    monkeypatch.undo()
    assert page.status == 409
    assert kinds(database)[-1] == "user.sessions_ended.failed"
    # From what is there now it is done.
    assert (await lin.submit(f"/admin/users/{user_id}/end-sessions")).status == 303
    assert (await api.me(tokens["access_token"])).error == "invalid_token"


async def test_a_viewer_sees_no_address_of_a_user_whole(api: API, vera: Dashboard, lin: Dashboard) -> None:
    tokens = await api.sign_in("mei")
    url = f"/admin/users/{tokens['account_id']}"
    assert "127.0.0.1" in (await lin.get(url)).text
    assert "127.0.0.1" not in (await vera.get(url)).html


# One-time links


async def test_a_link_is_worthless_once_a_password_was_set_otherwise(
    services: Services, visitor: Dashboard
) -> None:
    member, team = await add_operator(services, "lin"), services.admin.operators.team
    token = await team.link_for(member.operator)
    await team.set_password(member.operator, OTHER_PASSWORD)
    page = await visitor.submit(f"/admin/set-up/{token}", {"password": PASSWORD, "again": PASSWORD})
    assert page.status == 404
    assert (await sign_in(visitor, "lin", OTHER_PASSWORD)).location == "/admin"


async def test_a_link_is_worthless_once_its_operator_was_disabled(
    services: Services, visitor: Dashboard
) -> None:
    member, team = await add_operator(services, "lin"), services.admin.operators.team
    token = await team.link_for(member.operator)
    await team.disable(member.operator.operator_id, by=None)
    await team.enable(member.operator.operator_id)
    page = await visitor.submit(
        f"/admin/set-up/{token}", {"password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    )
    assert page.status == 404


# Erasing


async def test_of_an_erased_user_no_ban_is_left_with_the_jobs_that_changed_it(
    services: Services, database: Database, clock: Clock, lin: Dashboard
) -> None:
    services.admin.jobs.worker.start = lambda: None  # type: ignore[method-assign]
    (user_id,) = register(database, clock, 1)
    ban = {"reason": "threatened Mei", "by": "lin", "at": clock(), "until": None, "shown": False}
    database.users.update_one({"_id": ObjectId(user_id)}, {"$set": {"status": "banned", "ban": ban}})
    operator = await services.store.operators.find_by_name("lin")
    assert operator
    jobs, unban, one = services.admin.jobs, Act(Kind.UNBAN), Selection(ids=(user_id,))
    await jobs.start(unban, one, by=operator, preview=await jobs.preview(unban, one))
    await work(services)
    assert "threatened" in str(list(database.job_changes.find()))
    user = await services.users.find(user_id)
    assert user
    await services.closing.close(user, by="operator")
    assert "threatened" not in str([list(database[name].find()) for name in database.list_collection_names()])


# Requests that no page of ours sends


async def test_the_address_of_a_page_that_is_none_is_no_fault_of_ours(visitor: Dashboard) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://["}
    page = await visitor.get("/admin/users", headers=headers)
    assert (page.status, page.headers["HX-Redirect"]) == (204, "/admin/sign-in?next=%2Fadmin")


@pytest.mark.parametrize("fields", [{"scope": "all", "filter": "q=" + "x" * 4_000}, {"scope": "x" * 201}])
async def test_a_form_of_a_job_that_is_too_long_is_refused_by_a_page(
    lin: Dashboard, fields: dict[str, str], log_records: list[logging.LogRecord]
) -> None:
    page = await lin.submit("/admin/jobs/new", fields)
    assert (page.status, "<h1" in page.html) == (400, True)
    assert not [each for each in log_records if each.levelno >= logging.ERROR]


@pytest.mark.parametrize("time_zone", ["UTC", "America/New_York"])
def test_the_last_day_that_there_is_can_be_asked_for(time_zone: str) -> None:
    fields, _ = read_filter(Form("until=9999-12-31"), ZoneInfo(time_zone))
    assert fields.until == "9999-12-31"


def test_a_day_on_which_the_clocks_change_is_asked_for_whole() -> None:
    _, wanted = read_filter(Form("since=2026-11-01&until=2026-11-01"), ZoneInfo("America/New_York"))
    assert wanted.since
    assert wanted.until
    assert (wanted.until - wanted.since).total_seconds() == 25 * 3600


# The end of the server


async def test_a_check_of_the_log_that_goes_on_ends_with_the_server(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = services.admin

    async def for_long(**_: object) -> None:
        await asyncio.sleep(30)

    monkeypatch.setattr(admin.audit, "verify", for_long)
    await admin.checking.begin(ACT, wait=0.05)
    assert admin.checking.running
    await admin.aclose()
    assert not admin.checking.running
