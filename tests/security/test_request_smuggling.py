"""Ambiguous requests (R-037) and floods of headers (R-035) on a raw socket: refused once, the connection closed."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from passport.services import Services
from tests.client import API
from tests.security.raw_http import answers, exchange
from tests.security.raw_requests import AMBIGUOUS, KNOWN, SMUGGLED, get, post

# Refused by Tornado (400, 413) or by us; nothing of it is ever served.
REFUSALS = {400, 403, 404, 405, 413, 415}


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(AMBIGUOUS) >= 40


async def test_an_ambiguous_request_is_refused_once_and_the_connection_closed(api: API) -> None:
    told = {name: answers(await exchange(api, request)) for name, request in AMBIGUOUS.items()}
    assert {name: statuses for name, statuses in told.items() if len(statuses) > 1} == {}
    assert {name: statuses for name, statuses in told.items() if not set(statuses) <= REFUSALS} == {}
    assert (await api.get("/healthz")).status == 200


@pytest.mark.parametrize("name", KNOWN)
async def test_what_tornado_still_reads_gets_one_answer(api: API, name: str) -> None:
    assert len(answers(await exchange(api, KNOWN[name]))) == 1


async def test_two_whole_requests_in_one_write_get_two_answers_so_that_one_means_something(api: API) -> None:
    last = get(b"Host: a", b"Connection: close")
    assert answers(await exchange(api, SMUGGLED + last)) == [200, 200]
    whole = post(b"Content-Type: application/json", b"Content-Length: 2", body=b"{}")
    assert answers(await exchange(api, whole + last)) == [403, 200]


@pytest.mark.parametrize("path", [b"/nowhere", b"/healthz", b"/oauth/token"])
@pytest.mark.parametrize("length", [b"x", b"99999999", b"\xb2", b"9" * 5_000])
async def test_a_refusal_of_ours_is_not_followed_by_one_of_tornados(
    api: API, path: bytes, length: bytes
) -> None:
    """Where we refuse before the length is read, Tornado finds the length wrong afterwards."""
    statuses = answers(await exchange(api, post(b"Content-Length: " + length, path=path, body=SMUGGLED)))
    assert len(statuses) <= 1
    assert set(statuses) <= REFUSALS


async def test_what_follows_a_refused_body_is_not_taken_for_a_request(api: API) -> None:
    """The answer comes before the body is read, so the rest of it must not be parsed."""
    request = post(b"Content-Length: 200000", path=b"/oauth/token", body=SMUGGLED * 3)
    assert answers(await exchange(api, request)) in ([413], [])


async def test_a_smuggled_request_is_not_in_the_log(api: API, log_records: list[logging.LogRecord]) -> None:
    for request in AMBIGUOUS.values():
        await exchange(api, request)
    served = [record for record in log_records if record.name == "wxpassport.access"]
    assert [record.__dict__["path"] for record in served if record.__dict__["status"] < 400] == []


FLOODS = {
    "10,000 headers": [b"X-%d: y" % number for number in range(10_000)],
    "10,000 times the same": [b"X: y"] * 10_000,
    "as many as fit": [b"X: y"] * 2_500,
    "different and as many as fit": [b"X-%d: y" % number for number in range(1_300)],
    "cookies as many as fit": [b"Cookie: " + b"; ".join(b"c%d=v" % number for number in range(1_500))],
    "one long list": [b"X-Forwarded-For: " + b",".join([b"1.1.1.1"] * 1_800)],
    "languages": [b"Accept-Language: " + b",".join([b"en;q=0.5"] * 1_600)],
    "parameters": [b"Content-Type: application/json" + b';a="\\' * 2_500],
    "escapes": [b"Content-Type: application/json; charset=" + b'"\\' * 7_000],
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_of_headers_holds_nobody_else_up(api: API, name: str) -> None:
    flood = post(b"Connection: close", b"Content-Length: 0", *FLOODS[name])
    started = time.monotonic()
    received = await asyncio.gather(*(exchange(api, flood) for _ in range(10)), api.get("/healthz"))
    # Ten of them and an honest one; generous, since the bar (50 ms each) is a benchmark's to measure.
    assert time.monotonic() - started < 5
    assert received[-1].status == 200
    for answer in received[:-1]:
        assert answers(answer) in ([], [400], [403], [415])


async def test_a_head_without_end_is_cut_off_at_the_limit(api: API) -> None:
    received = await exchange(api, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000)
    assert answers(received) in ([], [400])


@pytest.mark.parametrize(
    "request_bytes",
    [get(b"Host: a", target=b"/nowhere"), post(b"Content-Length: 3", path=b"/nowhere", body=b"abc")],
    ids=["GET", "POST"],
)
async def test_a_path_that_is_not_there_leaves_the_connection_open(api: API, request_bytes: bytes) -> None:
    """Closed without a word, the next request on it would be lost."""
    last = get(b"Host: a", b"Connection: close")
    assert answers(await exchange(api, request_bytes + last)) == [404, 200]


@pytest.mark.parametrize("method", [b"FOO", b"PROPFIND"])
async def test_a_connection_that_we_close_is_announced(api: API, method: bytes) -> None:
    received = await exchange(api, method + b" /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answers(received) == [405]
    assert b"\r\nConnection: close\r\n" in received


async def test_a_connection_refused_before_the_database_is_there_is_announced(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.readiness, "_prepared", asyncio.Event())
    received = await exchange(api, get(b"Host: a", target=b"/accounts/me"))
    assert answers(received) == [503]
    assert b"\r\nConnection: close\r\n" in received
