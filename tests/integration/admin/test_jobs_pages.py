"""The pages of jobs: preview, confirmation, start, progress, stop, undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.services import Services
from tests.conftest import Clock
from tests.integration.admin.dashboard import Dashboard
from tests.integration.jobs.conftest import documents, register, statuses, work

Database = pymongo.database.Database[dict[str, Any]]
NEW = "/admin/jobs/new"


@pytest.fixture(autouse=True)
def idle(services: Services) -> None:
    """The worker does nothing by itself."""
    services.admin.jobs.worker.start = lambda: None  # type: ignore[method-assign]


@pytest.fixture
def crowd(database: Database, clock: Clock) -> list[str]:
    """Six users."""
    return register(database, clock, 6)


async def started(lin: Dashboard, **fields: Any) -> str:
    """Start a job; its address."""
    page = await lin.submit(
        NEW, {"step": "start", "kind": "ban", "reason": "spam", "scope": "all", "filter": "", **fields}
    )
    assert page.status == 303, page.text
    return page.location


async def test_a_filter_is_previewed_with_its_numbers(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    await services.users.ban(crowd[0], reason="fraud", by="ada")
    page = await lin.get(f"{NEW}?kind=ban")
    assert "6 people match" in page.text
    assert "1 is banned already" in page.text
    assert "All users" in page.text
    assert statuses(database, crowd).count("banned") == 1


async def test_picked_users_are_previewed_and_then_met(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    preview = await lin.submit(NEW, {"kind": "ban", "id": crowd[:2]})
    assert preview.status == 200
    assert "2 users picked by hand" in preview.text
    page = await lin.submit(NEW, {"step": "start", "kind": "ban", "id": crowd[:2], "reason": "spam"})
    assert page.status == 303
    await work(services)
    assert statuses(database, crowd) == ["banned"] * 2 + ["active"] * 4
    assert "2 users picked by hand" in (await lin.get("/admin/jobs")).text


async def test_a_job_is_shown_from_start_to_undo(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    address = await started(lin)
    assert "Waiting" in (await lin.get(address)).text
    await work(services)
    done = await lin.get(address)
    assert "Done" in done.text
    assert "6 of 6" in done.text
    assert "hx-trigger" not in done.html
    assert (await lin.submit(f"{address}/undo")).status == 303
    assert "Being undone" in (await lin.get(address)).text
    await work(services)
    assert "Undone" in (await lin.get(address)).text
    assert statuses(database, crowd) == ["active"] * 6
    assert "Ban" in (await lin.get("/admin/jobs")).text


async def test_a_job_can_be_stopped_before_it_begins(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    address = await started(lin)
    await lin.submit(f"{address}/stop")
    await work(services)
    assert "Stopped" in (await lin.get(address)).text
    assert statuses(database, crowd) == ["active"] * 6


async def test_the_audit_log_tells_of_every_step(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    address = await started(lin)
    await work(services)
    await lin.submit(f"{address}/undo")
    await work(services)
    kinds = [each["kind"] for each in database.audit_events.find({"target_kind": "job"}).sort("_id", 1)]
    assert kinds == ["job.started", "job.done", "job.undo_asked", "job.undone"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "Write something here"),
        ({"reason": "x" * 501}, "At most 500 characters"),
        ({"lasting": "custom", "until": "yesterday"}, "Give a date and a time"),
        ({"lasting": "custom", "until": "2001-01-01T00:00"}, "That time has passed"),
        ({"kind": "tag", "with_tag": ""}, "Write something here"),
        ({"kind": "tag", "with_tag": "x" * 33}, "At most 32 characters"),
    ],
)
async def test_what_cannot_be_taken_is_told_beside_its_field(
    lin: Dashboard, database: Database, crowd: list[str], fields: dict[str, str], told: str
) -> None:
    page = await lin.submit(
        NEW, {"step": "start", "kind": "ban", "reason": "spam", "scope": "all", "filter": "", **fields}
    )
    assert page.status == 400
    assert told in page.text
    assert database.jobs.count_documents({}) == 0


async def test_what_was_typed_is_kept(lin: Dashboard, crowd: list[str]) -> None:
    page = await lin.submit(
        NEW,
        {
            "step": "start",
            "kind": "ban",
            "scope": "all",
            "filter": "",
            "reason": "  <b>spam",
            "lasting": "custom",
        },
    )
    assert page.status == 400
    assert "&lt;b&gt;spam" in page.html


async def test_more_than_a_hundred_are_confirmed_by_their_number(
    lin: Dashboard, database: Database, clock: Clock
) -> None:
    register(database, clock, 110)
    fields = {"step": "start", "kind": "ban", "reason": "spam", "scope": "all", "filter": ""}
    for typed in ("", "100", "12", "many"):
        page = await lin.submit(NEW, {**fields, "typed": typed})
        assert page.status == 400
        assert "Nothing was done" in page.text
    assert database.jobs.count_documents({}) == 0
    assert (await lin.submit(NEW, {**fields, "typed": "110"})).status == 303


async def test_a_filter_with_a_fault_acts_on_nobody(
    lin: Dashboard, database: Database, crowd: list[str]
) -> None:
    fields = {
        "step": "start",
        "kind": "ban",
        "reason": "spam",
        "scope": "all",
        "filter": "registered_from=someday",
    }
    assert (await lin.submit(NEW, fields)).status == 400
    assert (await lin.get(f"{NEW}?registered_from=someday")).status == 400
    # Without what it does not know, it would mean everybody.
    for misspelt in ("stauts=banned", "None", "status=banned&x=1"):
        assert (await lin.submit(NEW, {**fields, "filter": misspelt})).status == 400
    del fields["filter"]
    assert (await lin.submit(NEW, fields)).status == 400
    assert database.jobs.count_documents({}) == 0


@pytest.mark.parametrize("ids", [["x"], ["$ne"], ["0" * 23], ["A" * 24], [f"{n:024x}" for n in range(1001)]])
async def test_what_is_no_selection_is_refused(lin: Dashboard, database: Database, ids: list[str]) -> None:
    page = await lin.submit(NEW, {"step": "start", "kind": "ban", "reason": "spam", "id": ids})
    assert page.status in (400, 413)
    assert database.jobs.count_documents({}) == 0


async def test_a_form_without_any_selection_means_nobody(
    lin: Dashboard, database: Database, crowd: list[str]
) -> None:
    page = await lin.submit(NEW, {"step": "start", "kind": "ban", "reason": "spam"})
    assert page.status == 400
    assert "Nobody is selected" in page.text
    assert database.jobs.count_documents({}) == 0


async def test_the_language_switch_of_a_picked_preview_does_not_lead_to_everybody(
    lin: Dashboard, crowd: list[str]
) -> None:
    page = await lin.submit(NEW, {"kind": "ban", "id": crowd[:2]})
    assert 'name="next" value="/admin/users"' in page.html
    page = await lin.submit(NEW, {"kind": "tag", "scope": "all", "filter": "status=active"})
    assert 'value="/admin/jobs/new?kind=tag&amp;status=active"' in page.html


async def test_a_viewer_sees_jobs_and_can_do_nothing_about_them(
    lin: Dashboard, vera: Dashboard, services: Services, crowd: list[str]
) -> None:
    address = await started(lin)
    page = await vera.get(address)
    assert page.status == 200
    assert "/stop" not in page.html
    assert (await vera.submit(f"{address}/stop")).status == 403
    assert (await vera.get(NEW)).status == 403


async def test_a_job_that_is_not_there_is_not_found(lin: Dashboard) -> None:
    assert (await lin.get(f"/admin/jobs/{ObjectId()}")).status == 404
    assert (await lin.submit(f"/admin/jobs/{ObjectId()}/undo")).status == 404


async def test_the_list_goes_on_on_a_second_page(
    lin: Dashboard, services: Services, database: Database, crowd: list[str]
) -> None:
    address = await started(lin)
    job = database.jobs.find_one({})
    assert job
    database.jobs.insert_many([{**job, "_id": ObjectId()} for _ in range(50)])
    first = await lin.get("/admin/jobs")
    (older,) = [each for each in first.links if "before=" in each]
    assert address in (await lin.get(older)).links
    assert (await lin.get("/admin/jobs?before=nonsense")).status == 200


async def test_hostile_reasons_and_tags_stay_text(
    lin: Dashboard, services: Services, crowd: list[str]
) -> None:
    hostile = "<script>alert(1)</script>\u202egnp"
    address = await started(lin, reason=hostile)
    await work(services)
    page = await lin.get(address)
    assert "<script>alert" not in page.html
    assert "\u202e" not in page.html


async def test_the_end_of_a_ban_is_the_operators_clock(
    lin: Dashboard, services: Services, database: Database, clock: Clock, crowd: list[str]
) -> None:
    end = (clock() + timedelta(days=2)).replace(second=0, microsecond=0)
    local = end.astimezone(services.settings.dashboard.zone).strftime("%Y-%m-%dT%H:%M")
    await started(lin, lasting="custom", until=local, shown="1")
    await work(services)
    ban = documents(database, crowd)[0]["ban"]
    assert (ban["until"], ban["shown"]) == (end, True)
