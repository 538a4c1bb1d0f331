"""Hostile text (R-039) and unasked-for members (R-065): refused, or stored exactly; never a 5xx, never by half."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passport.profiles import NICKNAME_LIMIT, profile_from_payload
from sandbox import payloads
from sandbox.identities import new_session_key
from tests.client import API, Reply
from tests.conftest import APPID, Clock
from tests.effort import examples
from tests.security.hostile_bodies import FIELDS, JSON, odd_values

ROUTES = ("/oauth/token", "/accounts/wxapp")
STATUSES = {200, 201, 400, 401, 403}
over_http = settings(
    max_examples=examples(300), deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


async def post(api: API, path: str, body: dict[str, Any]) -> Reply:
    """As JSON with escapes, which can carry what UTF-8 cannot."""
    return await api.post(path, data=json.dumps(body), headers={"Content-Type": JSON})


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("field", FIELDS)
async def test_an_odd_value_in_any_field_is_answered_in_the_one_shape(
    api: API, path: str, field: str
) -> None:
    odd = {}
    for name, value in odd_values().items():
        reply = await post(api, path, api.wx_login("mei") | {field: value})
        if reply.status not in STATUSES:
            odd[name] = reply
    assert odd == {}


@pytest.mark.parametrize("field", ["code", "encryptedData", "iv"])
async def test_an_odd_value_in_a_required_field_stores_no_user(api: API, database: Any, field: str) -> None:
    for name, value in odd_values().items():
        reply = await post(api, "/accounts/wxapp", api.wx_login() | {field: value})
        assert reply.status == 403, name
    assert database.users.count_documents({}) == 0


async def test_half_a_surrogate_pair_as_a_members_name_is_ignored(api: API) -> None:
    body = api.wx_login("mei") | {"\ud800": "x", "a.b": 1, "$set": {}, "": 0, "\x00": 1}
    assert (await post(api, "/accounts/wxapp", body)).status == 201


def test_any_text_in_any_field_is_answered_in_the_one_shape(api: API, io_loop: IOLoop, database: Any) -> None:
    @over_http
    @given(
        path=st.sampled_from(ROUTES),
        field=st.sampled_from(FIELDS),
        text=st.text(alphabet=st.characters(exclude_categories=()), max_size=200),
    )
    def send(path: str, field: str, text: str) -> None:
        reply = io_loop.run_sync(lambda: post(api, path, api.wx_login("mei") | {field: text}))
        assert reply.status in STATUSES

    send()
    assert database.users.count_documents({}) <= 1


# --- text inside the payload ----------------------------------------------------------------------------------


async def registered_with(api: API, clock: Clock, **profile: Any) -> Reply:
    """Somebody new registers, whose payload says this of them."""
    code, key = secrets.token_hex(16), new_session_key()
    api.stand_in.people.script(code, f"o{secrets.token_hex(13)}", key)
    data = {"watermark": {"appid": APPID, "timestamp": int(clock.timestamp())}, **profile}
    # Escaped as ASCII, so that half a surrogate pair can be written at all.
    return await api.register({"code": code} | payloads.encrypt(json.dumps(data).encode(), key))


EXACT = {
    "family": "👩‍👩‍👧‍👦 一家",
    "flag": "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "CJK extension B": "𠮷野家𡈽",
    "Arabic": "مرحبا",
    "RTL override": "\u202eabc\u202c",
    "isolates": "\u2067abc\u2069",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
    "not normalised": "e\u0301 é \ufb01",
    "zero width": "a\u200b\u200c\u2060b",
    "BOM inside": "a\ufeffb",
    "newline": "a\nb\u2028c",
    "escape": "\x1b[31mred",
    "markup": "<script>alert(1)</script>",
    "template": "{{7*7}}${7*7}#{7*7}",
    "operator": '{"$ne":null}',
    "formula": "=cmd|' /C calc'!A0",
    "full": "字" * NICKNAME_LIMIT,
}


@pytest.mark.parametrize("name", EXACT)
async def test_a_nickname_comes_back_from_the_database_exactly(
    api: API, database: Any, clock: Clock, name: str
) -> None:
    assert (await registered_with(api, clock, nickName=EXACT[name])).status == 201
    assert database.users.find_one()["profile"] == {"nickname": EXACT[name]}


LEFT_OUT = {
    "NUL": "a\x00b",
    "too long": "字" * (NICKNAME_LIMIT + 1),
    "150 combining marks": "a" + "\u0301" * 150,
    "blank": " \u3000\t",
    "empty": "",
    "number": 2**63,
    "big number": 10**400,
    "true": True,
    "list": ["x"],
    "object": {"$ne": 1},
    "null": None,
}


@pytest.mark.parametrize("name", LEFT_OUT)
async def test_a_nickname_that_is_none_is_left_out_and_the_user_registered(
    api: API, database: Any, clock: Clock, name: str
) -> None:
    odd = LEFT_OUT[name]
    profile = {"nickName": odd, "city": odd, "avatarUrl": odd, "language": odd, "gender": odd}
    assert (await registered_with(api, clock, **profile)).status == 201
    assert database.users.find_one()["profile"] == {}


async def test_half_a_surrogate_pair_in_the_payload_is_refused_before_it_reaches_the_database(
    api: API, database: Any, clock: Clock
) -> None:
    for profile in ({"nickName": "a\ud800"}, {"x": {"y": ["\udfff"]}}, {"\ud800": 1}):
        refused = await registered_with(api, clock, **profile)
        assert (refused.status, refused.error) == (403, "decrypt_failed")
    assert database.users.count_documents({}) == 0


def test_any_nickname_is_stored_exactly_or_left_out(
    api: API, io_loop: IOLoop, database: Any, clock: Clock
) -> None:
    @over_http
    @given(st.text(max_size=NICKNAME_LIMIT + 6))
    def register(nickname: str) -> None:
        database.users.delete_many({})
        reply = io_loop.run_sync(lambda: registered_with(api, clock, nickName=nickname))
        assert reply.status == 201
        expected = nickname if profile_from_payload({"nickName": nickname}) else None
        assert database.users.find_one()["profile"].get("nickname") == expected

    register()


@settings(max_examples=examples(2_000), deadline=None, database=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["nickName", "city", "province", "country", "language", "avatarUrl", "gender", "openId"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
        ),
    )
)
def test_a_profile_holds_nothing_but_short_texts_and_a_gender(payload: dict[str, Any]) -> None:
    profile = profile_from_payload(payload)
    gender = profile.pop("gender", 1)
    assert type(gender) is int
    assert gender in (1, 2)
    assert all(type(text) is str and 0 < len(text) <= 512 for text in profile.values())


def test_true_is_no_gender() -> None:
    assert profile_from_payload({"gender": True}) == {}
    assert profile_from_payload({"gender": 1}) == {"gender": 1}


# --- unasked-for members --------------------------------------------------------------------------------------

EXTRA: dict[str, Any] = {
    "account_id": "000000000000000000000001",
    "_id": "000000000000000000000001",
    "user_id": "000000000000000000000001",
    "sub": "000000000000000000000001",
    "sid": "000000000000000000000001",
    "status": "banned",
    "ban": {"reason": "x", "by": "x", "at": 0, "until": None, "shown": True},
    "openid": "oSOMEBODY_ELSE",
    "openId": "oSOMEBODY_ELSE",
    "unionid": "oSOMEBODY_ELSE",
    "identities": [{"appid": APPID, "openid": "oSOMEBODY_ELSE"}],
    "session_key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "created_at": "1970-01-01T00:00:00Z",
    "last_seen_at": "1970-01-01T00:00:00Z",
    "sign_ins": 99,
    "profile": {"nickname": "x"},
    "nickname": "x",
    "nickName": "x",
    "gender": 2,
    "roles": ["admin"],
    "is_admin": True,
    "expires_in": 10**9,
    "ip": "203.0.113.9",
    "user_agent": "x",
    "$set": {"status": "banned"},
    "profile.nickname": "x",
    "__class__": "x",
}


@pytest.mark.parametrize("kind", ["json", "form"])
async def test_unasked_for_members_change_nothing(api: API, database: Any, kind: str) -> None:
    async def send(path: str, credentials: dict[str, str], *, extra: bool) -> Reply:
        fields = credentials | (EXTRA if extra else {})
        form = {name: str(value) for name, value in fields.items()}
        return await api.post(path, **({"json": fields} if kind == "json" else {"data": form}))

    # The same visit twice: bo's as it should be, lin's with everything that a user document could hold.
    shapes = {}
    for person, extra in (("bo", False), ("tao", True)):
        assert (
            await send("/accounts/wxapp", api.wx_login(person, profile={"nickName": "N"}), extra=extra)
        ).status == 201
        assert (
            await send("/oauth/token", api.wx_login(person, profile={"nickName": "N"}), extra=extra)
        ).status == 200
        user = database.users.find_one({"identities.openid": api.stand_in.people.openid(person)})
        session = database.sessions.find_one({"user_id": user["_id"]})
        assert user.pop("unionid") == api.stand_in.people.unionid(person)
        assert (user["status"], user["sign_ins"], len(user["identities"])) == ("active", 1, 1)
        assert session["ip"] == "127.0.0.1"
        shapes[person] = (user.keys(), session.keys(), user["profile"] | {"avatar_url": ""})
    assert shapes["bo"][:2] == shapes["tao"][:2]
    assert shapes["tao"][2] == {"nickname": "N", "avatar_url": ""}
    assert database.users.count_documents({}) == 2
