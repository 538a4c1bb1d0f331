"""Closing an account and exporting it: everything is told, and then nothing of the person is left (PIPL 45, 47)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pymongo
import pytest
from bson import ObjectId

from tests.client import API, Reply, bearer
from tests.conftest import Clock
from tests.pictures import plain, upload

Database = pymongo.database.Database[dict[str, Any]]


async def close(api: API, access_token: str, code: str) -> Reply:
    return await api.delete("/accounts/me", json={"code": code}, headers=bearer(access_token))


def dump_of(database: Database) -> str:
    """Every document of every collection, as text."""
    return "\n".join(
        f"{name}: {json.dumps(document, default=str, ensure_ascii=False)} {bson.encode(document)!r}"
        for name in database.list_collection_names()
        for document in database[name].find()
    )


async def test_a_closed_account_leaves_nothing_of_the_person_in_any_collection(
    api: API, database: Database
) -> None:
    tokens, people = await api.sign_in("mei"), api.stand_in.people
    await api.put("/accounts/me", json={"nickname": "阿美美"}, headers=bearer(tokens["access_token"]))
    phone_code = people.phone_code("mei")
    await api.post(
        "/accounts/me/phone", json={"phone_code": phone_code}, headers=bearer(tokens["access_token"])
    )
    picture = (await upload(api, tokens["access_token"], plain())).json["avatar_url"].rpartition("/")[2]
    number = database.users.find_one()["phone"]["pure_number"]
    personal = [people.openid("mei"), people.unionid("mei"), "小美", "阿美美", "sandbox-mei", picture, number]
    before = dump_of(database)
    assert [each for each in personal if each not in before] == []

    reply = await close(api, tokens["access_token"], api.wx_login("mei")["code"])

    assert reply.status == 200
    assert reply.json.keys() == {"account_id", "closed_at"}
    assert reply.json["account_id"] == tokens["account_id"]
    after = dump_of(database)
    assert [each for each in personal if each in after] == []
    assert database.users.count_documents({}) == 0
    assert database.avatars.count_documents({}) == 0
    assert (await api.get(f"/avatars/{picture}")).error == "not_found"


async def test_a_tombstone_without_personal_data_is_kept(api: API, database: Database) -> None:
    tokens = await api.sign_in("mei")
    registered_at = database.users.find_one()["created_at"]
    await close(api, tokens["access_token"], api.wx_login("mei")["code"])
    (tombstone,) = database.closed_accounts.find()
    assert tombstone.keys() == {"_id", "registered_at", "closed_at", "closed_by"}
    assert str(tombstone["_id"]) == tokens["account_id"]
    assert (tombstone["registered_at"], tombstone["closed_by"]) == (registered_at, "user")
    assert database.sessions.find_one()["ended_by"] == "closed"


async def test_the_code_that_closed_an_account_signs_nobody_in(api: API) -> None:
    tokens, visit = await api.sign_in("mei"), api.wx_login("mei")
    assert (await close(api, tokens["access_token"], visit["code"])).status == 200
    for call in (api.token, api.register):
        assert (await call(visit)).error == "code_used"


async def test_the_same_person_registers_anew_with_another_account(api: API, database: Database) -> None:
    tokens = await api.sign_in("mei")
    await close(api, tokens["access_token"], api.wx_login("mei")["code"])
    anew = await api.sign_in("mei")
    assert anew["account_id"] != tokens["account_id"]
    assert (await api.me(tokens["access_token"])).error == "invalid_token"
    assert (await close(api, anew["access_token"], api.wx_login("mei")["code"])).status == 200
    assert database.closed_accounts.count_documents({}) == 2


async def test_a_code_of_somebody_else_closes_nothing_and_stays_good(api: API, database: Database) -> None:
    mei, bo = await api.sign_in("mei"), await api.sign_in("bo")
    visit = api.wx_login("bo")
    reply = await close(api, mei["access_token"], visit["code"])
    assert (reply.status, reply.error) == (403, "wrong_user")
    assert database.users.count_documents({}) == 2
    assert (await api.token(visit)).json["account_id"] == bo["account_id"]


async def test_a_code_that_was_used_before_closes_nothing(api: API, database: Database) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    tokens = (await api.token(visit)).json
    reply = await close(api, tokens["access_token"], visit["code"])
    assert (reply.status, reply.error) == (403, "code_used")
    assert database.users.count_documents({}) == 1


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": 7}, {"code": "x" * 129}])
async def test_closing_needs_a_code(api: API, database: Database, body: dict[str, Any]) -> None:
    token = await api.signed_in("mei")
    reply = await api.delete("/accounts/me", json=body, headers=bearer(token))
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert "code" in reply.json["error_description"]
    assert database.users.count_documents({}) == 1


async def test_a_double_tap_closes_once(api: API, database: Database) -> None:
    token, code = await api.signed_in("mei"), api.wx_login("mei")["code"]
    first, second = await close(api, token, code), await close(api, token, code)
    assert (first.status, second.error) == (200, "invalid_token")
    assert database.closed_accounts.count_documents({}) == 1


@pytest.mark.parametrize("command", ["delete", "insert", "commitTransaction"])
async def test_a_closing_that_failed_at_any_step_changed_nothing_and_can_be_repeated(
    api: API, database: Database, command: str
) -> None:
    tokens = await api.sign_in("mei")

    # Alone in its namespace, so that no other write of the closing is hit.
    namespace = {"delete": "avatars", "insert": "closed_accounts"}.get(command)
    data = {"failCommands": [command], "errorCode": 8000}
    if namespace is not None:
        data["namespace"] = f"{database.name}.{namespace}"
    before, admin = database.users.find_one(), database.client.admin
    code = api.wx_login("mei")["code"]
    admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)
    try:
        reply = await close(api, tokens["access_token"], code)
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert database.users.find_one() == before
    assert database.closed_accounts.count_documents({}) == 0
    assert (await api.me(tokens["access_token"])).status == 200
    assert database.users.count_documents({}) == 1
    again = await api.sign_in("mei")
    assert (await close(api, again["access_token"], api.wx_login("mei")["code"])).status == 200
    assert (database.users.count_documents({}), database.closed_accounts.count_documents({})) == (0, 1)


async def test_an_export_has_everything_that_is_kept_of_the_user(
    api: API, database: Database, clock: Clock
) -> None:
    tokens, people = await api.sign_in("mei"), api.stand_in.people
    await api.put("/accounts/me", json={"nickname": "阿美美"}, headers=bearer(tokens["access_token"]))
    clock.advance(minutes=1)
    reply = await api.get("/accounts/me/export", headers=bearer(tokens["access_token"]))

    assert reply.status == 200
    assert reply.headers["Content-Disposition"] == f'attachment; filename="{tokens["account_id"]}.json"'
    account, sessions = reply.json["account"], reply.json["sessions"]
    kept = database.users.find_one({"unionid": people.unionid("mei")})
    # What the account is found by is made of the nickname, and says nothing more.
    assert account.keys() == kept.keys() - {"_id", "status", "search", "search_text"} | {"account_id"}
    assert reply.json["older_sessions"] == 0
    assert account["identities"] == kept["identities"]
    assert (account["profile"]["nickname"], account["entered"]["nickname"]) == ("小美🌸", "阿美美")
    assert [each["ip"] for each in sessions] == ["127.0.0.1"]
    assert "refresh" not in sessions[0]


async def test_an_export_names_the_address_of_the_uploaded_avatar(api: API) -> None:
    token = await api.signed_in("mei")
    uploaded = (await upload(api, token, plain())).json["avatar_url"]
    account = (await api.get("/accounts/me/export", headers=bearer(token))).json["account"]
    assert account["avatar"] == uploaded


async def test_an_export_does_not_name_another_person(api: API) -> None:
    await api.sign_in("bo")
    reply = await api.get("/accounts/me/export", headers=bearer(await api.signed_in("mei")))
    assert api.stand_in.people.openid("bo") not in str(reply.json)


async def test_an_export_leaves_out_what_operators_write_for_each_other(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    ban = {"reason": "a quarrel", "by": "lin", "at": datetime(2026, 1, 1, tzinfo=UTC), "shown": False}
    internal = {
        "note": "difficult",
        "tags": ["vip"],
        "ban": ban | {"until": datetime(2026, 1, 2, tzinfo=UTC)},
    }
    database.users.update_one({}, {"$set": internal})
    reply = await api.get("/accounts/me/export", headers=bearer(token))
    assert reply.status == 200
    for word in ("quarrel", "lin", "difficult", "vip"):
        assert word not in str(reply.json["account"])


async def test_an_export_of_a_long_history_tells_the_last_thousand_and_how_many_more(
    api: API, database: Database
) -> None:
    token = await api.signed_in("mei")
    session = database.sessions.find_one()
    old = [
        {**session, "_id": ObjectId(), "created_at": session["created_at"] - timedelta(hours=n), "epoch": -1}
        for n in range(1, 1011)
    ]
    database.sessions.insert_many(old)
    exported = (await api.get("/accounts/me/export", headers=bearer(token))).json
    assert (len(exported["sessions"]), exported["older_sessions"]) == (1000, 11)
    assert exported["sessions"][0]["session_id"] == str(session["_id"])


async def test_an_export_holds_no_secret_of_ours(api: API) -> None:
    tokens = await api.sign_in("mei")
    text = str((await api.get("/accounts/me/export", headers=bearer(tokens["access_token"]))).json)
    for ours in (
        "digest",
        "sealed",
        "epoch",
        tokens["refresh_token"],
        api.stand_in.people.session_key("mei"),
    ):
        assert ours not in text
