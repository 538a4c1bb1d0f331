"""What a request can write into the log (R-058): one line of JSON each, no forged line, no colour, no query string."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from passport.logs import configure_logging
from tests.client import API
from tests.security.raw_http import answers, exchange
from tests.security.raw_requests import AMBIGUOUS, get

SECRET = "s3cr3t-in-the-query"

# Hostile text for a path, percent-encoded or as raw bytes, as far as HTTP lets it through.
PATHS = [
    b"/%0d%0a%7b%22level%22:%22INFO%22,%22message%22:%22forged%22%7d",
    b"/%0aERROR+forged",
    b"/%1b[31mred%1b[0m",
    b"/%e2%80%ae%e2%80%a8",
    b"/\xe2\x80\xae\xe2\x80\xa8\xe2\x80\xa9",
    b"/\xc2\x85\xc2\x9b31m",
    b"/\xff\xfe",
    b'/","status":200,"message":"forged',
    b"/{{7*7}}${jndi:ldap://127.0.0.1/a}%s%n%(message)s{0}",
    b"/" + b"a" * 10_000,
    b"//\\..\\..",
    b"http://elsewhere.example/path",
    b"*",
]
AGENTS = [
    "Mozilla\u202eabc",
    "a\u2028b\u2029c",
    "\x1b[31mred",
    '","forged":"yes',
    "%s%n%(message)s{0}${jndi:ldap://127.0.0.1/a}",
    "x" * 9_000,
]
# A control, a bidirectional mark or a line separator: none may be in a line as itself.
UNSAFE = re.compile(r"[^\x20-\x7e]")


class Lines:
    """The log as the server would write it."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def raw(self) -> list[str]:
        """The lines so far."""
        return self._stream.getvalue().splitlines()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The request lines, parsed."""
        return [line for line in map(json.loads, self.raw) if line["logger"] == "wxpassport.access"]


@pytest.fixture
def lines(api: API) -> Iterator[Lines]:
    """The log of a server that was started as server.py starts it, after the api is up."""
    root, general = logging.getLogger(), logging.getLogger("tornado.general")
    handlers, level, general_level = list(root.handlers), root.level, general.level
    stream = io.StringIO()
    configure_logging(stream)
    root.handlers.extend(handlers)
    yield Lines(stream)
    root.handlers[:] = handlers
    root.setLevel(level)
    general.setLevel(general_level)


def assert_sound(lines: Lines, *, requests: int) -> None:
    """Every line is one JSON object in plain ASCII, and each request has exactly one."""
    for line in lines.raw:
        assert isinstance(json.loads(line), dict)
        assert not UNSAFE.search(line)
    assert len(lines.requests) == requests
    assert len({line["request_id"] for line in lines.requests}) == requests
    assert all(
        line["message"] == "request" and line["level"] in ("INFO", "WARNING") for line in lines.requests
    )


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_cannot_forge_a_line(api: API, lines: Lines, path: bytes) -> None:
    received = await exchange(api, get(b"Host: a", b"Connection: close", target=path))
    served = answers(received) == [404]
    assert served or answers(received) == [400]
    assert_sound(lines, requests=int(served))
    assert all(len(line) < 2_000 for line in lines.raw)


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_header_cannot_forge_a_line(api: API, lines: Lines, agent: str) -> None:
    raw = agent.encode("utf-8")
    head = [b"Host: a", b"Connection: close"]
    names = (b"User-Agent", b"X-Forwarded-For", b"Referer", b"Accept-Language", b"Cookie", b"X-Request-Id")
    received = [await exchange(api, get(*head, name + b": " + raw)) for name in names]
    served = [each for each in received if answers(each) == [200]]
    assert_sound(lines, requests=len(served))
    assert "forged" not in {name for line in lines.requests for name in line}


async def test_a_field_cannot_forge_a_line_and_is_not_logged_at_all(api: API, lines: Lines) -> None:
    for field in ("code", "encryptedData", "iv", "rawData", "appid", "grant_type"):
        for text in ("\r\nforged", "\x1b[31m", "\u202e", '","forged":"yes'):
            await api.token(api.wx_login("mei") | {field: f"m4rk{text}"})
    assert_sound(lines, requests=24)
    assert not [line for line in lines.raw if "m4rk" in line or "forged" in line]


async def test_the_user_agent_is_stored_without_controls_and_in_bounds(api: API, database: Any) -> None:
    await api.registered("mei")
    for agent in ("a\tb", "\u0085\u009b31m", "x" * 5_000):
        headers = {"User-Agent": agent.encode("utf-8").decode("latin1")}
        assert (await api.token(api.wx_login("mei"), headers=headers)).status == 200
    for session in database.sessions.find():
        assert session["user_agent"].isprintable()
        assert len(session["user_agent"]) <= 256


@pytest.mark.parametrize(
    "path", ["/healthz", "/nowhere", "/oauth/token", "/accounts/me", "/.well-known/jwks.json", "/readyz"]
)
async def test_the_path_is_logged_without_its_query(api: API, lines: Lines, path: str) -> None:
    last = get(
        b"Host: a", b"Connection: close", target=f"{path}?access_token={SECRET}&code={SECRET}".encode()
    )
    await exchange(api, last)
    assert [line["path"] for line in lines.requests] == [path]
    assert SECRET not in "".join(lines.raw)


@pytest.mark.expects_log("uncaught")
async def test_an_exception_is_logged_without_the_query_and_as_one_line(
    api: API, lines: Lines, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("two\nlines\x1b[31m\u202e")

    monkeypatch.setattr(services.keys, "jwks", fail)
    await exchange(
        api, get(b"Host: a", b"Connection: close", target=f"/.well-known/jwks.json?token={SECRET}".encode())
    )
    assert_sound(lines, requests=1)
    assert len(lines.raw) == 2
    assert SECRET not in "".join(lines.raw)
    uncaught, request = map(json.loads, lines.raw)
    assert "Traceback" in uncaught["exc_info"]
    assert uncaught["request_id"] == request["request_id"]


async def test_a_token_in_a_broken_header_is_not_quoted(api: API, lines: Lines) -> None:
    for header in (f"Authorization: Bearer {SECRET}\x01", f"Authorization\x01: {SECRET}", f"{SECRET}\x02: x"):
        received = await exchange(api, get(b"Host: a", header.encode()))
        assert answers(received) == [400]
    await exchange(api, get(f"Host: {SECRET}/".encode()))
    await exchange(api, get(b"Host: a", target=b"/healthz?" + SECRET.encode() + b"&a" * 1_001))
    assert SECRET not in "".join(lines.raw)


async def test_no_bad_request_writes_more_than_two_lines(api: API, lines: Lines) -> None:
    for name, request in AMBIGUOUS.items():
        before = len(lines.raw)
        await exchange(api, request)
        new = lines.raw[before:]
        assert len(new) <= 2, name
        assert sum(map(len, new)) < 2_000
        assert not [line for line in new if json.loads(line)["level"] == "ERROR"]
