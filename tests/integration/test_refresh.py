"""Refresh tokens (RFC 6749 section 6): the answer, the rotation, what is kept, how long it lasts, who is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bson
import pymongo
import pytest

from passport.services import Services
from tests.client import API
from tests.conftest import Clock

Database = pymongo.database.Database[dict[str, Any]]


async def test_a_refresh_answers_with_new_tokens_of_the_same_session(
    api: API, services: Services, database: Database
) -> None:
    first = await api.sign_in("mei")
    reply = await api.refresh(first["refresh_token"])

    assert reply.status == 200
    assert reply.json.keys() == first.keys()
    assert reply.json["account_id"] == first["account_id"]
    assert (reply.json["token_type"], reply.json["expires_in"]) == ("Bearer", 3600)
    assert reply.json["refresh_token"] != first["refresh_token"]
    assert reply.headers["Pragma"] == "no-cache"
    before, after = (services.tokens.verify(each["access_token"]) for each in (first, reply.json))
    assert (after.session_id, after.user_id, after.appid) == (before.session_id, before.user_id, before.appid)
    assert after.token_id != before.token_id
    assert database.sessions.count_documents({}) == 1


async def test_a_refresh_is_taken_as_json_too_and_asks_nothing_of_wechat(api: API) -> None:
    first, calls = await api.sign_in("mei"), api.stand_in.calls.total
    body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": None}
    assert (await api.post("/oauth/token", json=body)).status == 200
    assert api.stand_in.calls.total == calls


async def test_the_tokens_before_a_refresh_are_good_until_their_end_and_the_new_ones_too(api: API) -> None:
    first = await api.sign_in("mei")
    second = (await api.refresh(first["refresh_token"])).json
    for tokens in (first, second):
        assert (await api.me(tokens["access_token"])).status == 200


async def test_no_refresh_token_is_kept_only_its_digest(api: API, database: Database) -> None:
    tokens = [(await api.sign_in("mei"))["refresh_token"]]
    tokens.append((await api.refresh(tokens[0])).json["refresh_token"])
    dump = b"".join(
        bson.encode(each) for name in database.list_collection_names() for each in database[name].find()
    )
    assert len(dump) > 500
    for token in tokens:
        assert token.startswith("wpr_")
        assert token.encode() not in dump
        assert token.removeprefix("wpr_").encode() not in dump


async def test_a_session_that_nobody_refreshes_for_thirty_days_is_over(api: API, clock: Clock) -> None:
    first = await api.sign_in("mei")
    clock.advance(days=29)
    second = await api.refresh(first["refresh_token"])
    assert second.status == 200
    clock.advance(days=30)
    reply = await api.refresh(second.json["refresh_token"])
    assert (reply.status, reply.error) == (400, "invalid_grant")


async def test_a_session_is_over_after_ninety_days_however_much_it_is_used(api: API, clock: Clock) -> None:
    token = (await api.sign_in("mei"))["refresh_token"]
    for _ in range(4):
        clock.advance(days=20)
        token = (await api.refresh(token)).json["refresh_token"]
    clock.advance(days=9, hours=23, minutes=30)
    last = await api.refresh(token)
    assert last.json["expires_in"] <= 1800
    clock.advance(minutes=31)
    reply = await api.refresh(last.json["refresh_token"])
    assert (reply.status, reply.error) == (400, "invalid_grant")


async def test_no_access_token_outlives_its_session(api: API, clock: Clock) -> None:
    token = (await api.sign_in("mei"))["refresh_token"]
    for _ in range(4):
        clock.advance(days=22)
        token = (await api.refresh(token)).json["refresh_token"]
    clock.advance(days=1, hours=23, minutes=50)
    access_token = (await api.refresh(token)).json["access_token"]
    assert (await api.me(access_token)).status == 200
    clock.advance(minutes=11)
    assert (await api.me(access_token)).error == "invalid_token"


@pytest.mark.parametrize("left", [3.0, 2.0, 1.9, 1.2, 0.5, 0.0])
async def test_the_last_moment_of_a_session_is_no_fault_of_ours(
    api: API, clock: Clock, database: Database, left: float
) -> None:
    tokens = await api.sign_in("mei")
    database.sessions.update_one({}, {"$set": {"ends_at": clock() + timedelta(seconds=left)}})
    reply = await api.refresh(tokens["refresh_token"])
    assert reply.status in (200, 400)
    if reply.status == 200:
        assert reply.json["expires_in"] >= 1


def with_another_letter(token: str) -> str:
    return token[:20] + ("A" if token[20] != "A" else "B") + token[21:]


def with_another_spelling(token: str) -> str:
    """The last of 86 characters carries two bits: sixteen letters spell the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


@pytest.mark.parametrize(
    "forge",
    [
        with_another_letter,
        with_another_spelling,
        lambda token: token + "=",
        lambda token: token[:-1],
        lambda token: token.removeprefix("wpr_"),
        lambda token: "wpr_" + "A" * 86,
        lambda _: "wpr_",
        lambda token: token.upper(),
        lambda token: token + "\n",
    ],
)
async def test_a_token_we_never_made_is_refused_without_asking_the_database(
    api: API, database: Database, forge: Callable[[str], str]
) -> None:
    first = await api.sign_in("mei")
    before = database.sessions.find_one()
    reply = await api.refresh(forge(first["refresh_token"]))
    assert (reply.status, reply.error) == (400, "invalid_grant")
    assert database.sessions.find_one() == before
    assert (await api.refresh(first["refresh_token"])).status == 200


async def test_an_access_token_is_no_refresh_token_nor_the_other_way_round(api: API) -> None:
    tokens = await api.sign_in("mei")
    assert (await api.refresh(tokens["access_token"])).error == "invalid_grant"
    assert (await api.me(tokens["refresh_token"])).error == "invalid_token"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"grant_type": "refresh_token"}, "refresh_token is missing"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "refresh_token is missing"),
        ({"grant_type": "refresh_token", "refresh_token": 7}, "refresh_token must be a string"),
        ({"grant_type": "refresh_token", "refresh_token": "x" * 8193}, "refresh_token is longer"),
    ],
)
async def test_a_malformed_refresh_is_refused_as_rfc_6749_says(
    api: API, body: dict[str, Any], says: str
) -> None:
    reply = await api.post("/oauth/token", json=body)
    assert (reply.status, reply.error) == (400, "invalid_request")
    assert says in reply.json["error_description"]


async def test_a_database_restored_from_a_backup_refuses_later_tokens_and_ends_nothing(
    api: API, database: Database
) -> None:
    first = await api.sign_in("mei")
    backup = database.sessions.find_one()
    later = (await api.refresh(first["refresh_token"])).json
    database.sessions.replace_one({"_id": backup["_id"]}, backup)

    assert (await api.refresh(later["refresh_token"])).error == "invalid_grant"
    assert "ended_at" not in database.sessions.find_one()
    assert (await api.refresh(first["refresh_token"])).status == 200
