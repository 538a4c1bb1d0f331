"""What bad requests to the other routes write (R-058): sound lines, two at most, and nothing of what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import APP_SECRET, APPID, Clock
from tests.integration.helpers import configured
from tests.integration.pushes import deliver
from tests.security.conftest import SHOP, Tokens
from tests.security.raw_http import exchange
from tests.security.targets import targets
from tests.security.test_log_injection import UNSAFE, Lines
from tests.security.test_log_injection import lines as lines

MARK = "m4rk3d"
HOSTILE = [
    f"{MARK}\r\n{{}}",
    f"{MARK}\x1b[31m",
    f"{MARK}\u202e\u2028",
    f'{MARK}","level":"INFO","forged":"yes',
    f"{MARK}%s%n{{0}}${{jndi:ldap://127.0.0.1/a}}",
    f"{MARK}{'x' * 5_000}",
]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """An app that hears pushes, and a resource server."""
    agreed = stand_in.people.push_secrets
    push = {"token": agreed.token, "encoding_aes_key": agreed.encoding_aes_key}
    app: Any = {"appid": APPID, "secret": APP_SECRET, "push": push}
    servers = [{"id": SHOP.id, "secret": SHOP.secret}]
    return {**configured(stand_in, apps=[app]), "resource_servers": servers}


def assert_quiet(lines: Lines, *, before: int, most: int = 2) -> None:
    """So many lines at most, each one JSON object in plain ASCII, none an error, none with what was sent."""
    new = lines.raw[before:]
    assert 1 <= len(new) <= most
    assert sum(map(len, new)) < 2_000
    for line in new:
        assert not UNSAFE.search(line)
        assert {"forged", "told"}.isdisjoint(json.loads(line))
        assert json.loads(line)["level"] in ("INFO", "WARNING")
        assert MARK not in line


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: repr(text[6:20]))
async def test_a_bad_body_at_any_route_writes_little_and_nothing_of_itself(
    api: API, tokens: Tokens, lines: Lines, hostile: str
) -> None:
    for route in targets():
        if route.method == "HEAD" or not route.takes_a_body or route.operation.consumes:
            continue
        headers = bearer(tokens["access_token"]) if route.operation.caller == "bearer" else {}
        before = len(lines.raw)
        reply = await api.request(
            route.method, route.path, json=dict.fromkeys(route.fields, hostile), headers=headers
        )
        assert reply.status in (200, 400, 401, 403), route
        assert_quiet(lines, before=before)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: repr(text[6:20]))
async def test_a_bad_query_at_any_route_writes_little_and_nothing_of_itself(
    api: API, lines: Lines, hostile: str
) -> None:
    names = ("signature", "timestamp", "nonce", "echostr", "access_token", "lang")
    for route in targets():
        if route.method != "GET":
            continue
        before = len(lines.raw)
        await api.get(route.path, params=dict.fromkeys(names, hostile[:600]))
        assert_quiet(lines, before=before)


@pytest.mark.parametrize("body", [b"<xml>", b"{", b"\xff" * 1000, f'{{"Encrypt":"{MARK}"}}'.encode()])
async def test_a_push_that_is_none_of_wechats_writes_two_lines(api: API, lines: Lines, body: bytes) -> None:
    push = api.stand_in.people.push("mei", revoke_info="6")
    for query in (push.query, dict.fromkeys(push.query, MARK)):
        before = len(lines.raw)
        assert (await deliver(api, push, query=query, body=body)).error == "push_refused"
        assert_quiet(lines, before=before)


async def test_a_hostile_id_in_a_path_is_one_line_that_forges_nothing(api: API, lines: Lines) -> None:
    for start in (b"/accounts/me/sessions/", b"/avatars/", b"/wechat/events/"):
        for text in (
            b"%0d%0a%7b%22level%22%7d",
            b"\xe2\x80\xae\xe2\x80\xa8",
            b'","forged":"yes',
            b"a" * 9_000,
        ):
            before = len(lines.raw)
            await exchange(api, b"GET " + start + text + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert_quiet(lines, before=before, most=1)


async def test_a_replayed_refresh_token_writes_two_lines(
    api: API, tokens: Tokens, lines: Lines, clock: Clock
) -> None:
    await api.refresh(tokens["refresh_token"])
    clock.advance(minutes=1)
    before = len(lines.raw)
    await api.refresh(tokens["refresh_token"])
    assert_quiet(lines, before=before)
    assert tokens["refresh_token"] not in "".join(lines.raw)


async def test_a_thousand_bad_requests_write_a_line_each(api: API, lines: Lines) -> None:
    before = len(lines.raw)
    for _ in range(250):
        for path, body in (
            ("revoke", {}),
            ("introspect", {"token": MARK}),
            ("token", {"grant_type": "refresh_token"}),
        ):
            await api.post(f"/oauth/{path}", json=body)
        await api.me(MARK)
    new = lines.raw[before:]
    assert len(new) == 1_000
    assert sum(map(len, new)) / len(new) < 400
