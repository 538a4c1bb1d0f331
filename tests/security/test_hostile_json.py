"""Hostile JSON and forms (R-038), bodies without end (R-034), and errors that say nothing of the inside (R-066)."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from handlers.base import PATIENCE
from handlers.bodies import parse_form, parse_json
from passport.errors import InvalidRequest
from passport.services import Services
from tests.client import API
from tests.security.hostile_bodies import FORM, HOSTILE_FORMS, HOSTILE_JSON, JSON
from tests.security.raw_http import exchange

ROUTES = ("/oauth/token", "/accounts/wxapp")
KNOWN_REFUSALS = {"invalid_request", "unsupported_media_type", "payload_too_large"}


def nothing_stored(database: Any) -> bool:
    """No request so far has left a trace."""
    names = ("users", "sessions", "pending_logins")
    return sum(database[name].count_documents({}) for name in names) == 0


@pytest.mark.parametrize("path", ROUTES)
async def test_no_hostile_json_is_accepted_or_breaks_anything(api: API, database: Any, path: str) -> None:
    wrong = {}
    for name, body in HOSTILE_JSON.items():
        reply = await api.post(path, data=body, headers={"Content-Type": JSON})
        if (reply.status, reply.error) != (403, "invalid_request"):
            wrong[name] = reply
    assert wrong == {}
    assert nothing_stored(database)
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize("path", ROUTES)
async def test_no_hostile_form_is_accepted_or_breaks_anything(api: API, database: Any, path: str) -> None:
    wrong = {}
    for name, body in (HOSTILE_FORMS | HOSTILE_JSON).items():
        reply = await api.post(path, data=body, headers={"Content-Type": FORM})
        if (reply.status, reply.error) != (403, "invalid_request"):
            wrong[name] = reply
    assert wrong == {}
    assert nothing_stored(database)
    assert api.stand_in.calls.total == 0


MEDIA_TYPES = [
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/json; charset=gbk",
    "application/json; charset*=utf-16''x",
    "application/json; charset*0*=a; charset*1=b",
    "application/json; charset=",
    "application/json; charset=\xff",
    "application/x-www-form-urlencoded; charset=shift_jis",
    "application/jsonp",
    "json",
    "",
    ";",
    "/",
    "application/json, text/html",
    "application/json;" + "a=b;" * 500,
    "application/json; a*9999999999999999999999=b",
    "=?utf-8?q?application/json?=",
]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_an_odd_media_type_is_refused_or_read_as_utf8(api: API, media_type: str) -> None:
    reply = await api.post("/oauth/token", data=b"code=a", headers={"Content-Type": media_type})
    assert reply.status in (403, 415)
    assert reply.error in KNOWN_REFUSALS


@settings(max_examples=2_000, deadline=None, database=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_parse_to_an_object_or_to_the_one_refusal(body: bytes) -> None:
    for parse in (parse_json, parse_form):
        with suppress(InvalidRequest):
            assert isinstance(parse(body), dict)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(names=st.data())
def test_any_json_value_in_any_field_is_answered_in_the_one_shape(
    api: API, io_loop: IOLoop, database: Any, names: st.DataObject
) -> None:
    field = names.draw(
        st.sampled_from(["code", "encryptedData", "iv", "rawData", "appid", "grant_type", "x"])
    )
    body = {"encryptedData": "A" * 22, "iv": "A" * 22, field: names.draw(values)}
    path = names.draw(st.sampled_from(ROUTES))
    reply = io_loop.run_sync(lambda: api.post(path, data=json.dumps(body), headers={"Content-Type": JSON}))
    assert reply.status in (400, 403)
    assert database.users.count_documents({}) == 0


# --- bodies without end ---------------------------------------------------------------------------------------


async def test_a_chunked_body_over_the_limit_is_refused_in_words_and_cut_off(api: API) -> None:
    head = b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    answer = await exchange(api, head + chunk * (PATIENCE // 0x4000 + 1), until=b'"request_id"')
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"payload_too_large"' in answer


async def test_a_chunked_body_just_over_the_limit_is_read_and_refused(api: API) -> None:
    async def body() -> Any:
        for _ in range(5):
            yield b" " * 16 * 1024

    reply = await api.post("/oauth/token", data=body(), headers={"Content-Type": JSON})
    assert (reply.status, reply.error) == (413, "payload_too_large")


async def test_a_body_that_never_ends_is_read_no_further_than_our_patience(api: API) -> None:
    host, port = api.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0
    try:
        while sent < 64 * PATIENCE:
            writer.write(b"4000\r\n" + b"a" * 0x4000 + b"\r\n")
            sent += 0x4000
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()
    # What the kernel buffers on both sides comes on top of what we read.
    assert sent < 64 * PATIENCE


async def test_a_gzip_bomb_is_not_unpacked(api: API) -> None:
    bomb = gzip.compress(b" " * 10 * 2**20)
    reply = await api.post(
        "/oauth/token", data=bomb, headers={"Content-Type": JSON, "Content-Encoding": "gzip"}
    )
    assert (reply.status, reply.error) == (403, "invalid_request")


# --- what an error says ---------------------------------------------------------------------------------------

_INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|tornado|python|mongo|motor|pydantic|Error:|boom", re.IGNORECASE
)


@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize("path", ROUTES)
async def test_an_exception_of_ours_shows_no_stack_and_no_banner(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def boom(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom at /srv/secret-path")

    monkeypatch.setattr(services.login, "_choose", boom)
    reply = await api.post(path, json=api.wx_login("mei"))
    assert (reply.status, reply.error) == (500, "server_error")
    assert _INSIDE.search(json.dumps(reply.json) + json.dumps(dict(reply.headers))) is None
    monkeypatch.undo()
    assert (await api.register(api.wx_login("mei"))).status == 201


@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize(("path", "service", "method"), [("/.well-known/jwks.json", "keys", "jwks")])
async def test_an_exception_in_a_public_page_shows_no_stack_either(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch, path: str, service: str, method: str
) -> None:
    def boom(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(type(getattr(services, service)), method, boom)
    reply = await api.get(path)
    assert (reply.status, reply.error) == (500, "server_error")
    assert _INSIDE.search(json.dumps(reply.json) + json.dumps(dict(reply.headers))) is None


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.env", "/config.yaml", "/..%2fconfig.yaml", "/static/", "/adminx"]
)
async def test_what_is_no_route_is_simply_not_there(api: API, path: str) -> None:
    reply = await api.get(path)
    assert (reply.status, reply.error) == (404, "not_found")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PATCH", "PROPFIND", "FOO", "OPTIONS"])
async def test_a_method_that_is_not_served_gets_405_and_echoes_nothing(api: API, method: str) -> None:
    request = f"{method} /oauth/token HTTP/1.1\r\nHost: a\r\nX-Canary: c4n4ry\r\nConnection: close\r\n\r\n"
    answer = await exchange(api, request.encode())
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: POST\r\n" in answer
    assert b"c4n4ry" not in answer
