"""NoSQL operator injection (R-012): mongod's own profiler shows that no operator of a user's ever reached a query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from passport.services import Services
from tests.client import API, Reply
from tests.security.hostile_bodies import FIELDS, FORM, JSON
from tests.security.operators import NAME_SUFFIXES, NAMES, TEXTS, VALUES
from tests.security.profiler import asked, filters, operators, profiling

Database = Any
# All other routes are in test_operator_routes.py.
POSTS = ("/oauth/token", "/accounts/wxapp")
STATUSES = {200, 201, 400, 401, 403}
# What our own code says to MongoDB.
OURS = {"$set", "$inc", "$setOnInsert", "$unset", "$or", "$lte", "$addToSet"}
# How a sign-in leaves alone what the user entered, and how a unionid is looked up.
OURS |= {"$cond", "$eq", "$type", "$literal", "$add", "$max"}
# How those who sign in at the same moment are read together, and the first activity of a day is told from another.
OURS |= {"$in", "$ifNull", "$toInt", "$concat", "$toString"}


@pytest.fixture
def profiled(services: Services, database: Database) -> Iterator[Database]:
    """The database with mongod writing down every operation."""
    with profiling(database):
        yield database


async def send_json(api: API, path: str, body: dict[str, Any]) -> Reply:
    return await api.post(path, data=json.dumps(body), headers={"Content-Type": JSON})


async def send_form(api: API, path: str, pairs: list[tuple[str, str]]) -> Reply:
    return await api.post(path, data=urlencode(pairs), headers={"Content-Type": FORM})


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(VALUES) + len(TEXTS) + len(NAME_SUFFIXES) >= 100


async def test_the_profiler_sees_the_operators_of_our_own_and_would_see_others(
    api: API, profiled: Database
) -> None:
    await api.signed_in("mei")
    assert operators(profiled) <= OURS
    assert {"$set", "$inc", "$in"} <= operators(profiled)
    assert {frozenset(found) for found in filters(profiled)} >= {frozenset({"identities"})}
    profiled.users.find_one({"identities.openid": {"$ne": None}})
    assert "$ne" in operators(profiled)


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("path", POSTS)
async def test_no_object_list_or_number_in_a_json_field_reaches_mongod(
    api: API, profiled: Database, path: str
) -> None:
    odd = {}
    for field in FIELDS:
        for value in VALUES:
            reply = await send_json(api, path, api.wx_login("mei") | {field: value})
            # rawData's and appid's type is refused like any other; /accounts/wxapp knows no grant_type.
            expected = {201, 200} if (path, field) == ("/accounts/wxapp", "grant_type") else {403}
            if reply.status not in expected:
                odd[field, str(value)] = reply
    assert odd == {}
    assert operators(profiled) <= OURS


@pytest.mark.parametrize("path", POSTS)
async def test_text_that_looks_like_an_operator_is_a_literal(api: API, profiled: Database, path: str) -> None:
    for field in FIELDS:
        for text in TEXTS:
            for reply in (
                await send_json(api, path, api.wx_login("mei") | {field: text}),
                await send_form(api, path, list((api.wx_login("mei") | {field: text}).items())),
            ):
                assert reply.status in STATUSES, (field, text)
    assert operators(profiled) <= OURS


@pytest.mark.parametrize("path", POSTS)
async def test_bracketed_and_dotted_names_are_other_names(api: API, profiled: Database, path: str) -> None:
    odd = {}
    for field in ("code", "encryptedData", "iv"):
        for suffix in NAME_SUFFIXES:
            credentials = api.wx_login("mei")
            value = credentials.pop(field)
            named = credentials | {field + suffix: value}
            for reply in (await send_form(api, path, list(named.items())), await send_json(api, path, named)):
                if (reply.status, reply.error) != (403, "invalid_request"):
                    odd[field + suffix] = reply
    assert odd == {}
    assert operators(profiled) <= OURS
    assert api.stand_in.calls.total == 0


async def test_operators_as_members_of_the_body_change_nothing(api: API, profiled: Database) -> None:
    extra = {name: {"$gt": ""} for name in NAMES[:50]}
    assert (await send_json(api, "/accounts/wxapp", api.wx_login("mei") | extra)).status == 201
    assert (await send_json(api, "/oauth/token", api.wx_login("mei") | extra)).status == 200
    assert operators(profiled) <= OURS


async def test_an_operator_where_a_token_should_be_reaches_no_query(api: API, profiled: Database) -> None:
    for value in (*TEXTS, *(json.dumps(value) for value in VALUES)):
        if value.isprintable():
            reply = await api.get("/accounts/me", headers={"Authorization": f"Bearer {value}"})
            assert reply.status == 401, value
    assert [found for found in asked(profiled) if found["ns"].endswith(".users")] == []


async def test_an_operator_in_the_query_string_or_the_path_reaches_no_query(
    api: API, profiled: Database
) -> None:
    for suffix in (
        "?id[$ne]=1",
        "?$where=sleep(5000)",
        "?access_token[$gt]=",
        "/$ne",
        "/%24where",
        "/{}",
    ):
        for path in ("/accounts/me", "/oauth/token", "/accounts/wxapp", "/healthz"):
            reply = await api.get(path + suffix)
            assert reply.status in {200, 401, 404, 405}
    assert operators(profiled) <= OURS
    assert [found for found in asked(profiled) if found["ns"].endswith((".users", ".sessions"))] == []
