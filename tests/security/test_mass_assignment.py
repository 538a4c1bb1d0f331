"""Unasked-for members everywhere (R-065): each name that anything here is known by, to each route that reads a body.

Each name carries a mark. Afterwards the mark is in no document and in no answer, and nothing else has changed either.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import bson
import pytest

from passport import models
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import APPID
from tests.pictures import form, plain
from tests.security.conftest import Tokens, with_resource_servers
from tests.security.hostile_bodies import FORM, JSON
from tests.security.targets import Target, target, targets, with_a_body
from tests.security.test_hostile_text import EXTRA
from tests.security.test_operator_routes import GOOD

Database = Any
MARK = "m4rk3d"
# The most members that a body may have, less those of a good one.
AT_ONCE = 50
PREFIXES = ("", "profile.", "entered.", "$set.", "user.", "account.")


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With resource servers, or introspection has nobody to answer."""
    return with_resource_servers(stand_in)


def known_names() -> list[str]:
    """Of members of our models, of bodies and of answers; alone, and as a path into a document."""
    kept = [each for each in vars(models).values() if dataclasses.is_dataclass(each)]
    names = {field.name for model in kept for field in dataclasses.fields(model)}
    for each in targets():
        shown = [answer for answer in each.operation.answers.values() if answer]
        for model in (*each.operation.bodies, *shown):
            names |= {field.alias or name for name, field in model.model_fields.items()}
    names |= EXTRA.keys() | {"scope", "session_epoch", "spared_session", "digest", "_id", "id"}
    return [f"{prefix}{name}" for prefix in PREFIXES for name in sorted(names)]


def batches(route: Target) -> Iterator[dict[str, Any]]:
    """Bodies that hold all names but those that the route asks for."""
    names = [name for name in known_names() if name not in route.fields]
    for start in range(0, len(names), AT_ONCE):
        yield {name: f"{MARK} {name}" for name in names[start : start + AT_ONCE]}
    typed = {name: value for name, value in EXTRA.items() if name not in route.fields}
    yield typed | {"status": "closing", "session_epoch": 10**6, "spared_session": "0" * 24, "sign_ins": -1}


def body_of(route: Target, api: API, tokens: Tokens) -> dict[str, str]:
    """A good body, made anew: a code works once."""
    if route.template in ("/oauth/token", "/accounts/wxapp"):
        return {**api.wx_login("bo"), "appid": APPID}
    if route.template == "/accounts/me/phone":
        return {"phone_code": api.stand_in.people.phone_code("mei")}
    if str(route) == "PUT /accounts/me":
        return {"city": "广州"}
    return GOOD[str(route)]


async def send(
    api: API, route: Target, body: dict[str, Any], tokens: Tokens, media_type: str, query: str = ""
) -> Reply:
    headers = bearer(tokens["access_token"]) if route.operation.caller == "bearer" else {}
    as_form = {name: each if isinstance(each, str) else json.dumps(each) for name, each in body.items()}
    data = json.dumps(body) if media_type == JSON else urlencode(as_form)
    return await api.request(
        route.method, route.path + query, data=data, headers={**headers, "Content-Type": media_type}
    )


def shape(document: Any) -> Any:
    """Its members' names, however deep; with what the values are of."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items()}
    return [shape(each) for each in document[:1]] if isinstance(document, list) else type(document)


def marked(database: Database) -> list[str]:
    """The collections whose documents hold a mark in a name or a value."""
    return [
        name
        for name in database.list_collection_names()
        if any(MARK.encode() in bson.encode(each) for each in database[name].find())
    ]


def test_there_are_as_many_names_as_there_should_be() -> None:
    assert len(known_names()) >= 400
    assert {"status", "openid", "session_epoch", "code_digest", "entered.nickname"} <= set(known_names())


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("media_type", [JSON, FORM])
@pytest.mark.parametrize("route", with_a_body(), ids=str)
async def test_no_unasked_for_member_is_stored_or_shown(
    api: API, database: Database, tokens: Tokens, route: Target, media_type: str
) -> None:
    visit = {**api.wx_login("bo"), "appid": APPID}
    assert (await api.register(visit)).status == 201
    assert (await api.token(visit)).status == 200
    # The same request without anything unasked-for is what all others are compared with.
    control = await send(api, route, body_of(route, api, tokens), tokens, media_type)
    expected = [shape(each) for each in database.users.find().sort("_id")]
    session = shape(database.sessions.find_one())
    sent = 0
    for extra in batches(route):
        body = body_of(route, api, tokens)
        reply = await send(api, route, {**extra, **body}, tokens, media_type)
        assert (reply.status, reply.error) == (control.status, control.error)
        assert shape(reply.json) == shape(control.json)
        assert MARK not in str(reply.json)
        sent += len(extra)
    assert sent >= 400
    assert marked(database) == []
    assert [shape(each) for each in database.users.find().sort("_id")] == expected
    for user in database.users.find():
        assert (user["status"], len(user["identities"])) == ("active", 1)
        assert user.get("session_epoch", 0) == 0
        assert user["sign_ins"] >= 1
    assert all(shape(each) == session for each in database.sessions.find({"ended_at": None}))
    assert database.users.count_documents({}) == 2


async def test_the_search_finds_what_is_stored(api: API, database: Database, tokens: Tokens) -> None:
    """Where a member is asked for, its mark is stored and shown: the search is not blind."""
    reply = await send(api, target("PUT /accounts/me"), {"city": MARK}, tokens, JSON)
    assert MARK in str(reply.json)
    assert marked(database) == ["users"]
    assert shape({"a": [1], "b": {"c": ""}}) == {"a": [int], "b": {"c": str}}


async def test_fields_beside_an_upload_are_not_stored(api: API, database: Database, tokens: Tokens) -> None:
    before, names = shape(database.users.find_one()), known_names()
    for start in range(0, len(names), 8):
        data = form(plain(size=(20, 20)))
        for name in names[start : start + 8]:
            data.add_field(name, f"{MARK} {name}")
        if start > 80:
            break  # each is a picture to decode
        reply = await api.post("/accounts/me/avatar", data=data, headers=bearer(tokens["access_token"]))
        assert reply.status == 200
    assert marked(database) == []
    assert shape(database.users.find_one()) == before | {"avatar": str}
    assert database.avatars.find_one().keys() == {"_id", "user_id", "content", "media_type", "created_at"}


async def test_members_of_a_query_are_not_looked_at(api: API, database: Database, tokens: Tokens) -> None:
    query = "?" + urlencode({name: f"{MARK} {name}" for name in known_names()[:80]})
    for route in with_a_body():
        reply = await send(api, route, body_of(route, api, tokens), tokens, JSON, query)
        assert MARK not in str(reply.json)
    for path in ("/accounts/me", "/accounts/me/sessions", "/accounts/me/export"):
        reply = await api.get(path + query, headers=bearer(tokens["access_token"]))
        assert reply.status == 200
        assert MARK not in str(reply.json)
    assert marked(database) == []
