"""PUT /accounts/me: what the user enters is theirs, what is removed stays removed, and what is no name is refused."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

from passport.services import Services
from passport.users import Visit
from passport.wechat.client import WeChatSession
from tests.client import API, Reply, bearer
from tests.conftest import APPID
from tests.pictures import plain, upload

Database = pymongo.database.Database[dict[str, Any]]
FAMILY = "👨‍👩‍👧‍👦"  # one character to a person, seven code points


async def put(api: API, token: str, body: dict[str, Any]) -> Reply:
    return await api.put("/accounts/me", json=body, headers=bearer(token))


async def test_what_is_sent_is_corrected_and_the_rest_stays(api: API) -> None:
    token = await api.signed_in("mei")
    before = (await api.me(token)).json
    reply = await put(api, token, {"nickname": "  小美 2 ", "city": "杭州", "gender": 2})
    assert reply.status == 200
    assert reply.json == {
        **before,
        "profile": {**before["profile"], "nickname": "小美 2", "city": "杭州", "gender": 2},
    }
    assert (await api.me(token)).json == reply.json


async def test_a_form_corrects_as_well(api: API) -> None:
    token = await api.signed_in("mei")
    reply = await api.put("/accounts/me", data={"nickname": "美", "gender": "1"}, headers=bearer(token))
    assert (reply.json["profile"]["nickname"], reply.json["profile"]["gender"]) == ("美", 1)


@pytest.mark.parametrize("nothing", [None, ""])
async def test_null_or_an_empty_text_removes_what_is_known_for_good(
    api: API, database: Database, nothing: str | None
) -> None:
    token = await api.signed_in("mei")
    reply = await put(api, token, {"nickname": nothing, "avatar_url": nothing})
    assert {"nickname", "avatar_url"}.isdisjoint(reply.json["profile"])
    assert "小美" not in repr(database.users.find_one())
    # The next sign-in brings WeChat's words again.
    await api.token(api.wx_login("mei"))
    assert {"nickname", "avatar_url"}.isdisjoint((await api.me(token)).json["profile"])
    assert "小美" not in repr(database.users.find_one())


async def test_a_later_sign_in_does_not_overwrite_what_the_user_entered(api: API) -> None:
    token = await api.signed_in("mei")
    await put(api, token, {"nickname": "my own"})
    await api.token(api.wx_login("mei", profile={"nickName": "WeChat's", "city": "Guangzhou"}))
    profile = (await api.me(token)).json["profile"]
    assert (profile["nickname"], profile["city"]) == ("my own", "Guangzhou")


async def test_a_removal_while_a_sign_in_is_under_way_is_not_undone_by_it(
    api: API, services: Services, database: Database
) -> None:
    """The sign-in read the user before; what the database holds when it writes decides."""
    token = await api.signed_in("mei")
    session = WeChatSession(api.stand_in.people.openid("mei"), api.stand_in.people.unionid("mei"), "")
    before = await services.users.find_by_session(APPID, session)
    assert before is not None
    await put(api, token, {"nickname": None, "city": "杭州"})
    told = {"nickname": "$5 小美", "city": "Guangzhou", "country": "CN"}
    assert await services.users.record_sign_ins([Visit(before, APPID, session, told)]) == [None]
    user = database.users.find_one()
    assert "nickname" not in user["profile"]
    assert (await api.me(token)).json["profile"] == {
        "avatar_url": user["profile"]["avatar_url"],
        "city": "杭州",
        "country": "CN",
    }
    assert user["sign_ins"] == 2


async def test_a_name_that_looks_like_the_path_of_a_field_is_a_name(api: API) -> None:
    token = await api.signed_in("mei")
    await api.token(api.wx_login("mei", profile={"nickName": "$unionid"}))
    assert (await api.me(token)).json["profile"]["nickname"] == "$unionid"


async def test_null_for_the_avatar_removes_the_uploaded_one_too(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    await upload(api, token, plain())
    reply = await put(api, token, {"avatar_url": None})
    assert "avatar_url" not in reply.json["profile"]
    assert "avatar_url" not in (await api.me(token)).json["profile"]
    assert database.avatars.count_documents({}) == 0


async def test_what_wechat_says_is_followed_until_the_user_enters_something(api: API) -> None:
    token = await api.signed_in("mei")
    await api.token(api.wx_login("mei", profile={"nickName": "renamed"}))
    assert (await api.me(token)).json["profile"]["nickname"] == "renamed"


@pytest.mark.parametrize("nickname", ["x" * 64, FAMILY * 9, "𠮷野家", "a'\"<b>&amp;", "ไทย ภาษา", "😀"])
async def test_any_name_of_a_person_is_stored_as_it_is(api: API, nickname: str) -> None:
    if len(nickname) == 64:
        nickname = nickname[:32]
    token = await api.signed_in("mei")
    assert (await put(api, token, {"nickname": nickname})).json["profile"]["nickname"] == nickname


@pytest.mark.parametrize(
    ("nickname", "says"),
    [
        ("x" * 33, "longer than 32 characters"),
        ("x" * 65, "longer than 64 code points"),
        (FAMILY * 10, "longer than 64 code points"),
        ("é" * 33, "longer than 32 characters"),
        ("   ", "no visible character"),
        ("\u200b\u200d", "no visible character"),
        ("\u0301\u0301", "no visible character"),
        ("a\nb", "a control character"),
        ("a\x00b", "a control character"),
        ("a\u2028b", "a control character"),
        ("a\u202eb", "changes the direction"),
        ("a\u2066b", "changes the direction"),
        ("\ud83d", "no visible character"),
        ("a\ud83d", "a control character"),
        ("微信用户", "placeholder"),
        (7, "must be a string"),
        (["x"], "must be a string"),
    ],
)
async def test_what_is_no_nickname_is_refused_with_the_reason_and_changes_nothing(
    api: API, database: Database, nickname: Any, says: str
) -> None:
    token = await api.signed_in("mei")
    before = database.users.find_one()
    reply = await put(api, token, {"nickname": nickname, "city": "杭州"})
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert "nickname" in reply.json["error_description"]
    assert says in reply.json["error_description"]
    assert database.users.find_one() == before


@pytest.mark.parametrize(
    "body",
    [
        {"gender": 3},
        {"gender": "x"},
        {"gender": True},
        {"avatar_url": "https://evil.example/a.png"},
        {"avatar_url": "wxfile://tmp/a.png"},
        {"city": {"$ne": None}},
        {"language": "x" * 65},
        {"consent_version": "of nobody"},
    ],
)
async def test_other_members_have_their_rules_too(api: API, database: Database, body: dict[str, Any]) -> None:
    token = await api.signed_in("mei")
    before = database.users.find_one()
    reply = await put(api, token, body)
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert next(iter(body)) in reply.json["error_description"]
    assert database.users.find_one() == before


async def test_members_that_are_not_of_the_profile_are_not_stored(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    before = database.users.find_one()
    extra = {
        "status": "admin",
        "identities": [],
        "unionid": "x",
        "session_epoch": 9,
        "entered.x": 1,
        "_id": "1",
    }
    assert (await put(api, token, extra)).status == 200
    assert database.users.find_one() == before


async def test_who_is_not_signed_in_corrects_nothing(api: API, database: Database) -> None:
    await api.registered("mei")
    before = database.users.find_one()
    assert (await api.put("/accounts/me", json={"nickname": "x"})).error == "invalid_token"
    assert database.users.find_one() == before
