"""Operators in every field, path and query of all other routes (R-012): mongod sees ours alone, in their places."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.effort import sample
from tests.pictures import form, plain
from tests.security.conftest import SHOP, Tokens, with_resource_servers
from tests.security.hostile_bodies import FORM, JSON
from tests.security.operators import NAME_SUFFIXES, NAMES, TEXTS, VALUES
from tests.security.profiler import collections, places
from tests.security.targets import NOTHING, Target, targets, with_a_body
from tests.security.test_operator_injection import POSTS

Database = Any
ROUTES = [each for each in with_a_body() if each.template not in POSTS]
# A good body of each route, so that one field alone is wrong. The same route may have several.
GOOD: dict[str, dict[str, str]] = {
    "POST /oauth/revoke": {"token": "x"},
    "POST /oauth/introspect": {"token": "x", "client_id": SHOP.id, "client_secret": SHOP.secret},
    "PUT /accounts/me": {},
    "DELETE /accounts/me": {"code": "c"},
    "POST /accounts/me/close": {"code": "c"},
    "POST /accounts/me/phone": {"phone_code": "c"},
}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "x"}
# No JSON object and no form; each has a test below, or one of its own in test_push_forgery.py.
OTHERS = {"POST /accounts/me/avatar", "POST /wechat/events/{appid}"}
# Where our own code says an operator to MongoDB; a user's would stand somewhere else.
OURS = {
    "pending_logins query.$or",
    "pending_logins query.$or.busy_until.$lte",
    "pending_logins query.$or.retry_at.$lte",
    "pending_logins update.$set",
    "pending_logins update.$setOnInsert",
    "pending_logins u.$set",
    "pending_logins u.$unset",
    "users update.$set",
    "users update.$unset",
    "users u.$set",
    "users u.$inc",
    "users u.$unset",
    "users q.session_epoch.$in",
    "users filter._id.$in",
    "sessions filter._id.$in",
    "sessions q._id.$ne",
    "sessions filter.$or",
    "sessions filter.ends_at.$gt",
    "sessions filter.refresh.expires_at.$gt",
    "sessions u.$set",
    "wechat_access_tokens query.$or",
    "wechat_access_tokens query.$or.busy_until.$lte",
    "wechat_access_tokens query.digest.$exists",
    "wechat_access_tokens update.$set",
    "wechat_access_tokens u.$set",
    "wechat_access_tokens u.$unset",
}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With resource servers, or the secret of one would be compared with nothing."""
    return with_resource_servers(stand_in)


def state(database: Database) -> list[Any]:
    """All that an attacker could have changed."""
    return [list(database[name].find().sort("_id")) for name in ("users", "sessions", "avatars")]


async def send(
    api: API, route: Target, body: Any, tokens: Tokens, *, as_form: bool = False, query: str = ""
) -> Reply:
    """The body, as JSON or as a form, with mei's token where one is wanted."""
    headers = bearer(tokens["access_token"]) if route.operation.caller == "bearer" else {}
    data = urlencode(body) if as_form else json.dumps(body)
    return await api.request(
        route.method,
        route.path + query,
        data=data,
        headers={**headers, "Content-Type": FORM if as_form else JSON},
    )


def test_every_route_that_takes_a_body_is_in_the_corpus() -> None:
    assert {str(each) for each in ROUTES} == GOOD.keys()
    covered = {*GOOD, *OTHERS, *(f"POST {path}" for path in POSTS)}
    assert {str(each) for each in targets() if each.takes_a_body} == covered


async def test_the_profiler_sees_our_operators_in_their_places_and_would_see_others(
    api: API, tokens: Tokens, profiled: Database
) -> None:
    headers = bearer(tokens["access_token"])
    assert (await api.put("/accounts/me", json={"nickname": None}, headers=headers)).status == 200
    code = api.stand_in.people.phone_code("mei")
    assert (await api.post("/accounts/me/phone", json={"phone_code": code}, headers=headers)).status == 200
    assert (await api.get("/accounts/me/sessions", headers=headers)).status == 200
    assert (await api.delete("/accounts/me/sessions", headers=headers)).status == 204
    assert places(profiled) <= OURS
    assert {"sessions q._id.$ne", "users update.$unset"} <= places(profiled)
    profiled.users.find_one({"phone.number": {"$ne": None}})
    assert "users filter.phone.number.$ne" in places(profiled) - OURS


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_no_object_list_or_number_in_a_json_field_reaches_mongod(
    api: API, tokens: Tokens, profiled: Database, route: Target
) -> None:
    before, odd, sent = state(profiled), {}, 0
    for field in route.fields:
        for value in sample(VALUES):
            if (field, value) == ("gender", 1) and value is not True:
                continue  # as WeChat counts: a man
            reply = await send(api, route, GOOD[str(route)] | {field: value}, tokens)
            sent += 1
            expected = 400 if route.template.startswith("/oauth/") else 403
            if (reply.status, reply.error) != (expected, "invalid_request"):
                odd[field, str(value)] = reply
    assert odd == {}
    assert sent >= (len(sample(VALUES)) - 1) * len(route.fields)
    assert places(profiled) <= OURS
    assert state(profiled) == before
    assert api.stand_in.calls.total == 1  # mei's own sign-in


async def test_no_value_in_a_refresh_reaches_mongod(api: API, tokens: Tokens, profiled: Database) -> None:
    before = state(profiled)
    for value in sample(VALUES):
        reply = await api.token(REFRESH | {"refresh_token": value})
        assert (reply.status, reply.error) == (400, "invalid_request"), value
    for text in sample(TEXTS):
        for options in (
            {"json": REFRESH | {"refresh_token": text}},
            {"data": REFRESH | {"refresh_token": text}},
        ):
            reply = await api.post("/oauth/token", **options)
            assert (reply.status, reply.error) == (400, "invalid_grant"), text
    assert places(profiled) <= OURS
    assert "sessions" not in collections(profiled)
    assert state(profiled) == before


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_text_that_looks_like_an_operator_is_a_literal(
    api: API, tokens: Tokens, profiled: Database, route: Target
) -> None:
    for field in route.fields:
        for text in sample(TEXTS):
            for as_form in (False, True):
                reply = await send(api, route, GOOD[str(route)] | {field: text}, tokens, as_form=as_form)
                assert reply.status in {200, 400, 401, 403}, (field, text)
                if str(route) == "PUT /accounts/me" and reply.status == 200:
                    assert reply.json["profile"][field] == text
    assert places(profiled) <= OURS


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_bracketed_and_dotted_names_are_other_names(
    api: API, tokens: Tokens, profiled: Database, route: Target
) -> None:
    before = state(profiled)
    required = "token" if "token" in route.fields else next(iter(GOOD[str(route)]), "nickname")
    for suffix in NAME_SUFFIXES:
        body = GOOD[str(route)] | {required + suffix: "x", "$set": "x", "_id": "x"}
        body.pop(required, None)
        for as_form in (False, True):
            reply = await send(api, route, body, tokens, as_form=as_form)
            # Nothing is required of a correction, so without a name that it knows it corrects nothing.
            assert reply.status == 200 if route.method == "PUT" else reply.error == "invalid_request", suffix
    assert places(profiled) <= OURS
    assert state(profiled) == before


async def test_operators_as_members_of_a_body_change_nothing(
    api: API, tokens: Tokens, profiled: Database
) -> None:
    before = state(profiled)
    for members in (NAMES[:50], [f"entered.{name}" for name in NAMES[:50]]):
        extra = {name: {"$gt": ""} for name in members}
        for route in ROUTES:
            if str(route) in ("PUT /accounts/me", "POST /oauth/revoke", "POST /oauth/introspect"):
                assert (await send(api, route, GOOD[str(route)] | extra, tokens)).status == 200
    assert places(profiled) <= OURS
    assert state(profiled) == before


@pytest.mark.parametrize("name", ["$set", "file[$ne]", "a.b", '{"$ne":1}', "_id"])
async def test_an_upload_with_operators_for_names_is_a_picture_and_nothing_else(
    api: API, tokens: Tokens, profiled: Database, name: str
) -> None:
    data = form(plain(size=(20, 20)), name=name, filename='{"$ne":null}', kind="$where")
    data.add_field("user_id", '{"$ne":null}')
    data.add_field("$set", '{"status":"banned"}')
    reply = await api.post("/accounts/me/avatar", data=data, headers=bearer(tokens["access_token"]))
    assert reply.status == 200
    assert places(profiled) <= OURS
    (kept,) = profiled.avatars.find()
    assert kept.keys() == {"_id", "user_id", "content", "media_type", "created_at"}
    assert kept["media_type"] == "image/jpeg"
    assert str(kept["user_id"]) == tokens["account_id"]


IN_A_PATH = [
    "$ne",
    "{}",
    '{"$ne":null}',
    "[$ne]",
    "null",
    "0" * 23,
    "0" * 25,
    "G" * 24,
    "A" * 23,
    ".*",
    "0" * 24 + "\0",
    "０" * 24,
    "0" * 24 + "\n",
    "%24ne",
]


async def test_an_operator_in_a_path_is_no_id(api: API, tokens: Tokens, profiled: Database) -> None:
    before, templates = state(profiled), set()
    for route in targets():
        for parameter in route.parameters if route.method != "HEAD" else ():
            templates.add(parameter)
            for text in IN_A_PATH:
                path = route.with_ids(**{parameter: quote(text, safe="")})
                reply = await api.request(route.method, path, headers=bearer(tokens["access_token"]))
                assert (reply.status, reply.error) == (404, "not_found"), path
    assert templates == NOTHING.keys()
    assert places(profiled) <= OURS
    assert collections(profiled) & {"users", "sessions", "avatars"} == set()
    assert state(profiled) == before


QUERIES = [
    "?id[$ne]=1&_id[$gt]=",
    "?$where=sleep(5000)&user_id[$ne]=1&account_id[$regex]=.*",
    "?signature[$ne]=1&timestamp[$gt]=&nonce[$regex]=.*&echostr[$where]=1",
    "?signature=%7B%22%24ne%22%3A1%7D&timestamp=%7B%22%24gt%22%3A0%7D&nonce=$ne&echostr=$where",
    "?lang[$ne]=zh&lang=%24ne",
    "?access_token[$gt]=",
]


async def test_an_operator_in_a_query_is_not_looked_at(api: API, tokens: Tokens, profiled: Database) -> None:
    gets = [each for each in targets() if each.method == "GET"]
    for route in gets:
        plain_answer = (await api.get(route.path, headers=bearer(tokens["access_token"]))).status
        for query in QUERIES:
            reply = await api.get(route.path + query, headers=bearer(tokens["access_token"]))
            assert reply.status == plain_answer, (route, query)
    assert len(gets) >= 10
    assert places(profiled) <= OURS
