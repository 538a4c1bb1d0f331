"""Hostile JSON and text for all other routes (R-038, R-039): refused, or stored exactly; no 5xx, and never by half."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passport.profiles import NICKNAME_LIMIT
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.effort import examples
from tests.security.conftest import Tokens, with_resource_servers
from tests.security.hostile_bodies import FORM, HOSTILE_FORMS, HOSTILE_JSON, JSON, odd_values
from tests.security.raw_http import answers, exchange
from tests.security.targets import Target, target
from tests.security.test_hostile_text import EXACT
from tests.security.test_operator_routes import GOOD, ROUTES, send, state

Database = Any
ME = target("PUT /accounts/me")
TEXTS = ("nickname", "language", "country", "province", "city")
over_http = settings(
    max_examples=examples(200), deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With resource servers, or nobody may introspect."""
    return with_resource_servers(stand_in)


async def post(api: API, route: Target, body: bytes, media_type: str, tokens: Tokens) -> Reply:
    """These very bytes."""
    headers = bearer(tokens["access_token"]) if route.operation.caller == "bearer" else {}
    return await api.request(
        route.method, route.path, data=body, headers={**headers, "Content-Type": media_type}
    )


# A form has no escapes that can be wrong, so these are a code that WeChat does not know.
A_CODE = (("DELETE /accounts/me", "POST /accounts/me/close"), {"bad percent", "semicolons"})


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("media_type", [JSON, FORM])
@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_no_hostile_body_is_accepted_or_breaks_anything(
    api: API, database: Database, tokens: Tokens, route: Target, media_type: str
) -> None:
    corpus = HOSTILE_JSON if media_type == JSON else HOSTILE_FORMS | HOSTILE_JSON
    before, wrong = state(database), {}
    for name, body in corpus.items():
        if str(route) in A_CODE[0] and name in A_CODE[1]:
            continue
        reply = await post(api, route, body, media_type, tokens)
        if reply.error != "invalid_request" and not (route == ME and reply.status == 200):
            wrong[name] = reply
    assert wrong == {}
    assert state(database) == before
    assert api.stand_in.calls.total == 1  # mei's own sign-in


async def test_hostile_json_is_no_correction(api: API, database: Database, tokens: Tokens) -> None:
    """Nothing is required of a correction, so what is accepted here is looked at more closely."""
    accepted = set()
    for name, body in HOSTILE_JSON.items():
        theirs = body.replace(b'"code"', b'"nickname"').replace(b"c\\u006fde", b"n\\u0069ckname")
        if (await post(api, ME, theirs, JSON, tokens)).status == 200:
            accepted.add(name)
    assert accepted == {"empty object", "__proto__"}
    assert "entered" not in database.users.find_one()


@pytest.mark.parametrize("route", ROUTES, ids=str)
async def test_an_odd_value_in_any_field_is_answered_in_the_one_shape(
    api: API, database: Database, tokens: Tokens, route: Target
) -> None:
    sessions = list(database.sessions.find())
    for field in route.fields:
        for name, value in odd_values().items():
            reply = await send(api, route, GOOD[str(route)] | {field: value}, tokens)
            assert reply.status in {200, 400, 401, 403}, (field, name, reply)
            if route == ME and reply.status == 200 and isinstance(value, str) and value:
                assert reply.json["profile"][field] == value, (field, name)
    assert list(database.sessions.find()) == sessions
    assert database.users.count_documents({"status": "active"}) == 1


# What the rules of a nickname allow, of the corpus of the payload.
NOT_A_NAME = ("newline", "escape", "full", "combining", "RTL override", "isolates")
SHORT = {name: text for name, text in EXACT.items() if name not in NOT_A_NAME}


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("name", SHORT)
async def test_what_the_user_enters_comes_back_exactly(
    api: API, database: Database, tokens: Tokens, field: str, name: str
) -> None:
    for as_form in (False, True):
        reply = await send(api, ME, {field: SHORT[name]}, tokens, as_form=as_form)
        assert (reply.status, reply.json["profile"][field]) == (200, SHORT[name])
    assert (await api.me(tokens["access_token"])).json["profile"][field] == SHORT[name]
    assert database.users.find_one()["entered"] == {field: SHORT[name]}
    exported = await api.get("/accounts/me/export", headers=bearer(tokens["access_token"]))
    assert exported.json["account"]["entered"] == {field: SHORT[name]}


REFUSED = {
    "RTL override": EXACT["RTL override"],
    "isolates": EXACT["isolates"],
    "NUL": "a\0b",
    "NUL first": "\0a",
    "NUL last": "a\0",
    "lone high surrogate": "a\ud800b",
    "lone low surrogate": "\udc00a",
    "pair the wrong way round": "a\udc00\ud800",
    "10,000 combining marks": "a" + "\u0301" * 10_000,
    "newline": "a\nb",
    "CRLF": "a\r\nSet-Cookie: x=1",
    "line separator": "a\u2028b",
    "next line": "a\x85b",
    "escape": "\x1b[31mred",
    "delete": "a\x7f",
    "C1": "a\x9bb",
    "only zero width": "\u200b\u200d\ufeff",
    "only bidi": "\u202e\u2066\u2069",
    "only marks": "\u0301\u0301",
    "only tags": "\U000e0067\U000e007f",
    "too long": "字" * (NICKNAME_LIMIT + 1),
    "huge int": 10**400,
    "2**63": 2**63,
    "float": 1e308,
    "list": ["x"],
}


@pytest.mark.parametrize("field", TEXTS)
async def test_what_is_no_text_is_refused_and_changes_nothing(
    api: API, database: Database, tokens: Tokens, field: str
) -> None:
    before = state(database)
    for name, value in REFUSED.items():
        reply = await send(api, ME, {field: value, "gender": 1}, tokens)
        assert (reply.status, reply.error) == (403, "invalid_request"), name
        assert reply.json["error_description"].startswith(f"{field} "), name
    assert state(database) == before


def test_any_text_is_stored_exactly_but_for_the_space_around_it_or_refused(
    api: API, io_loop: IOLoop, database: Database, tokens: Tokens
) -> None:
    @over_http
    @given(
        field=st.sampled_from(TEXTS),
        text=st.text(alphabet=st.characters(exclude_categories=()), max_size=NICKNAME_LIMIT + 4),
    )
    def enter(field: str, text: str) -> None:
        database.users.update_one({}, {"$unset": {"entered": ""}})
        reply = io_loop.run_sync(lambda: send(api, ME, {field: text}, tokens))
        stored = database.users.find_one().get("entered", {})
        if reply.status == 200:
            assert stored == {field: text.strip() or None}
        else:
            assert (reply.status, reply.error, stored) == (403, "invalid_request", {})

    enter()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def test_any_json_value_in_any_field_is_answered_in_the_one_shape(
    api: API, io_loop: IOLoop, database: Database, tokens: Tokens
) -> None:
    @over_http
    @given(data=st.data(), route=st.sampled_from(ROUTES))
    def ask(data: st.DataObject, route: Target) -> None:
        field = data.draw(st.sampled_from([*route.fields, "x"]))
        body = GOOD[str(route)] | {field: data.draw(json_values)}
        reply = io_loop.run_sync(lambda: send(api, route, body, tokens))
        assert reply.status in {200, 400, 401, 403}

    ask()
    assert database.sessions.count_documents({"ended_at": None}) == 1


IDS = [
    b"%00" * 8,
    b"0" * 24 + b"%0a",
    b"0" * 24 + b"%00",
    b"\xff" * 24,
    "０".encode() * 24,
    "\u202e".encode() + b"0" * 24,
    b"%ed%a0%80" * 8,
    b"%" + b"0" * 23,
    b"%zz",
    b"A" * 24,
    b"0" * 10_000,
    b"..%2f..%2fexport",
    b"-1",
    b"9" * 5_000,
    b"0" * 24 + b"/",
    b"0" * 24 + b"/..",
    b"0" * 24 + b";x",
    b"",
]


@pytest.mark.parametrize("text", IDS, ids=lambda text: repr(text[:20]))
async def test_a_hostile_session_id_is_no_session(
    api: API, database: Database, tokens: Tokens, text: bytes
) -> None:
    head = b"DELETE /accounts/me/sessions/" + text + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    token = f"Authorization: Bearer {tokens['access_token']}\r\n\r\n".encode()
    received = await exchange(api, head + token)
    assert answers(received) in ([404], [400])
    assert database.sessions.count_documents({"ended_at": None}) == 1


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_token_with_hostile_text_around_it_is_none(
    api: API, database: Database, tokens: Tokens, kind: str
) -> None:
    """A token has one spelling; whoever tolerates another compares something else than what was signed."""
    good = tokens[kind]
    others = [
        f"{good}\0",
        f"\0{good}",
        f" {good}",
        f"{good}\u200b",
        f"\ufeff{good}",
        f"{good}\u202e",
    ]
    others += [good.swapcase(), good.replace("_", "＿").replace("-", "－") + "\u0301", json.dumps(good)]
    for text in others:
        revoked = await send(api, target("POST /oauth/revoke"), {"token": text}, tokens)
        assert (revoked.status, revoked.json) == (200, {})
        body = GOOD["POST /oauth/introspect"] | {"token": text}
        assert (await send(api, target("POST /oauth/introspect"), body, tokens)).json == {"active": False}
        refreshed = await api.token({"grant_type": "refresh_token", "refresh_token": text})
        assert (refreshed.status, refreshed.error) == (400, "invalid_grant")
    assert database.sessions.count_documents({"ended_at": None}) == 1
