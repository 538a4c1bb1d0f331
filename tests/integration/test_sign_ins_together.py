"""Sign-ins of the same moment, on a real mongod: they share statements, and nobody hears of another's trouble."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from passport.errors import StoreUnavailable
from passport.models import User
from passport.services import Services
from passport.users import Visit
from passport.wechat.client import WeChatSession
from tests.client import API
from tests.conftest import APPID, Clock
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]
CROWD = 40
BAN = {"reason": "spam", "by": "ada", "at": datetime(2026, 1, 1, tzinfo=UTC), "shown": True}


async def test_they_share_their_statements(api: API, database: Database) -> None:
    people = [f"person-{number}" for number in range(CROWD)]
    await asyncio.gather(*(api.registered(person) for person in people))
    visits = [api.wx_login(person) for person in people]
    with profiling(database):
        replies = await asyncio.gather(*(api.token(visit) for visit in visits))
        statements = Counter(
            (each["op"], each["ns"].partition(".")[2]) for each in asked(database) if each["op"] != "getmore"
        )
    assert {reply.status for reply in replies} == {200}
    assert database.sessions.count_documents({}) == CROWD
    assert database.users.count_documents({"sign_ins": 1}) == CROWD
    assert database.pending_logins.count_documents({"status": "consumed"}) == CROWD
    # An update command is written down once for each of its statements, so the reads and inserts tell.
    reads_and_inserts = {("query", "users"), ("insert", "sessions"), ("insert", "pending_logins")}
    assert reads_and_inserts <= statements.keys()
    assert max(statements[each] for each in reads_and_inserts) <= CROWD / 2


async def test_each_has_the_answer_of_their_own(api: API, services: Services, database: Database) -> None:
    accounts = {person: await api.registered(person) for person in ("mei", "bo", "lin")}
    await services.users.ban(accounts["bo"], reason="spam", by="ada")
    replies = await asyncio.gather(
        *(api.token(api.wx_login(person)) for person in ("mei", "stranger", "bo", "lin", "mei", "mei"))
    )
    assert [(reply.status, reply.error) for reply in replies] == [
        (200, None),
        (401, "unregistered"),
        (403, "account_disabled"),
        (200, None),
        (200, None),
        (200, None),
    ]
    assert [reply.json.get("account_id") for reply in replies if reply.status == 200] == [
        accounts[person] for person in ("mei", "lin", "mei", "mei")
    ]
    assert len({reply.json["access_token"] for reply in replies if reply.status == 200}) == 4
    counts = {str(user["_id"]): user["sign_ins"] for user in database.users.find()}
    assert counts == {accounts["mei"]: 3, accounts["bo"]: 0, accounts["lin"]: 1}


async def test_a_session_that_cannot_be_kept_fails_its_own_sign_in_alone(
    api: API, database: Database
) -> None:
    for person in ("mei", "bo", "lin"):
        await api.registered(person)
    database.sessions.create_index("user_agent", unique=True, name="of_this_test")
    try:
        visits = {person: api.wx_login(person) for person in ("mei", "bo", "lin")}
        agents = {"mei": "the same", "bo": "the same", "lin": "another"}
        replies = await asyncio.gather(
            *(api.token(visits[each], headers={"User-Agent": agents[each]}) for each in visits)
        )
    finally:
        database.sessions.drop_index("of_this_test")
    told = dict(zip(visits, (reply.status for reply in replies), strict=True))
    assert (told["lin"], sorted((told["mei"], told["bo"]))) == (200, [200, 503])
    # The code of whoever was told 503 is as good as before.
    failed = next(person for person, status in told.items() if status == 503)
    assert (await api.token(visits[failed])).status == 200
    assert database.sessions.count_documents({}) == 3


@pytest.mark.parametrize("known_before", [False, True], ids=["never seen", "seen yesterday"])
async def test_somebody_who_signs_in_often_at_once_is_active_once(
    api: API,
    services: Services,
    other_services: Services,
    database: Database,
    clock: Clock,
    known_before: bool,
) -> None:
    await api.registered("mei")
    if not known_before:
        database.users.update_one({}, {"$unset": {"active_in": ""}})
    clock.advance(days=1)
    for each in (services, other_services):
        await each.statistics.flush()
    database.statistics.delete_many({})

    # All of them read her before any of them wrote.
    session = WeChatSession(api.stand_in.people.openid("mei"), None, "")
    user = await services.users.find_by_session(APPID, session)
    assert user is not None
    visits = [Visit(user, APPID, session, {})] * 10
    outcomes = await asyncio.gather(
        *(each.users.record_sign_ins(visits) for each in (services, other_services))
    )

    assert outcomes == [[None] * 10] * 2
    document = database.users.find_one()
    assert document["sign_ins"] == 20
    assert clock() - document["active_in"][APPID] < timedelta(minutes=1)
    for each in (services, other_services):
        await each.statistics.flush()
    days = Counter[str]()
    for hour in database.statistics.find():
        days[hour["appid"]] += hour.get("active_day", 0)
    assert days[APPID] == 1
    assert set(days.values()) == {1}


async def test_an_account_that_is_closed_meanwhile_is_left_no_session(
    api: API, services: Services, database: Database
) -> None:
    await api.registered("mei")
    await api.registered("bo")
    find = services.users.find_by_sessions

    async def find_and_close(sessions: Any) -> Any:
        found = await find(sessions)
        database.users.delete_one({"identities.openid": api.stand_in.people.openid("mei")})
        return found

    services.users.find_by_sessions = find_and_close  # type: ignore[method-assign]
    replies = await asyncio.gather(*(api.token(api.wx_login(person)) for person in ("mei", "bo")))
    assert [(reply.status, reply.error) for reply in replies] == [(401, "unregistered"), (200, None)]
    assert database.sessions.count_documents({}) == 1


@pytest.mark.expects_log("uncaught")
async def test_a_user_that_cannot_be_read_fails_their_own_sign_in_alone(
    api: API, database: Database, log_records: list[logging.LogRecord]
) -> None:
    forever = DatetimeMS(8_640_000_000_000_000)
    by_hand: dict[str, tuple[dict[str, Any], int]] = {
        "nothing": ({"$set": {"note": "sound"}}, 200),
        "no-date": ({"$unset": {"created_at": ""}}, 500),
        "a-ban-until-a-word": ({"$set": {"ban": {**BAN, "until": "forever"}}}, 500),
        "a-ban-until-the-last-date": ({"$set": {"ban": {**BAN, "until": forever}}}, 403),
        "a-date-for-a-word": ({"$set": {f"active_in.{APPID}": "yesterday"}}, 500),
        "a-word-for-all-dates": ({"$set": {"active_in": "yesterday"}}, 500),
        "a-list-for-a-profile": ({"$set": {"profile": []}}, 500),
        "a-number-for-an-openid": ({"$push": {"identities": {"appid": APPID, "openid": [1]}}}, 500),
        "a-word-for-a-count": ({"$set": {"sign_ins": "many"}}, 503),
    }
    for person, (change, _) in by_hand.items():
        account = await api.registered(person)
        database.users.update_one({"_id": ObjectId(account)}, change)
    replies = await asyncio.gather(*(api.token(api.wx_login(person)) for person in by_hand))
    assert dict(zip(by_hand, (reply.status for reply in replies), strict=True)) == {
        person: status for person, (_, status) in by_hand.items()
    }
    assert database.sessions.count_documents({}) == 1
    # Whoever reads the log learns whose document it is.
    noted = [
        " ".join(each.exc_info[1].__notes__) for each in log_records if each.exc_info and each.exc_info[1]
    ]
    broken = [
        str(each["_id"])
        for each in database.users.find({}, {"_id": 1})
        if any(str(each["_id"]) in note for note in noted)
    ]
    assert (len(noted), len(broken)) == (6, 6)


async def test_an_account_that_cannot_be_linked_fails_its_own_sign_in_alone(
    api: API, services: Services, database: Database
) -> None:
    for person in ("mei", "bo"):
        await api.registered(person)
    openids = [api.stand_in.people.openid(each) for each in ("mei", "bo")]
    database.users.update_one(
        {"identities.openid": openids[0]}, {"$set": {"unionid": "u", "identities": "none"}}
    )
    lost, sound = await services.users.find_by_sessions(
        [(APPID, WeChatSession(openid, "u", "")) for openid in openids]
    )
    assert isinstance(lost, StoreUnavailable)
    assert isinstance(sound, User)
