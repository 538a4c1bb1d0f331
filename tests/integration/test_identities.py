"""Who a user is, over several apps of one Open Platform account, and what their profile keeps."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API, Reply
from tests.conftest import APPID, Clock
from tests.integration.helpers import ANONYMOUS, OTHER_APPID, with_two_apps

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs."""
    return with_two_apps(stand_in)


async def visit(api: API, path: str, person: str, appid: str = APPID, **profile: str) -> Reply:
    """The person opens this mini-program, which calls the path."""
    credentials = api.wx_login(person, appid=appid, profile=profile)
    return await api.post(path, json={**credentials, "appid": appid})


async def register(api: API, person: str, appid: str = APPID, **profile: str) -> Reply:
    return await visit(api, "/accounts/wxapp", person, appid, **profile)


async def sign_in(api: API, person: str, appid: str = APPID, **profile: str) -> Reply:
    return await visit(api, "/oauth/token", person, appid, **profile)


async def test_an_unknown_openid_with_a_known_unionid_signs_in_to_the_same_account(
    api: API, database: Database
) -> None:
    registered = await register(api, "mei")
    reply = await sign_in(api, "mei", OTHER_APPID)

    assert (reply.status, reply.json["account_id"]) == (200, registered.json["account_id"])
    (user,) = database.users.find()
    people = api.stand_in.people
    assert user["identities"] == [
        {"appid": APPID, "openid": people.openid("mei")},
        {"appid": OTHER_APPID, "openid": people.openid("mei", OTHER_APPID)},
    ]
    assert database.sessions.find_one()["appid"] == OTHER_APPID


async def test_registering_in_the_second_app_gives_the_account_of_the_first(
    api: API, database: Database
) -> None:
    registered = await register(api, "mei")
    again = await register(api, "mei", OTHER_APPID)
    assert (again.status, again.json) == (200, registered.json)
    assert database.users.count_documents({}) == 1
    assert len(database.users.find_one()["identities"]) == 2


async def test_without_a_unionid_each_app_has_its_own_accounts(api: API, database: Database) -> None:
    api.stand_in.people.unbind(APPID)
    api.stand_in.people.unbind(OTHER_APPID)
    assert (await register(api, "mei")).status == 201
    reply = await sign_in(api, "mei", OTHER_APPID)
    assert (reply.status, reply.error) == (401, "unregistered")
    assert (await register(api, "mei", OTHER_APPID)).status == 201
    assert database.users.count_documents({"unionid": {"$exists": False}}) == 2


async def test_a_unionid_that_appears_later_is_filled_in(api: API, database: Database) -> None:
    people = api.stand_in.people
    people.unbind(APPID)
    await register(api, "mei")
    assert "unionid" not in database.users.find_one()
    people.bind(APPID)
    assert (await sign_in(api, "mei")).status == 200
    assert database.users.find_one()["unionid"] == people.unionid("mei")


async def test_two_accounts_that_turn_out_to_be_one_person_both_go_on(api: API, database: Database) -> None:
    people = api.stand_in.people
    first = await register(api, "mei")
    people.unbind(OTHER_APPID)
    second = await register(api, "mei", OTHER_APPID)
    before = database.users.find_one({"unionid": people.unionid("mei")})
    people.bind(OTHER_APPID)
    reply = await sign_in(api, "mei", OTHER_APPID)

    assert (reply.status, reply.json["account_id"]) == (200, second.json["account_id"])
    assert second.json["account_id"] != first.json["account_id"]
    assert database.users.find_one({"unionid": people.unionid("mei")}) == before
    other = database.users.find_one({"_id": {"$ne": before["_id"]}})
    assert "unionid" not in other
    assert other["sign_ins"] == 1
    assert (await sign_in(api, "mei")).json["account_id"] == first.json["account_id"]


async def test_two_accounts_of_one_person_are_recorded_for_the_operator_once(
    api: API, database: Database, clock: Clock
) -> None:
    people = api.stand_in.people
    first = await register(api, "mei")
    people.unbind(OTHER_APPID)
    second = await register(api, "mei", OTHER_APPID)
    people.bind(OTHER_APPID)
    for _ in range(2):
        clock.advance(minutes=1)
        await sign_in(api, "mei", OTHER_APPID)

    (conflict,) = database.identity_conflicts.find()
    assert [str(each) for each in conflict["accounts"]] == [
        second.json["account_id"],
        first.json["account_id"],
    ]
    assert conflict["sign_ins"] == 2
    assert conflict["last_seen_at"] > conflict["first_seen_at"]
    assert people.unionid("mei") not in repr(conflict)


async def test_a_unionid_that_changed_is_recorded_and_not_taken_over(api: API, database: Database) -> None:
    """As when the app moves to another Open Platform account (WeChat: unionid)."""
    await register(api, "mei")
    database.users.update_one({}, {"$set": {"unionid": "of-the-former-account"}})
    assert (await sign_in(api, "mei")).status == 200
    assert database.users.find_one()["unionid"] == "of-the-former-account"
    assert len(database.identity_conflicts.find_one()["accounts"]) == 1


async def test_one_person_with_one_account_is_no_conflict(api: API, database: Database) -> None:
    await register(api, "mei")
    await sign_in(api, "mei")
    await sign_in(api, "mei", OTHER_APPID)
    assert database.identity_conflicts.count_documents({}) == 0


async def test_an_anonymous_profile_is_not_stored(api: API, database: Database) -> None:
    await register(api, "bo", **ANONYMOUS)
    assert database.users.find_one()["profile"] == {}


async def test_an_anonymous_profile_never_overwrites_a_nickname_or_an_avatar(
    api: API, database: Database
) -> None:
    await register(api, "mei")
    before = database.users.find_one()["profile"]
    assert before == {
        "nickname": "小美🌸",
        "avatar_url": "https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox-mei/132",
    }
    assert (await sign_in(api, "mei", **ANONYMOUS)).status == 200
    assert database.users.find_one()["profile"] == before


async def test_a_new_nickname_is_taken_over_at_the_next_sign_in(api: API, database: Database) -> None:
    await register(api, "mei")
    assert (await sign_in(api, "mei", nickName="小美 2")).status == 200
    profile = database.users.find_one()["profile"]
    assert (profile["nickname"], profile["avatar_url"][-3:]) == ("小美 2", "132")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("http://wx.qlogo.cn/mmopen/a/0", "https://wx.qlogo.cn/mmopen/a/0"),
        ("https://thirdwx.qlogo.cn/mmopen/a/132", "https://thirdwx.qlogo.cn/mmopen/a/132"),
        ("https://evil.example/wx.qlogo.cn/0", None),
        ("https://wx.qlogo.cn.evil.example/0", None),
        ("https://wx.qlogo.cn@evil.example/0", None),
        ("javascript:alert(1)//wx.qlogo.cn/", None),
    ],
)
async def test_avatars_are_https_and_of_wechats_hosts_alone(
    api: API, database: Database, sent: str, stored: str | None
) -> None:
    assert (await register(api, "bo", avatarUrl=sent)).status == 201
    assert database.users.find_one()["profile"].get("avatar_url") == stored
