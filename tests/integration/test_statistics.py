"""What is counted, that it is counted once whatever happens, and that it is set right when a process was killed."""

from __future__ import annotations

import asyncio
import timeit
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pymongo
import pytest
from tornado.ioloop import IOLoop

from passport.errors import StoreUnavailable
from passport.periods import beginning_of, hour_of
from passport.recount import Recount
from passport.services import Services
from passport.store.statistics import NO_APP, Slot, StatisticsStore
from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID, Clock
from tests.integration.helpers import OTHER_APPID, the_three, until, with_two_apps

Database = pymongo.database.Database[dict[str, Any]]
NOT_COUNTS = {"_id", "hour", "appid", "batches", "refused"}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs of one Open Platform account."""
    return with_two_apps(stand_in)


@pytest.fixture
def counted(services: Services, database: Database) -> Any:
    """What is counted for a mini-program, over all hours."""

    async def total(appid: str = APPID) -> Counter[str]:
        await services.statistics.flush()
        found: Counter[str] = Counter()
        for each in database.statistics.find({"appid": appid}):
            found.update({name: count for name, count in each.items() if name not in NOT_COUNTS})
            found.update({f"refused.{code}": count for code, count in each.get("refused", {}).items()})
        return found

    return total


@pytest.fixture
def noon(clock: Clock, services: Services) -> Clock:
    """The clock at noon of a Wednesday in the middle of a month, where no period is about to end."""
    zone = services.settings.dashboard.zone
    first = beginning_of("month", clock() + timedelta(days=32), zone)
    day = first + timedelta(days=13)
    while day.astimezone(zone).weekday() != 2:
        day += timedelta(days=1)
    clock.advance(seconds=(day + timedelta(hours=12) - clock()).total_seconds())
    return clock


async def visit(api: API, person: str, appid: str = APPID) -> Any:
    body = {"appid": appid} | api.wx_login(person, appid=appid)
    return await api.post("/oauth/token", json=body)


async def register(api: API, person: str, appid: str = APPID) -> Any:
    return await api.post("/accounts/wxapp", json={"appid": appid} | api.wx_login(person, appid=appid))


async def test_a_first_visit_is_counted_for_what_it_is(api: API, counted: Any) -> None:
    await visit(api, "mei")
    await register(api, "mei")
    await register(api, "mei")
    tokens = (await visit(api, "mei")).json
    await api.refresh(tokens["refresh_token"])

    found = await counted()
    assert {name: found[name] for name in ("unregistered", "registrations", "sign_ins", "refreshes")} == {
        "unregistered": 1,
        "registrations": 1,
        "sign_ins": 1,
        "refreshes": 1,
    }
    assert found["refusals"] == 0


async def test_refusals_are_counted_by_their_code(api: API, counted: Any) -> None:
    wrong = {"appid": APPID} | the_three(api.wx_login("mei", order="wrong"))
    assert (await api.token(wrong)).error == "decrypt_failed"
    assert (await api.token({"appid": APPID, "code": "x"})).error == "invalid_request"
    await api.refresh("wpr_nonsense")

    ours, nobodys = await counted(), await counted(NO_APP)
    assert (ours["refusals"], ours["refused.decrypt_failed"]) == (2, 1)
    assert (nobodys["refusals"], nobodys["refused.invalid_grant"]) == (1, 1)


async def test_an_answer_that_is_told_again_is_no_second_sign_in(api: API, counted: Any) -> None:
    await register(api, "mei")
    body = {"appid": APPID} | api.wx_login("mei")
    assert (await api.token(body)).json == (await api.token(body)).json
    found = await counted()
    assert (found["sign_ins"], found["repeats"]) == (1, 1)


# Who is active


async def test_a_person_is_counted_once_a_day_however_often_they_come(api: API, counted: Any) -> None:
    await register(api, "mei")
    for _ in range(3):
        assert (await visit(api, "mei")).status == 200
    for appid in (APPID, NO_APP):
        found = await counted(appid)
        assert [found[f"active_{span}"] for span in ("day", "week", "month")] == [1, 1, 1]


async def test_a_new_day_counts_for_the_day_alone_while_the_week_goes_on(
    api: API, counted: Any, noon: Clock
) -> None:
    await register(api, "mei")
    noon.advance(days=1)
    await visit(api, "mei")
    found = await counted()
    assert [found[f"active_{span}"] for span in ("day", "week", "month")] == [2, 1, 1]
    noon.advance(days=5)
    await visit(api, "mei")
    found = await counted()
    assert [found[f"active_{span}"] for span in ("day", "week", "month")] == [3, 2, 1]


async def test_who_uses_two_mini_programs_is_one_person(api: API, counted: Any) -> None:
    await register(api, "mei")
    assert (await visit(api, "mei", OTHER_APPID)).status == 200
    assert [(await counted(appid))["active_day"] for appid in (APPID, OTHER_APPID, NO_APP)] == [1, 1, 1]


async def test_of_sign_ins_at_once_one_enters_the_day(
    api: API, other_process: API, other_services: Services, counted: Any, noon: Clock
) -> None:
    await register(api, "mei")
    noon.advance(days=1)
    replies = await asyncio.gather(*(visit(each, "mei") for each in (api, other_process) for _ in range(5)))
    assert {each.status for each in replies} == {200}
    await other_services.statistics.flush()
    found = await counted()
    assert (found["sign_ins"], found["active_day"]) == (10, 2)


async def test_going_on_is_activity_and_is_written_once_a_day(
    api: API, database: Database, counted: Any, noon: Clock
) -> None:
    await register(api, "mei")
    tokens = (await visit(api, "mei")).json
    noon.advance(days=1)
    tokens = (await api.refresh(tokens["refresh_token"])).json
    seen = database.users.find_one()["last_seen_at"]
    assert noon() - seen < timedelta(minutes=1)
    noon.advance(hours=1)
    assert (await api.refresh(tokens["refresh_token"])).status == 200

    assert database.users.find_one()["last_seen_at"] == seen
    found = await counted()
    assert (found["refreshes"], found["active_day"], found["active_week"]) == (2, 2, 1)


# Counting costs nobody anything, and loses nothing


def test_counting_takes_microseconds(services: Services) -> None:
    statistics, rounds = services.statistics, 2_000
    best = min(timeit.repeat(lambda: statistics.count("sign_ins", APPID), number=rounds, repeat=5))
    # A few microseconds; the rest is room for a busy machine.
    assert best / rounds < 20e-6


async def test_what_is_counted_under_an_unknown_appid_is_kept_under_none(
    services: Services, database: Database
) -> None:
    services.statistics.refused("invalid_code", "$where")
    await services.statistics.flush()
    assert {each["appid"] for each in database.statistics.find({"hour": {"$exists": True}})} == {NO_APP}


@contextmanager
def failing(database: Database, **fault: Any) -> Iterator[None]:
    data = {"failCommands": ["update"], "namespace": f"{database.name}.statistics", **fault}
    database.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
    try:
        yield
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")


async def test_counts_wait_in_memory_while_mongodb_is_away(
    services: Services, database: Database, counted: Any
) -> None:
    services.statistics.count("sign_ins", APPID)
    with failing(database, errorCode=8000), pytest.raises(StoreUnavailable):
        await services.statistics.flush()
    services.statistics.count("sign_ins", APPID)
    assert (await counted())["sign_ins"] == 2


async def test_a_batch_whose_answer_was_lost_is_taken_once(
    services: Services, database: Database, clock: Clock
) -> None:
    store, hour = services.store.statistics, hour_of(clock(), services.settings.dashboard.zone)
    counts = {Slot(hour, APPID): {"sign_ins": 3}, Slot(hour, NO_APP): {"active_day": 1}}
    for _ in range(3):
        await store.add(b"batch-01", counts)
    await store.add(b"batch-02", counts)
    (hours,) = await store.hours(hour, hour + timedelta(hours=1), appid=None)
    assert hours.counts == {"sign_ins": 6, "active_day": 2}


async def test_processes_that_begin_an_hour_together_lose_no_count(
    services: Services, other_services: Services, clock: Clock
) -> None:
    hour = hour_of(clock(), services.settings.dashboard.zone)
    stores = (services.store.statistics, other_services.store.statistics)
    batches = [(each, bytes([number])) for number in range(20) for each in stores]
    await asyncio.gather(
        *(
            store.add(name + bytes([index]), {Slot(hour, APPID): {"sign_ins": 1}})
            for index, (store, name) in enumerate(batches)
        )
    )
    (hours,) = await stores[0].hours(hour, hour + timedelta(hours=1), appid=APPID)
    assert hours.counts == {"sign_ins": 40}


class Colliding:
    """A collection where another process makes the document between the look and the insert, once."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    async def bulk_write(self, operations: list[Any], *, ordered: bool) -> None:
        assert not ordered
        self.sent.append(len(operations))
        if len(self.sent) == 1:
            collision = {"index": 1, "code": 11000}
            raise pymongo.errors.BulkWriteError({"writeErrors": [collision], "writeConcernErrors": []})


async def test_a_count_that_met_a_document_just_made_is_added_to_it(clock: Clock) -> None:
    collection: Any = Colliding()
    slots = [Slot(clock(), appid) for appid in (APPID, OTHER_APPID)]
    await StatisticsStore(collection, deadline=1).add(b"batch", {each: {"sign_ins": 1} for each in slots})
    assert collection.sent == [2, 1]


async def test_what_is_counted_last_is_written_when_the_server_stops(
    other_services: Services, services: Services, counted: Any
) -> None:
    other_services.statistics.count("sign_ins", APPID)
    await other_services.background.close()
    assert (await counted())["sign_ins"] == 1


async def test_counts_are_written_every_second_by_themselves(
    api: API, services: Services, database: Database
) -> None:
    services.statistics.count("sign_ins", APPID)

    async def written() -> bool:
        return database.statistics.count_documents({"sign_ins": 1}) == 1

    await until(written)


# A process that was killed


@pytest.fixture
def recount(io_loop: IOLoop, services: Services, clock: Clock) -> Any:
    """Let the hour end and what it counted be counted again; nothing else happens in the background."""
    io_loop.run_sync(services.background.close)

    def another() -> Recount:
        return Recount(
            statistics=services.store.statistics,
            store=services.store.recount,
            appids={APPID, OTHER_APPID},
            zone=services.settings.dashboard.zone,
            now=clock,
        )

    async def begin() -> None:
        await another().when_due()

    io_loop.run_sync(begin)
    return lambda: another().when_due()


async def test_what_a_killed_process_had_not_written_is_counted_again(
    api: API, services: Services, counted: Any, clock: Clock, recount: Any
) -> None:
    await register(api, "mei")
    await visit(api, "mei")
    services.statistics._counts.clear()
    clock.advance(hours=1, minutes=2)
    await recount()
    found = await counted()
    assert (found["registrations"], found["sign_ins"]) == (1, 1)


async def test_recounting_changes_nothing_that_is_right(
    api: API, services: Services, counted: Any, clock: Clock, recount: Any
) -> None:
    for person in ("mei", "bo"):
        await register(api, person)
        await visit(api, person)
    before = await counted()
    clock.advance(hours=1, minutes=2)
    await recount()
    assert await counted() == before


async def test_an_account_that_was_closed_since_was_registered_all_the_same(
    api: API, services: Services, counted: Any, clock: Clock, recount: Any
) -> None:
    account_id = (await register(api, "mei")).json["account_id"]
    user = await services.users.find(account_id)
    assert user is not None
    await counted()
    await services.closing.close(user, by="user")
    clock.advance(hours=1, minutes=2)
    await recount()
    assert (await counted())["registrations"] == 1


async def test_the_hour_that_runs_is_left_alone(
    api: API, services: Services, database: Database, counted: Any, recount: Any
) -> None:
    """Other processes have counts of it in memory, which would come on top."""
    lease = database.statistics.find_one({"_id": "recounted"})
    assert lease
    database.statistics.update_one(lease, {"$set": {"through": lease["through"] - timedelta(hours=2)}})
    await register(api, "mei")
    services.statistics._counts.clear()
    await recount()
    assert (await counted())["registrations"] == 0


async def test_one_process_recounts_an_hour(services: Services, clock: Clock) -> None:
    hour = hour_of(clock(), services.settings.dashboard.zone) + timedelta(hours=5)
    claims = await asyncio.gather(*(services.store.statistics.claim(hour) for _ in range(10)))
    assert [ours for ours, _ in claims].count(True) == 1


# What WeChat does, as all processes know it


async def test_what_one_process_learns_of_wechat_another_can_read(
    api: API, services: Services, other_services: Services, counted: Any
) -> None:
    assert (await other_services.wechat_states.read()).answered_at is None
    await visit(api, "mei")
    await services.wechat_states.tell()
    state = await other_services.wechat_states.read()
    assert state.answered_at is not None
    assert state.latency is not None
    assert state.trouble is None
    assert (await counted())["wechat_calls"] == 1


@pytest.mark.expects_log("WeChat refused the code")
async def test_a_quota_that_is_used_up_is_told_with_wechats_rid(
    api: API, services: Services, counted: Any
) -> None:
    errmsg = "reach max api daily quota limit, rid: 652d44d0-1d0af18b-5b069232"
    api.stand_in.faults.set("errcode", errcode=45009, errmsg=errmsg, times=1)
    assert (await visit(api, "mei")).status == 503
    await services.wechat_states.tell()
    trouble = (await services.wechat_states.read()).trouble
    assert trouble is not None
    assert (trouble.call, trouble.errcode, trouble.rid) == (
        "code2session",
        45009,
        "652d44d0-1d0af18b-5b069232",
    )
    assert (await counted())["quota_hits"] == 1


async def test_a_wechat_that_is_held_back_is_told_of(api: API, services: Services) -> None:
    api.stand_in.faults.set("http_503")
    for number in range(5):
        assert (await visit(api, f"visitor-{number}")).status == 503
    await services.wechat_states.tell()
    assert (await services.wechat_states.read()).held_back == ("code2session",)
    api.stand_in.faults.clear()
