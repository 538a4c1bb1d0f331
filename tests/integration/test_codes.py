"""One code of wx.login: at WeChat once, however often and however fast it comes (R-010), and good for one sign-in."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import Clock
from tests.integration.helpers import configured

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Long enough for hundreds of requests at once on a busy machine."""
    patient = configured(stand_in, timeout="30s", connect_timeout="30s")
    return {**patient, "mongodb": {"timeout": "30s"}}


async def test_a_double_tap_is_one_call_to_wechat_and_one_answer(api: API, database: Database) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    first, second = await asyncio.gather(api.token(visit), api.token(visit))

    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert api.stand_in.calls.of(visit["code"]) == 1
    assert database.sessions.count_documents({}) == 1
    assert database.users.find_one()["sign_ins"] == 1


async def test_a_double_tap_on_register_is_one_call_and_one_account(api: API, database: Database) -> None:
    visitor = api.wx_login()
    first, second = await asyncio.gather(api.register(visitor), api.register(visitor))

    assert {first.status, second.status} == {200, 201}
    assert first.json == second.json
    assert api.stand_in.calls.total == 1
    assert database.users.count_documents({}) == 1


async def test_a_retry_within_ten_seconds_gets_the_identical_answer(
    api: API, clock: Clock, database: Database
) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    first = await api.token(visit)
    clock.advance(seconds=8)
    again = await api.token(visit)

    assert (again.status, again.json) == (200, first.json)
    assert database.sessions.count_documents({}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1


async def test_after_ten_seconds_the_same_request_is_a_used_code(
    api: API, clock: Clock, database: Database
) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    assert (await api.token(visit)).status == 200
    clock.advance(seconds=11)
    for call in (api.token, api.register):
        reply = await call(visit)
        assert (reply.status, reply.error) == (403, "code_used")
    assert database.sessions.count_documents({}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1


async def test_a_used_code_with_another_payload_gets_no_token(api: API, database: Database) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    assert (await api.token(visit)).status == 200
    # Sealed with the same session_key, so the payload itself is good.
    other = {**api.wx_login("mei", rotate=False), "code": visit["code"]}
    reply = await api.token(other)

    assert (reply.status, reply.error) == (403, "code_used")
    assert "access_token" not in reply.json
    assert database.sessions.count_documents({}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1


async def test_another_payload_is_fine_while_the_code_is_kept(api: API) -> None:
    visit = api.wx_login("mei")
    assert (await api.token(visit)).status == 401
    other = {**api.wx_login("mei", rotate=False), "code": visit["code"]}
    assert (await api.register(other)).status == 201
    assert (await api.token(other)).status == 200
    assert api.stand_in.calls.total == 1


async def test_a_fresh_code_in_each_call_works_as_well(api: API) -> None:
    refused = await api.token(api.wx_login("mei"))
    registered = await api.register(api.wx_login("mei"))
    signed_in = await api.token(api.wx_login("mei"))

    assert [refused.status, registered.status, signed_in.status] == [401, 201, 200]
    assert signed_in.json["account_id"] == registered.json["account_id"]
    assert api.stand_in.calls.total == 3


async def test_registering_with_a_code_that_has_just_signed_in_gives_the_account(
    api: API, database: Database
) -> None:
    registered = await api.register(api.wx_login("mei"))
    visit = api.wx_login("mei")
    assert (await api.token(visit)).status == 200
    reply = await api.register(visit)

    assert (reply.status, reply.json) == (200, registered.json)
    assert database.users.count_documents({}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1


async def test_a_payload_that_does_not_decrypt_leaves_the_code_good_for_the_right_one(api: API) -> None:
    await api.registered("mei")
    right = api.wx_login("mei")
    wrong = {"code": right["code"], "encryptedData": right["encryptedData"], "iv": "AAAAAAAAAAAAAAAAAAAAAA=="}
    refused = await api.token(wrong)

    assert (refused.status, refused.error) == (403, "decrypt_failed")
    assert (await api.token(right)).status == 200
    assert api.stand_in.calls.of(right["code"]) == 1


async def test_wechats_verdict_on_a_code_is_asked_for_once(api: API, clock: Clock) -> None:
    stranger = {**api.wx_login(), "code": "0123456789abcdef0123456789abcdef"}
    for _ in range(3):
        reply = await api.token(stranger)
        assert (reply.status, reply.error) == (403, "invalid_code")
        assert reply.json["wechat_errcode"] == 40029
        clock.advance(minutes=1)
    assert api.stand_in.calls.total == 1


async def test_two_hundred_posts_of_one_code_at_once_are_one_call_one_session_and_one_answer(
    api: API, database: Database
) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    replies = await asyncio.gather(*(api.token(visit) for _ in range(200)))

    assert Counter(reply.status for reply in replies) == {200: 200}
    assert len({reply.json["access_token"] for reply in replies}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1
    assert database.sessions.count_documents({}) == 1


async def test_two_hundred_payloads_with_one_code_at_once_get_one_token(api: API, database: Database) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    payloads = [{**api.wx_login("mei", rotate=False), "code": visit["code"]} for _ in range(200)]
    replies = await asyncio.gather(*map(api.token, payloads))

    assert Counter((reply.status, reply.error) for reply in replies) == {
        (200, None): 1,
        (403, "code_used"): 199,
    }
    assert api.stand_in.calls.of(visit["code"]) == 1
    assert database.sessions.count_documents({}) == 1


async def test_two_hundred_posts_of_a_strangers_code_at_once_are_one_call(api: API) -> None:
    visitor = api.wx_login()
    replies = await asyncio.gather(*(api.token(visitor) for _ in range(200)))

    assert Counter((reply.status, reply.error) for reply in replies) == {(401, "unregistered"): 200}
    assert api.stand_in.calls.total == 1


async def test_one_code_at_two_processes_at_once_is_one_call_and_one_answer(
    api: API, other_process: API, database: Database
) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    replies = await asyncio.gather(*(each.token(visit) for each in (api, other_process) * 20))

    assert Counter(reply.status for reply in replies) == {200: 40}
    assert len({reply.json["access_token"] for reply in replies}) == 1
    assert api.stand_in.calls.of(visit["code"]) == 1
    assert database.sessions.count_documents({}) == 1


async def test_one_code_carries_a_visit_over_two_processes(api: API, other_process: API) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    assert (await other_process.register(visitor)).status == 201
    assert (await api.token(visitor)).status == 200
    assert api.stand_in.calls.total == 1


async def test_who_lost_the_turn_by_slowness_tells_no_token(
    api: API, other_process: API, stand_in: StandIn, clock: Clock
) -> None:
    await api.registered("mei")
    visit, calls = api.wx_login("mei"), stand_in.calls.total
    stand_in.faults.set("slow", delay=1.5, times=1)
    slow = asyncio.create_task(api.token(visit))
    await asyncio.wait_for(stand_in.calls.reach(calls + 1), 60)
    clock.advance(minutes=4)  # the turn counts as one of a process that died
    taken_over = await other_process.token(visit)

    assert (taken_over.status, taken_over.error) == (403, "code_used")
    reply = await slow
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert stand_in.calls.of(visit["code"]) == 1


async def test_what_is_kept_of_a_code_can_be_read_by_nobody(api: API, database: Database) -> None:
    visitor = api.wx_login("mei")
    assert (await api.token(visitor)).status == 401
    (record,) = database.pending_logins.find()
    kept = repr(record)
    people = api.stand_in.people
    assert record["status"] == "kept"
    for secret in (visitor["code"], people.session_key("mei"), people.openid("mei"), people.unionid("mei")):
        assert secret not in kept
