"""Bodies over the limit are refused early and in our words, however they come (R-034)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc

import pytest

from handlers.bodies import BODY_LIMIT
from tests.client import API
from tests.integration.helpers import exchange, refusal

REGISTER = "/accounts/wxapp"
HEAD = b"POST /accounts/wxapp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNK = b"2000\r\n" + b" " * 0x2000 + b"\r\n"


def padded(api: API, size: int) -> bytes:
    """A good request of exactly this many bytes."""
    body = json.dumps(api.wx_login("mei")).encode()
    return body + b" " * (size - len(body))


async def chunks(body: bytes, size: int = 4096):
    """The body piece by piece, so that its length is not announced."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_a_body_at_the_limit_is_read(api: API) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await api.post(REGISTER, data=padded(api, BODY_LIMIT), headers=headers)).status == 201


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [BODY_LIMIT + 1, 2 * BODY_LIMIT, 2 * BODY_LIMIT + 1, 900_000])
async def test_a_body_over_the_limit_is_too_large(api: API, size: int, announced: bool) -> None:
    body = padded(api, size)
    transfer = (
        b"Content-Length: %d\r\n\r\n" % size + body
        if announced
        else b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size + body + b"\r\n0\r\n\r\n"
    )
    reply = await refusal(api.base_url, HEAD + transfer)
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert api.stand_in.calls.total == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_a_client_that_sends_all_before_it_reads_hears_why(api: API, announced: bool) -> None:
    body = padded(api, BODY_LIMIT + 1000)
    headers = {"Content-Type": "application/json"}
    reply = await api.post(REGISTER, data=body if announced else chunks(body), headers=headers)
    assert (reply.status, reply.error) == (413, "payload_too_large")


@pytest.mark.parametrize("length", [10 * 2**20, 100 * 2**20, 10**15])
async def test_an_enormous_announcement_is_answered_before_the_body(api: API, length: int) -> None:
    reply = await refusal(api.base_url, HEAD + b"Content-Length: %d\r\n\r\n" % length)
    assert (reply.status, reply.error) == (413, "payload_too_large")


async def test_a_chunked_body_without_end_is_cut_off_with_an_answer(api: API) -> None:
    tracemalloc.start()
    try:
        reply = await asyncio.wait_for(
            refusal(api.base_url, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", more=CHUNK), 10
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert peak < 10 * 2**20


async def test_the_next_request_works(api: API) -> None:
    for _ in range(3):
        request = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        assert (await exchange(api.base_url, request, more=CHUNK))[0] == 413
    assert (await api.register(api.wx_login("mei"))).status == 201


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT"])
@pytest.mark.parametrize("path", [b"/healthz", b"/accounts/me", b"/nowhere"])
async def test_no_route_takes_a_body_without_end(api: API, method: bytes, path: bytes) -> None:
    request = method + b" " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    # Who is answered before the body and goes on sending may find the connection closed before the answer is read.
    with contextlib.suppress(ConnectionError):
        status, _, _ = await asyncio.wait_for(exchange(api.base_url, request, more=CHUNK), 60)
        assert 400 <= status < 500
