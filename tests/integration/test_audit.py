"""The audit log over a real mongod: who appends at once, and what becomes of a log that somebody works on (R-057)."""

from __future__ import annotations

import asyncio
import logging
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from passport.audit import Head
from passport.audit.anchor import BadAnchor, read_anchor, write_anchor
from passport.audit.chain import Chain
from passport.errors import StoreUnavailable
from passport.models import ActFilter
from passport.sealing import Sealer
from passport.services import Services
from tests.integration.helpers import until
from tests.unit.test_audit_chain import ACT, AT

Database = Any
# Who alters the log under a server may be found out by its anchor before the test is over, as it should be.
pytestmark = pytest.mark.expects_log("audit anchor")


def act(number: int) -> Any:
    return replace(ACT, after={"count": number}, at=AT + timedelta(seconds=number))


async def filled(services: Services, entries: int = 9) -> Head:
    """Append so many, and tell the head."""
    for number in range(entries):
        await services.admin.audit.record(act(number))
    head = await services.admin.audit.head()
    assert head
    return head


# Appending


async def test_fifty_acts_at_once_are_one_chain_and_few_round_trips(
    services: Services, database: Database
) -> None:
    await services.admin.audit.record(act(0))
    database.command("profile", 2)
    await asyncio.gather(*(services.admin.audit.record(act(number)) for number in range(50)))
    database.command("profile", 0)
    assert database.system.profile.count_documents({"ns": f"{database.name}.audit_events"}) <= 4
    database.system.profile.drop()
    verdict = await services.admin.audit.verify()
    assert (verdict.sound, verdict.checked) == (True, 51)


async def test_two_processes_with_many_acts_at_once_make_one_chain_without_a_gap(
    services: Services, other_services: Services, database: Database
) -> None:
    async def work(one: Services, start: int, at_once: int) -> None:
        for number in range(start, start + 100, at_once):
            await asyncio.gather(*(one.admin.audit.record(act(number + n)) for n in range(at_once)))

    # Batches of different lengths, so that one can be overtaken in its middle.
    await asyncio.gather(work(services, 0, 2), work(other_services, 100, 20))
    assert [each["_id"] for each in database.audit_events.find().sort("_id")] == list(range(1, 201))
    assert {each["after"]["count"] for each in database.audit_events.find()} == set(range(200))
    assert (await services.admin.audit.verify()).sound


async def test_an_act_is_recorded_before_it_is_done_and_its_failure_after(
    services: Services, database: Database
) -> None:
    async def fail() -> None:
        async with services.admin.audit.acting(ACT):
            assert [each["kind"] for each in database.audit_events.find()] == ["user.ban"]
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert [each["kind"] for each in database.audit_events.find()] == ["user.ban", "user.ban.failed"]


async def test_an_act_that_cannot_be_recorded_is_not_done_and_the_next_one_is(
    services: Services, database: Database
) -> None:
    await filled(services, 3)
    failing = {"mode": {"times": 1}, "data": {"failCommands": ["insert"], "errorCode": 13}}
    database.client.admin.command({"configureFailPoint": "failCommand", **failing})
    done = False
    try:
        with pytest.raises(StoreUnavailable):
            async with services.admin.audit.acting(ACT):
                done = True
    finally:
        database.client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert not done
    await filled(services, 1)
    verdict = await services.admin.audit.verify()
    assert (verdict.sound, verdict.checked) == (True, 4)


async def test_nothing_personal_gets_into_the_database(services: Services, database: Database) -> None:
    personal = {"nickname": "小美", "openid": "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "phone": "+8613800138000"}
    await services.admin.audit.record(replace(ACT, before=personal, after={"reason": personal["phone"]}))
    kept = str(list(database.audit_events.find()))
    assert [value for value in personal.values() if value in kept] == []


# Sabotage: six ways and some more, each named


def _edit(acts: Any) -> None:
    acts.update_one({"_id": 5}, {"$set": {"actor_name": "ada"}})


def _edit_quietly(acts: Any) -> None:
    acts.update_one({"_id": 5}, {"$set": {"after.count": 4.0}})


def _delete(acts: Any) -> None:
    acts.delete_one({"_id": 5})


def _delete_first(acts: Any) -> None:
    acts.delete_one({"_id": 1})


def _swap(acts: Any) -> None:
    one, other = acts.find_one({"_id": 5}), acts.find_one({"_id": 6})
    acts.replace_one({"_id": 5}, {**other, "_id": 5})
    acts.replace_one({"_id": 6}, {**one, "_id": 6})


def _cut(acts: Any) -> None:
    acts.delete_many({"_id": {"$gt": 6}})


def _cut_all(acts: Any) -> None:
    acts.delete_many({})


def _insert_at_the_end(acts: Any) -> None:
    acts.insert_one({**acts.find_one({"_id": 9}), "_id": 10})


def _insert_between(acts: Any) -> None:
    later = list(acts.find({"_id": {"$gte": 5}}))
    acts.delete_many({"_id": {"$gte": 5}})
    acts.insert_many([{**later[0], "_id": 5, "kind": "user.unban"}])
    acts.insert_many([{**each, "_id": each["_id"] + 1} for each in later])


def _insert_a_fraction(acts: Any) -> None:
    acts.insert_one({**acts.find_one({"_id": 5}), "_id": 5.5})


def _insert_beside(acts: Any) -> None:
    acts.insert_one({**acts.find_one({"_id": 5}), "_id": ObjectId()})


def _rebuild(acts: Any) -> None:
    guessed = Chain(Sealer(b"a guess of the secret key, 32 bytes or more: 00", "audit"))
    documents = guessed.documents([act(number) for number in range(9)], after=guessed.start)
    acts.delete_many({})
    acts.insert_many(documents)


SABOTAGES: list[tuple[Callable[[Any], None], str, int | None]] = [
    (_edit, "altered", 5),
    (_edit_quietly, "altered", 5),
    (_delete, "missing", 5),
    (_delete_first, "missing", 1),
    (_swap, "altered", 5),
    (_cut, "cut", 7),
    (_cut_all, "cut", 1),
    (_insert_at_the_end, "altered", 10),
    (_insert_between, "altered", 5),
    (_insert_a_fraction, "altered", 6),
    (_insert_beside, "foreign", None),
    (_rebuild, "altered", 1),
]


@pytest.mark.parametrize(
    ("sabotage", "fault", "seq"), SABOTAGES, ids=[each[0].__name__ for each in SABOTAGES]
)
async def test_sabotage_is_detected_and_the_first_bad_entry_named(
    services: Services, database: Database, sabotage: Callable[[Any], None], fault: str, seq: int | None
) -> None:
    head = await filled(services)
    assert (await services.admin.audit.verify(anchor=head)).sound
    sabotage(database.audit_events)
    verdict = await services.admin.audit.verify(anchor=head)
    assert (verdict.fault, verdict.seq) == (fault, seq), verdict
    assert verdict.text
    if seq is not None:
        assert str(seq) in verdict.text or fault == "altered"


async def test_a_genuine_entry_of_former_times_does_not_fit_in(
    services: Services, other_services: Services, database: Database
) -> None:
    await filled(services, 6)
    former = database.audit_events.find_one({"_id": 5})
    database.audit_events.delete_many({"_id": {"$gt": 4}})
    await filled(other_services, 3)
    database.audit_events.replace_one({"_id": 5}, former)
    verdict = await other_services.admin.audit.verify()
    assert (verdict.fault, verdict.seq) == ("unlinked", 6)


async def test_a_cut_end_is_sound_in_itself_so_only_the_anchor_shows_it(
    services: Services, database: Database
) -> None:
    await filled(services)
    _cut(database.audit_events)
    assert (await services.admin.audit.verify()).sound


async def test_a_chain_rebuilt_with_the_very_key_is_shown_by_the_anchor(
    services: Services, database: Database
) -> None:
    head = await filled(services)
    database.audit_events.delete_many({})
    stolen = Chain(services.admin.audit._chain._sealer)
    database.audit_events.insert_many(
        stolen.documents([act(number + 1) for number in range(12)], after=stolen.start)
    )
    assert (await services.admin.audit.verify()).sound
    verdict = await services.admin.audit.verify(anchor=head)
    assert (verdict.fault, verdict.seq) == ("replaced", 9)


async def test_the_newest_entries_are_checked_with_the_one_before_them(
    services: Services, database: Database
) -> None:
    head = await filled(services)
    verdict = await services.admin.audit.verify(newest=4, anchor=head)
    assert (verdict.sound, verdict.checked, verdict.head) == (True, 4, head)
    _edit(database.audit_events)
    assert (await services.admin.audit.verify(newest=4)).fault == "altered"
    assert (await services.admin.audit.verify(newest=3)).sound


async def test_a_log_that_was_worked_on_goes_on_and_the_fault_stays_visible(
    services: Services, other_services: Services, database: Database
) -> None:
    head = await filled(services)
    _cut(database.audit_events)
    for number in range(9):
        await other_services.admin.audit.record(act(number))
    verdict = await other_services.admin.audit.verify(anchor=head)
    assert (verdict.fault, verdict.seq) == ("replaced", 9)


# The anchor


def _anchor(services: Services) -> Any:
    return services.settings.mongodb.data_dir / "audit-head"


def _lines(records: list[logging.LogRecord]) -> list[str]:
    return [record.head for record in records if record.getMessage() == "audit head"]  # type: ignore[attr-defined]


async def test_the_head_is_anchored_in_a_private_file_and_in_the_log(
    services: Services, log_records: list[logging.LogRecord]
) -> None:
    head = await filled(services, 3)
    path = _anchor(services)

    async def anchored() -> bool:
        return await asyncio.to_thread(read_anchor, path) == head

    await until(anchored)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["audit-head"]
    assert len(_lines(log_records)) == 1  # one in a minute
    await services.admin.aclose()
    assert _lines(log_records)[-1] == str(head)


async def test_the_anchor_moves_on_along_one_chain_only(
    services: Services, other_services: Services, database: Database
) -> None:
    head = await filled(services)
    await services.admin.aclose()
    assert read_anchor(_anchor(services)) == head
    further = await filled(other_services, 1)
    await other_services.admin.aclose()
    assert read_anchor(_anchor(services)) == further


async def test_a_log_that_was_cut_and_goes_on_does_not_wipe_out_the_evidence(
    services: Services, other_services: Services, database: Database, log_records: list[logging.LogRecord]
) -> None:
    head = await filled(services)
    await services.admin.aclose()
    _cut(database.audit_events)
    await filled(other_services, 9)
    await other_services.admin.aclose()
    assert read_anchor(_anchor(services)) == head
    assert any(record.getMessage() == "audit anchor" for record in log_records)


async def test_a_file_that_holds_no_head_is_told_of_and_left_alone(services: Services) -> None:
    path = _anchor(services)
    write_anchor(path, Head(1, bytes(32)))
    assert read_anchor(path) == Head(1, bytes(32))
    path.write_text("nonsense")
    with pytest.raises(BadAnchor):
        read_anchor(path)
    assert read_anchor(path.parent / "none") is None


# Looking


async def test_acts_are_found_by_each_filter_newest_first_and_by_pages(services: Services) -> None:
    audit = services.admin.audit
    for number in range(10):
        kind = "user.ban" if number % 2 else "user.unban"
        await audit.record(replace(act(number), kind=kind, actor_id=f"a{number % 3}", target_id=f"t{number}"))

    async def found(wanted: ActFilter, **options: Any) -> list[int]:
        return [each.seq for each in await audit.page(wanted, limit=4, **options)]

    assert await found(ActFilter()) == [10, 9, 8, 7]
    page = await audit.page(ActFilter(), limit=4)
    older = await audit.page(ActFilter(), limit=4, before=page[-1].key)
    assert [each.seq for each in older] == [6, 5, 4, 3]
    assert await found(ActFilter(), after=older[0].key) == [10, 9, 8, 7]
    assert await found(ActFilter(kind="user.ban")) == [10, 8, 6, 4]
    assert await found(ActFilter(actor_id="a1", kind="user.ban")) == [8, 2]
    assert await found(ActFilter(target_id="t3")) == [4]
    within = ActFilter(since=AT + timedelta(seconds=2), until=AT + timedelta(seconds=5))
    assert await found(within) == [5, 4, 3]
    assert await found(within, before=page[0].key) == [5, 4, 3]
    assert await found(within, after=older[-1].key) == [5, 4]
    assert await audit.count(ActFilter(kind="user.ban")) == 5
    assert await audit.kinds() == ["user.ban", "user.unban"]
    assert await audit.actors() == {f"a{n}": "lin" for n in range(3)}


async def test_acts_of_one_millisecond_are_all_paged_through(services: Services) -> None:
    await asyncio.gather(*(services.admin.audit.record(ACT) for _ in range(7)))
    seen, key = [], None
    while page := await services.admin.audit.page(ActFilter(), limit=2, before=key):
        seen += [each.seq for each in page]
        key = page[-1].key
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_an_altered_entry_is_shown_and_marked(services: Services, database: Database) -> None:
    await filled(services, 3)
    database.audit_events.update_one({"_id": 2}, {"$set": {"before": "gone", "actor_name": 5}})
    shown = await services.admin.audit.page(ActFilter(), limit=9)
    assert [(each.seq, each.genuine) for each in shown] == [(3, True), (2, False), (1, True)]


@pytest.mark.parametrize(
    "wanted",
    [
        ActFilter(),
        ActFilter(actor_id="a"),
        ActFilter(kind="k"),
        ActFilter(target_id="t"),
        ActFilter(actor_id="a", kind="k"),
        ActFilter(actor_id="a", kind="k", target_id="t", since=AT, until=AT),
        ActFilter(since=AT),
    ],
    ids=str,
)
async def test_every_filter_has_an_index_in_its_order(
    services: Services, database: Database, wanted: ActFilter
) -> None:
    await filled(services, 3)
    database.command("profile", 2)
    key = (await services.admin.audit.page(ActFilter(), limit=1))[0].key
    for options in ({}, {"before": key}, {"after": key}):
        await services.admin.audit.page(wanted, limit=50, **options)
    await services.admin.audit.count(wanted)
    await services.admin.audit.kinds()
    await services.admin.audit.actors()
    database.command("profile", 0)
    asked = list(
        database.system.profile.find(
            {"ns": f"{database.name}.audit_events", "op": {"$in": ["query", "command"]}}
        )
    )
    assert len(asked) >= 6
    for each in asked:
        plan = str(each.get("planSummary", ""))
        assert "COLLSCAN" not in plan, each["command"]
        assert not each.get("hasSortStage"), each["command"]
    database.system.profile.drop()
