"""WeChat failing in every way the stand-in knows: the answer, in time, the calls, and life going on (R-022)."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from typing import Any

import pymongo
import pytest

from passport.services import Services
from passport.wechat.errcodes import known_errcodes
from sandbox import StandIn
from sandbox.faults import MODES
from tests.client import API, Reply
from tests.conftest import Clock
from tests.integration.helpers import configured, until

TIMEOUT = 1.0
# What a client waits at most: the time-out and a second in the queue, and what a busy machine adds.
PATIENCE = TIMEOUT + 1.0 + 8.0

# How the code was lost: WeChat may have taken it before it failed, so it is never sent again.
LOST: dict[str, dict[str, Any]] = {
    "slow": {"delay": 30},
    "drip": {"delay": 0.2},
    "hang": {},
    "reset": {"burns": True},
    "disconnect": {"burns": True},
    "empty": {"burns": True},
    "http_500": {"burns": True},
    "http_502": {},
    "http_503": {},
    "html": {"burns": True},
    "truncated": {"burns": True},
    "cut": {"burns": True},
    "array": {"burns": True},
    "no_openid": {"burns": True},
    "bad_utf8": {"burns": True},
    "huge": {},
    "gzip_bomb": {},
    "redirect": {},
}
ANSWERED = ("ok", "errcode", "string_errcode")


@pytest.fixture
def configuration(stand_in: StandIn, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A short time-out, since several faults take all of it; a test may ask for another."""
    return configured(stand_in, timeout=f"{getattr(request, 'param', TIMEOUT):.0f}s")


async def timed(call: Any, *arguments: Any) -> tuple[Reply, float]:
    """The answer and how long it took."""
    started = time.monotonic()
    return await call(*arguments), time.monotonic() - started


def test_every_mode_of_the_stand_in_is_tried() -> None:
    assert {*LOST, *ANSWERED} == set(MODES)


@pytest.mark.parametrize("mode", LOST)
async def test_a_lost_answer_is_told_in_time_and_its_code_is_never_sent_again(
    api: API, stand_in: StandIn, database: pymongo.database.Database[dict[str, Any]], clock: Clock, mode: str
) -> None:
    await api.registered("mei")
    visit, calls = api.wx_login("mei"), stand_in.calls.total
    stand_in.faults.set(mode, times=1, **LOST[mode])
    reply, seconds = await timed(api.token, visit)

    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert reply.headers["Retry-After"] == "2"
    assert seconds < PATIENCE
    assert stand_in.calls.total == calls + 1
    assert stand_in.calls.redirects_followed == 0

    clock.advance(seconds=5)
    again = await api.token(visit)
    assert (again.status, again.error) == (403, "code_used")
    assert stand_in.calls.of(visit["code"]) == 1
    assert (await api.token(api.wx_login("mei"))).status == 200
    assert database.sessions.count_documents({}) == 1


@pytest.mark.parametrize(("mode", "delay"), [("slow", 0.2), ("drip", 0.001)])
async def test_an_answer_that_is_late_but_in_time_is_an_answer(
    api: API, stand_in: StandIn, mode: str, delay: float
) -> None:
    stand_in.faults.set(mode, delay=delay)
    assert (await api.register(api.wx_login("mei"))).status == 201
    assert stand_in.calls.total == 1


# errcode → status, error, Retry-After, and how many calls WeChat gets.
REFUSALS: dict[int, tuple[int, str, str | None, int]] = {
    -1: (503, "temporarily_unavailable", "2", 2),
    40002: (500, "server_misconfigured", None, 1),
    40013: (500, "server_misconfigured", None, 1),
    40029: (403, "invalid_code", None, 1),
    40125: (500, "server_misconfigured", None, 1),
    40163: (403, "code_used", None, 1),
    40164: (500, "server_misconfigured", None, 1),
    40226: (403, "user_blocked", None, 1),
    40243: (500, "server_misconfigured", None, 1),
    41002: (500, "server_misconfigured", None, 1),
    41004: (500, "server_misconfigured", None, 1),
    41008: (403, "invalid_code", None, 1),
    45009: (503, "temporarily_unavailable", "300", 1),
    45011: (429, "slow_down", "60", 1),
    50002: (500, "server_misconfigured", None, 1),
    # Nobody knows this one: WeChat's trouble until somebody does.
    61234: (503, "temporarily_unavailable", "2", 1),
}


def test_every_errcode_of_the_table_is_tried() -> None:
    assert REFUSALS.keys() == known_errcodes().keys() | {61234}


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.parametrize("mode", ["errcode", "string_errcode"])
@pytest.mark.parametrize("errcode", REFUSALS)
async def test_an_errcode_is_told_as_the_table_says(
    api: API, stand_in: StandIn, errcode: int, mode: str, log_records: list[Any]
) -> None:
    status, error, retry_after, calls = REFUSALS[errcode]
    stand_in.faults.set(mode, errcode=errcode, times=calls)
    reply = await api.token(api.wx_login("mei"))

    assert (reply.status, reply.error, reply.json["wechat_errcode"]) == (status, error, errcode)
    assert reply.headers.get("Retry-After") == retry_after
    assert stand_in.calls.total == calls
    for_the_operator = [each for each in log_records if getattr(each, "operator_action", None)]
    assert len(for_the_operator) == (1 if errcode in (45009, 61234) or status == 500 else 0)
    assert all(each.rid for each in for_the_operator)
    assert (await api.register(api.wx_login("mei"))).status == 201


@pytest.mark.parametrize(("errcode", "seconds"), [(45011, 60), (45009, 300), (-1, 2)])
@pytest.mark.expects_log("WeChat refused the code")
async def test_a_code_that_was_not_spent_is_good_after_the_wait_and_not_before(
    api: API, stand_in: StandIn, clock: Clock, errcode: int, seconds: int
) -> None:
    visitor = api.wx_login()
    stand_in.faults.set("errcode", errcode=errcode, times=2 if errcode == -1 else 1)
    first = await api.token(visitor)
    calls = stand_in.calls.total
    clock.advance(seconds=seconds / 2)
    early = await api.token(visitor)

    assert (early.status, early.error) == (first.status, first.error)
    assert 0 < int(early.headers["Retry-After"]) <= seconds / 2 + 1
    assert stand_in.calls.total == calls
    if seconds < 300:  # after five minutes the code itself has expired
        clock.advance(seconds=seconds / 2 + 1)
        assert (await api.token(visitor)).error == "unregistered"
        assert stand_in.calls.total == calls + 1


async def test_a_server_that_cannot_be_reached_leaves_the_code_good(
    api: API, stand_in: StandIn, clock: Clock
) -> None:
    visitor = api.wx_login()
    port = int(stand_in.base_url.rpartition(":")[2])
    await stand_in.stop()
    reply, seconds = await timed(api.token, visitor)
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert seconds < PATIENCE

    stand_in.start(port)
    clock.advance(seconds=3)
    assert (await api.register(visitor)).status == 201
    assert stand_in.calls.of(visitor["code"]) == 1


@pytest.mark.parametrize("mode", ["huge", "gzip_bomb"])
async def test_memory_stays_flat_whatever_wechat_sends(api: API, stand_in: StandIn, mode: str) -> None:
    stand_in.faults.set(mode, size=10)
    await api.token(api.wx_login())
    stand_in.faults.set(mode)
    tracemalloc.start()
    try:
        for _ in range(2):
            assert (await api.token(api.wx_login())).status == 503
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20  # of the 100 MB that were on offer each time


# Long enough for all fifty to be on their way before the first is given up.
@pytest.mark.parametrize("configuration", [5], indirect=True)
async def test_while_wechat_hangs_everything_else_goes_on_and_fifty_logins_are_told_in_time(
    api: API, stand_in: StandIn
) -> None:
    headers = {"Authorization": f"Bearer {await api.signed_in('mei')}"}
    stand_in.faults.set("hang")
    before = stand_in.calls.total
    logins = [asyncio.create_task(timed(api.token, api.wx_login())) for _ in range(50)]
    await asyncio.wait_for(stand_in.calls.reach(before + 50), 10)
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json", "/accounts/me"):
        assert (await api.get(path, headers=headers)).status == 200
    assert not any(login.done() for login in logins)

    for reply, seconds in await asyncio.gather(*logins):
        assert (reply.status, reply.error) == (503, "temporarily_unavailable")
        assert seconds < 5 - TIMEOUT + PATIENCE
    assert stand_in.calls.total == before + 50


async def test_after_many_failures_logins_are_refused_without_waiting_until_wechat_is_back(
    api: API, stand_in: StandIn, services: Services, clock: Clock
) -> None:
    services.wechat._breaker._pause = 0.3
    stand_in.faults.set("http_503")
    for _ in range(5):
        assert (await api.token(api.wx_login())).status == 503
    visitor = api.wx_login()
    assert (await api.token(visitor)).error == "temporarily_unavailable"
    assert stand_in.calls.of(visitor["code"]) == 0

    stand_in.faults.clear()

    async def registered() -> bool:
        clock.advance(seconds=3)  # past the Retry-After of this code's record
        return (await api.register(visitor)).status == 201

    await until(registered)
    assert (await api.token(visitor)).status == 200
    assert stand_in.calls.of(visitor["code"]) == 1
