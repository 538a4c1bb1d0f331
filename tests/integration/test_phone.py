"""POST and DELETE /accounts/me/phone: what is bound, what is refused and in which words, and what it leaves behind."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pymongo
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID, Clock
from tests.integration.helpers import OTHER_APPID, with_two_apps
from tests.integration.phones import PHONE, PHONE_NUMBER, STABLE_TOKEN, bearer, bind, phone_of

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs, so that a code can be of the wrong one."""
    return with_two_apps(stand_in, timeout="10s")


@pytest.mark.parametrize(
    ("person", "number", "country_code", "pure_number"),
    [
        ("mei", "+8613800000001", "86", "13800000001"),
        ("lin", "+85200000003", "852", "00000003"),
        ("yun", "+12025550104", "1", "2025550104"),
        # WeChat sends this countryCode as a number.
        ("tao", "+8613800000005", "86", "13800000005"),
    ],
)
async def test_a_number_is_bound_as_e164_and_in_its_parts(
    api: API, database: Database, clock: Clock, person: str, number: str, country_code: str, pure_number: str
) -> None:
    headers = await bearer(api, person)
    reply = await bind(api, headers, api.stand_in.people.phone_code(person))

    phone = reply.json["phone"]
    bound_at = phone.pop("bound_at")
    assert reply.status == 200
    assert phone == {"number": number, "country_code": country_code, "pure_number": pure_number}
    shown = (await api.get("/accounts/me", headers=headers)).json["phone"]
    assert shown == {**phone, "bound_at": bound_at}
    stored = database.users.find_one()["phone"]
    assert (stored["number"], stored["appid"]) == (number, APPID)
    assert abs((clock() - stored["bound_at"]).total_seconds()) < 60


async def test_a_new_number_takes_the_place_of_the_old_one(api: API) -> None:
    headers = await bearer(api, "mei")
    for person, number in (("mei", "+8613800000001"), ("lin", "+85200000003")):
        assert (await bind(api, headers, api.stand_in.people.phone_code(person))).status == 200
        assert await phone_of(api, headers) == number


async def test_removing_the_number_leaves_nothing_of_it_and_may_be_repeated(
    api: API, database: Database
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    for _ in range(2):
        assert (await api.request("DELETE", PHONE, headers=headers)).status == 204
        assert await phone_of(api, headers) is None
        assert "phone" not in database.users.find_one()
    assert (await bind(api, headers)).status == 200


async def test_signing_in_again_keeps_the_number(api: API) -> None:
    await bind(api, await bearer(api, "mei"))
    assert await phone_of(api, await bearer(api, "mei")) == "+8613800000001"


async def test_the_number_of_one_is_not_shown_to_another(api: API) -> None:
    await bind(api, await bearer(api, "mei"))
    assert await phone_of(api, await bearer(api, "bo")) is None


# Codes


async def test_a_login_code_is_refused_with_a_hint_that_tells_the_two_apart(
    api: API, database: Database
) -> None:
    headers = await bearer(api, "mei")
    login_code = api.wx_login("mei")["code"]
    for language, words in (("zh", "phone_code 不是 wx.login 的 code"), ("en", "not a login code")):
        reply = await bind(api, {**headers, "Accept-Language": language}, login_code)
        assert (reply.status, reply.error, reply.json["wechat_errcode"]) == (403, "invalid_code", 40029)
        assert words in reply.json["hint"]
    assert "phone" not in database.users.find_one()


async def test_the_same_code_again_gets_the_same_answer_without_asking_wechat(api: API, clock: Clock) -> None:
    headers, code = await bearer(api, "mei"), api.stand_in.people.phone_code("mei")
    first = await bind(api, headers, code)
    clock.advance(minutes=4)
    again = await bind(api, headers, code)

    assert (again.status, again.json) == (200, first.json)
    assert api.stand_in.calls.of(code) == 1


async def test_a_double_tap_is_one_call_to_wechat_and_one_answer(api: API) -> None:
    headers, code = await bearer(api, "mei"), api.stand_in.people.phone_code("mei")
    api.stand_in.faults.set("slow", path=PHONE_NUMBER, delay=0.2, times=1)
    first, second = await asyncio.gather(*(bind(api, headers, code) for _ in range(2)))

    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert api.stand_in.calls.of(code) == 1


async def test_a_code_that_bound_one_user_binds_no_other(api: API, database: Database) -> None:
    code = api.stand_in.people.phone_code("mei")
    assert (await bind(api, await bearer(api, "mei"), code)).status == 200
    bo = await bearer(api, "bo")
    reply = await bind(api, bo, code)

    assert (reply.status, reply.error) == (403, "invalid_code")
    assert await phone_of(api, bo) is None


async def test_after_its_five_minutes_a_code_is_refused_used_or_not(api: API, clock: Clock) -> None:
    headers, people = await bearer(api, "mei"), api.stand_in.people
    used, unused = people.phone_code("mei"), people.phone_code("lin")
    assert (await bind(api, headers, used)).status == 200
    clock.advance(minutes=6)
    for code in (used, unused):
        reply = await bind(api, headers, code)
        assert (reply.status, reply.error) == (403, "invalid_code")
    assert await phone_of(api, headers) == "+8613800000001"


async def test_a_code_of_another_app_is_refused(api: API) -> None:
    headers = await bearer(api, "mei")
    reply = await bind(api, headers, api.stand_in.people.phone_code("mei", OTHER_APPID))
    assert (reply.status, reply.error) == (403, "invalid_code")


async def test_the_app_is_the_one_of_the_access_token(api: API, database: Database) -> None:
    headers = await bearer(api, "mei", OTHER_APPID)
    reply = await bind(api, headers, api.stand_in.people.phone_code("mei", OTHER_APPID))
    assert reply.status == 200
    assert database.users.find_one()["phone"]["appid"] == OTHER_APPID


@pytest.mark.expects_log("the phone number's watermark is of another appid")
async def test_a_watermark_of_another_app_is_refused(api: API, database: Database) -> None:
    headers = await bearer(api, "mei")
    forged = {"timestamp": 1, "appid": OTHER_APPID}
    reply = await bind(api, headers, api.stand_in.people.phone_code("mei", watermark=forged))
    assert (reply.status, reply.error) == (403, "invalid_code")
    assert "phone" not in database.users.find_one()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "phone_code is missing"),
        ({"code": "0123"}, "phone_code is missing"),
        ({"phone_code": ""}, "phone_code is empty"),
        ({"phone_code": 7}, "phone_code must be a string"),
        ({"phone_code": "x" * 129}, "phone_code is longer than 128"),
        ({"phone_code": "a b"}, "phone_code is malformed"),
        ({"phone_code": {"$gt": ""}}, "phone_code must be a string"),
    ],
)
async def test_what_can_be_no_code_is_refused_without_asking_wechat(
    api: API, body: dict[str, Any], fault: str
) -> None:
    headers = await bearer(api, "mei")
    reply = await api.post(PHONE, json=body, headers={**headers, "Accept-Language": "en"})

    assert (reply.status, reply.error) == (403, "invalid_request")
    assert fault in reply.json["error_description"]
    assert "e.detail.code" in reply.json["hint"]
    assert api.stand_in.calls.at(STABLE_TOKEN) == api.stand_in.calls.at(PHONE_NUMBER) == 0


# People


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_without_a_token_nothing_is_bound_or_removed(api: API, method: str) -> None:
    code = api.stand_in.people.phone_code("mei")
    reply = await api.request(method, PHONE, json={"phone_code": code})
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_banned_user_binds_and_removes_nothing_and_wechat_is_not_asked(
    api: API, services: Services, database: Database, method: str
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    asked = api.stand_in.calls.total
    await services.users.ban(str(database.users.find_one()["_id"]), reason="spam", by="lin")
    body = {"phone_code": api.stand_in.people.phone_code("lin")}
    reply = await api.request(method, PHONE, json=body, headers=headers)

    assert (reply.status, reply.error) == (403, "account_disabled")
    assert api.stand_in.calls.total == asked
    assert database.users.find_one()["phone"]["number"] == "+8613800000001"


# What stays inside


async def test_no_number_code_or_token_is_in_a_log_line_and_no_token_or_code_in_the_database(
    api: API, database: Database, log_records: list[logging.LogRecord]
) -> None:
    headers, code = await bearer(api, "mei"), api.stand_in.people.phone_code("mei")
    for each in (code, code, api.wx_login("mei")["code"]):
        await bind(api, headers, each)
    api.stand_in.people.void_wechat_access_token(APPID)
    await bind(api, headers)
    await api.request("DELETE", PHONE, headers=headers)
    await bind(api, headers)

    (kept,) = database.wechat_access_tokens.find()
    tokens = list(api.stand_in.people.access_tokens._known)
    # The driver's DEBUG lines quote whole documents; the server logs from INFO on.
    told = [
        each for each in log_records if not each.name.startswith("pymongo") or each.levelno > logging.DEBUG
    ]
    logged = "".join(f"{record.getMessage()} {record.__dict__!r}" for record in told)
    stored = repr([list(database[name].find()) for name in database.list_collection_names()])
    assert len(tokens) == 2
    assert isinstance(kept["sealed_token"], bytes)
    assert [each for each in ("13800000001", code, *tokens) if each in logged] == []
    assert [each for each in (code, *tokens) if each in stored] == []
