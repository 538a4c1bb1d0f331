"""The audit page: who sees what was done, finds it, takes it away, and checks that it is whole."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from passport.audit.checking import KIND
from passport.services import Services
from tests.integration.admin.dashboard import Dashboard
from tests.integration.helpers import until
from tests.integration.test_audit import filled
from tests.unit.test_audit_chain import ACT, AT
from tests.unit.test_exports import cells


async def test_who_did_what_to_whom_is_shown_with_what_it_changed(
    services: Services, vera: Dashboard
) -> None:
    personal = {"nickname": "小美", "status": "active"}
    await services.admin.audit.record(replace(ACT, kind="user.banned", before=personal))
    page = await vera.get("/admin/audit")
    assert page.status == 200
    assert "1 act" in page.text
    for told in (
        "lin",
        "Banned a user",
        ACT.target_id,
        "status before: Active after: Banned",
        "刷单",
        "192.0.2.7",
    ):
        assert told in page.text
    assert "nickname before: not kept #" in page.text
    assert "小美" not in page.html
    assert f"/admin/users/{ACT.target_id}" in page.links


async def test_an_empty_log_says_what_will_be_here(vera: Dashboard) -> None:
    assert "Nothing has been done yet" in (await vera.get("/admin/audit")).text


async def test_acts_are_paged_through_and_back(services: Services, vera: Dashboard, monkeypatch: Any) -> None:
    monkeypatch.setattr("handlers.admin.audit.PAGE", 2)
    await filled(services, 5)

    def numbers(page: Any) -> list[int]:
        return [int(each.split('"')[0]) for each in page.html.split('<tr id="act-')[1:]]

    def link(page: Any, name: str) -> str:
        return next((each for each in page.links if f"{name}=" in each and "export" not in each), "")

    first = await vera.get("/admin/audit")
    second = await vera.get(link(first, "before"))
    third = await vera.get(link(second, "before"))
    assert [numbers(each) for each in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert (link(first, "after"), link(third, "before")) == ("", "")
    back = await vera.get(link(third, "after"))
    assert numbers(back) == [3, 2]
    top = await vera.get(link(back, "after"))
    assert (numbers(top), link(top, "after")) == ([5, 4], "")


async def test_the_filter_is_in_the_address_and_kept_in_the_form(services: Services, vera: Dashboard) -> None:
    await filled(services, 2)
    await services.admin.audit.record(
        replace(ACT, kind="user.banned", actor_id="b0", actor_name="bo", at=AT + timedelta(days=2))
    )
    for query, count in (
        ("actor=b0", 1),
        ("kind=user.ban", 2),
        (f"target={ACT.target_id}", 3),
        ("since=2026-11-24", 1),
        ("until=2026-11-22", 2),
        ("since=2026-11-22&until=2026-11-23&actor=b0", 0),
    ):
        page = await vera.get(f"/admin/audit?{query}")
        assert page.html.count('<tr id="act-') == count, query
    assert "No act matches" in page.text
    assert '<option value="b0" selected>bo</option>' in page.html


async def test_days_begin_as_those_of_the_dashboard(services: Services, vera: Dashboard) -> None:
    await services.admin.audit.record(replace(ACT, at=AT.replace(hour=15, minute=59)))
    await services.admin.audit.record(replace(ACT, at=AT.replace(hour=16, minute=1)))
    assert (await vera.get("/admin/audit?until=2026-11-22")).html.count('<tr id="act-') == 1


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=0001-01-01",
        "until=9999-12-31",
        "before=x",
        "before=99999999999999999-1",
        "before=999999999999999-1",
        "after=1-9999999999999999&before=1-1",
        "actor=%00",
        "actor=%ff",
        "kind=%24ne",
        "target=" + "a" * 300,
        "since[]=1&kind[%24ne]=1",
        "format=xlsx",
    ],
)
async def test_whatever_is_in_the_address_is_no_fault_of_ours(vera: Dashboard, query: str) -> None:
    for path in ("/admin/audit", "/admin/audit/export"):
        page = await vera.get(f"{path}?{query}")
        assert page.status in (200, 400)


async def test_a_day_that_is_none_is_told_beside_its_field(vera: Dashboard) -> None:
    page = await vera.get("/admin/audit?since=%3Cb%3E")
    assert "Write a day such as" in page.text
    assert 'value="&lt;b&gt;"' in page.html


async def test_what_is_filtered_is_exported_and_the_export_is_an_act(
    services: Services, vera: Dashboard, database: Any
) -> None:
    await filled(services, 3)
    await services.admin.audit.record(replace(ACT, kind="user.banned", after={"reason": "=1+1"}))
    page = await vera.get("/admin/audit?kind=user.banned")
    csv, jsonl = [each for each in page.links if each.startswith("/admin/audit/export")]
    answer = await vera.get(csv)
    heading, row = cells(answer.html.encode())
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-')
    assert dict(zip(heading, row, strict=True))["after"] == '{"reason":"=1+1"}'
    lines = [json.loads(each) for each in (await vera.get(jsonl)).html.splitlines()]
    assert [(each["kind"], each["after"]) for each in lines] == [("user.banned", {"reason": "=1+1"})]
    last = database.audit_events.find_one(sort=[("_id", -1)])
    assert (last["kind"], last["actor_name"], last["after"]) == (
        "audit.exported",
        "vera",
        {"format": "jsonl"},
    )


async def test_asking_for_the_head_of_an_export_exports_nothing(
    services: Services, vera: Dashboard, database: Any
) -> None:
    page = await vera.request("HEAD", "/admin/audit/export")
    assert (page.status, page.html) == (200, "")
    assert "attachment" in page.headers["Content-Disposition"]
    assert database.audit_events.count_documents({}) == 0


async def test_the_log_is_verified_at_a_press_and_every_process_shows_what_came_of_it(
    services: Services, lin: Dashboard, vera: Dashboard
) -> None:
    await filled(services, 3)
    assert "not verified yet" in (await vera.get("/admin/audit")).text
    page = await lin.follow(await lin.submit("/admin/audit"))
    assert "The newest 3 entries are as they were written" in page.text
    assert "Verified by lin" in (await vera.get("/admin/audit")).text
    assert "Verify now" not in (await vera.get("/admin/audit")).text
    assert (await vera.submit("/admin/audit")).status == 403


@pytest.mark.expects_log("the audit log is not sound")
async def test_what_is_wrong_with_the_log_is_told(services: Services, lin: Dashboard, database: Any) -> None:
    await filled(services, 3)
    database.audit_events.update_one({"_id": 2}, {"$set": {"actor_name": "<b>ada</b>"}})
    page = await lin.follow(await lin.submit("/admin/audit"))
    assert "Entry no. 2 was altered." in page.text
    assert "altered afterwards" in page.text
    assert "<b>ada" not in page.html


@pytest.mark.expects_log("the audit log is not sound", "audit anchor")
async def test_a_cut_end_is_told_by_the_anchor(services: Services, lin: Dashboard, database: Any) -> None:
    head = await filled(services, 5)
    await until(lambda: asyncio.sleep(0, services.admin.audit.anchored() == head))
    database.audit_events.delete_many({"_id": {"$gt": 3}})
    page = await lin.follow(await lin.submit("/admin/audit"))
    assert "Entries are missing at the end, from no. 4 on." in page.text


async def test_checks_at_once_are_one(services: Services, database: Any) -> None:
    await filled(services, 1)
    checking = services.admin.checking
    await asyncio.gather(*(checking.begin(replace(ACT, kind=KIND)) for _ in range(5)))
    assert database.audit_events.count_documents({"kind": "audit.verified"}) == 1
    assert not checking.running
