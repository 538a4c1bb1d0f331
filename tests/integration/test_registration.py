"""POST /accounts/wxapp: the answer, the document, and that many at once are one account (R-001)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID, Clock
from tests.effort import examples
from tests.integration.helpers import configured, the_three

Database = pymongo.database.Database[dict[str, Any]]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Room and time for a crowd: who is turned away in a rush says nothing of the races behind it.

    The connect time-out counts: crowd, server and stand-in share this loop, which may not accept for seconds.
    """
    patient = configured(stand_in, max_in_flight=200, timeout="60s", connect_timeout="60s")
    return {**patient, "mongodb": {"timeout": "60s"}}


@pytest.fixture
def quiet_driver() -> Iterator[None]:
    """A crowd without the driver's line for each of its steps, which would take longer than the crowd."""
    driver = logging.getLogger("pymongo")
    level = driver.level
    driver.setLevel(logging.INFO)
    yield
    driver.setLevel(level)


async def test_registering_answers_201_with_exactly_the_members_of_the_contract(
    api: API, database: Database, clock: Clock
) -> None:
    before = clock()
    reply = await api.register(the_three(api.wx_login("mei")))

    assert reply.status == 201
    assert reply.json.keys() == {"account_id", "created_at"}
    assert RFC3339.fullmatch(reply.json["created_at"])
    assert before <= datetime.fromisoformat(reply.json["created_at"]) <= clock()
    (user,) = database.users.find()
    assert str(user["_id"]) == reply.json["account_id"]
    assert user["created_at"] == datetime.fromisoformat(reply.json["created_at"])


async def test_registering_again_answers_200_with_the_same_two_values(
    api: API, database: Database, clock: Clock
) -> None:
    first = await api.register(api.wx_login("mei"))
    clock.advance(days=3)
    again = await api.register(api.wx_login("mei", profile={"nickName": "another"}))

    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    (user,) = database.users.find()
    assert user["profile"]["nickname"] == "小美🌸"


async def test_the_same_request_again_answers_200_with_the_same_two_values(api: API) -> None:
    visitor = api.wx_login()
    first, again = await api.register(visitor), await api.register(visitor)
    assert (first.status, again.status) == (201, 200)
    assert again.json == first.json
    assert api.stand_in.calls.total == 1


async def test_a_registration_is_one_user_and_no_session(api: API, database: Database) -> None:
    await api.registered("mei")
    (user,) = database.users.find()
    people = api.stand_in.people
    assert user.keys() == {
        "_id",
        "identities",
        "unionid",
        "profile",
        "status",
        "created_at",
        "last_seen_at",
        "active_in",
        "sign_ins",
        "search",
        "search_text",
    }
    assert user["identities"] == [{"appid": APPID, "openid": people.openid("mei")}]
    assert (user["unionid"], user["status"]) == (people.unionid("mei"), "active")
    assert database.sessions.count_documents({}) == 0


async def test_different_people_have_different_accounts(api: API, database: Database) -> None:
    assert await api.registered("mei") != await api.registered("bo")
    assert database.users.count_documents({}) == 2


async def test_a_refused_registration_leaves_no_account(api: API, database: Database) -> None:
    reply = await api.register(the_three(api.wx_login("mei", order="wrong")))
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert database.users.count_documents({}) == 0


@pytest.mark.gen_test(timeout=200)
@pytest.mark.usefixtures("quiet_driver")
async def test_a_thousand_registrations_of_one_openid_at_once_are_one_account(
    api: API, database: Database
) -> None:
    # Without a unionid, whose own index would decide the race as well.
    api.stand_in.people.unbind()
    visits = [api.wx_login("mei") for _ in range(1000)]
    replies = await asyncio.gather(*map(api.register, visits))

    assert Counter(reply.status for reply in replies) == {201: 1, 200: 999}
    assert len({(reply.json["account_id"], reply.json["created_at"]) for reply in replies}) == 1
    assert database.users.count_documents({}) == 1
    assert api.stand_in.calls.total == 1000


@pytest.mark.gen_test(timeout=200)
@pytest.mark.usefixtures("quiet_driver")
async def test_many_people_who_register_ten_times_at_once_are_as_many_accounts(
    api: API, database: Database
) -> None:
    many = examples(200)
    people = [f"person-{n}" for n in range(many)]
    # Each round names everybody once, so that the ten of one person meet.
    visits = [(person, api.wx_login(person)) for _ in range(10) for person in people]
    replies = await asyncio.gather(*(api.register(visit) for _, visit in visits))

    assert Counter(reply.status for reply in replies) == {201: many, 200: 9 * many}
    accounts = {
        (person, reply.json["account_id"]) for (person, _), reply in zip(visits, replies, strict=True)
    }
    assert len(accounts) == many
    assert len({account_id for _, account_id in accounts}) == many
    assert database.users.count_documents({}) == many
