"""WeChat's server credential: one for all processes, fetched by one, renewed in time, replaced once when refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pymongo
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply
from tests.conftest import APPID, Clock
from tests.integration.helpers import configured
from tests.integration.phones import PHONE_NUMBER, STABLE_TOKEN, Headers, bearer, bind

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Long enough for fifty bindings at once on a busy machine."""
    return configured(stand_in, timeout="20s", connect_timeout="20s")


async def bind_many(apis: list[API], headers: Headers, count: int) -> Counter[tuple[int, str | None]]:
    """So many bindings at once, spread over the processes; what came of them."""
    replies: list[Reply] = await asyncio.gather(*(bind(apis[n % len(apis)], headers) for n in range(count)))
    return Counter((reply.status, reply.error) for reply in replies)


def outcomes(stand_in: StandIn) -> Counter[str]:
    """What WeChat answered to all calls."""
    return Counter(call.outcome for call in stand_in.calls)


async def test_fifty_bindings_at_two_processes_fetch_the_first_token_once(
    api: API, other_process: API, stand_in: StandIn
) -> None:
    headers = await bearer(api, "mei")
    assert await bind_many([api, other_process], headers, 50) == {(200, None): 50}
    assert stand_in.calls.at(STABLE_TOKEN) == 1
    assert stand_in.calls.at(PHONE_NUMBER) == 50


async def test_40001_in_the_middle_of_fifty_bindings_is_one_refetch_and_no_user_notices(
    api: API, other_process: API, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await bearer(api, "mei")
    assert await bind_many([api, other_process], headers, 2) == {(200, None): 2}
    assert stand_in.calls.at(STABLE_TOKEN) == 1

    fifth, note = stand_in.calls.total + 5, stand_in.calls.note

    def note_and_void(*call: str) -> None:
        note(*call)
        if stand_in.calls.total == fifth:
            stand_in.people.void_wechat_access_token(APPID)

    # By the call itself: all fifty can be answered before anybody who waits for the fifth has their turn.
    monkeypatch.setattr(stand_in.calls, "note", note_and_void)
    assert await bind_many([api, other_process], headers, 50) == {(200, None): 50}
    assert stand_in.calls.at(STABLE_TOKEN) == 2
    assert outcomes(stand_in)["40001"] > 0


async def test_a_token_that_is_void_for_all_fifty_is_fetched_once_more(
    api: API, other_process: API, stand_in: StandIn
) -> None:
    headers = await bearer(api, "mei")
    await bind_many([api, other_process], headers, 2)
    stand_in.people.void_wechat_access_token(APPID)
    # Each waits until the others have been refused with the old token, too, so that many want a new one at once.
    stand_in.faults.set("slow", path=PHONE_NUMBER, delay=0.5, times=50)
    assert await bind_many([api, other_process], headers, 50) == {(200, None): 50}
    assert stand_in.calls.at(STABLE_TOKEN) == 2
    # Nobody asks more than twice; who comes so late that the new token is there asks once.
    assert 2 + 50 < stand_in.calls.at(PHONE_NUMBER) <= 2 + 50 + 50


async def test_a_refusal_that_comes_late_does_not_expire_the_new_token(
    api: API, other_process: API, stand_in: StandIn
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    stand_in.people.void_wechat_access_token(APPID)
    before = stand_in.calls.total
    stand_in.faults.set("slow", path=PHONE_NUMBER, delay=1, times=1)  # 40001 already, told a second later
    late = asyncio.create_task(bind(api, headers))
    await asyncio.wait_for(stand_in.calls.reach(before + 1), 60)
    assert (await bind(other_process, headers)).status == 200
    assert not late.done()

    assert (await late).status == 200
    assert stand_in.calls.at(STABLE_TOKEN) == 2


@pytest.mark.parametrize("errcode", [40014, 42001])
async def test_the_other_refusals_of_a_token_are_cured_the_same_way(
    api: API, stand_in: StandIn, errcode: int
) -> None:
    headers, code = await bearer(api, "mei"), stand_in.people.phone_code("mei")
    await bind(api, headers)
    stand_in.people.void_wechat_access_token(APPID)
    stand_in.faults.set("errcode", path=PHONE_NUMBER, errcode=errcode, times=1)
    assert (await bind(api, headers, code)).status == 200
    assert (stand_in.calls.of(code), stand_in.calls.at(STABLE_TOKEN)) == (2, 2)


# Forced refreshes


async def test_a_refresh_is_forced_only_when_wechat_gives_the_token_it_refuses(
    api: API, stand_in: StandIn, database: Database, clock: Clock
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    assert "forced_at" not in database.wechat_access_tokens.find_one()
    stand_in.people.void_wechat_access_token(APPID, stuck=True)
    assert (await bind(api, headers)).status == 200
    assert stand_in.calls.at(STABLE_TOKEN) == 3  # the first, a plain one, a forced one
    assert "forced_at" in database.wechat_access_tokens.find_one()


async def test_a_refresh_is_not_forced_twice_within_thirty_seconds(
    api: API, stand_in: StandIn, clock: Clock
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    for _ in range(2):
        stand_in.people.void_wechat_access_token(APPID, stuck=True)
        reply = await bind(api, headers)
    assert (reply.status, reply.error, reply.headers["Retry-After"]) == (503, "temporarily_unavailable", "30")
    assert stand_in.calls.at(STABLE_TOKEN) == 4  # of which one was forced

    clock.advance(seconds=31)
    assert (await bind(api, headers)).status == 200


@pytest.mark.expects_log("WeChat refuses a fresh access_token")
async def test_a_second_refusal_ends_it_and_leaves_the_code_good(api: API, stand_in: StandIn) -> None:
    headers, code = await bearer(api, "mei"), stand_in.people.phone_code("mei")
    stand_in.faults.set("errcode", path=PHONE_NUMBER, errcode=40001, times=2)
    reply = await bind(api, headers, code)
    assert (reply.status, reply.error, reply.json["wechat_errcode"]) == (
        503,
        "temporarily_unavailable",
        40001,
    )
    assert stand_in.calls.of(code) == 2
    assert (await bind(api, headers, code)).status == 200


# Time


async def test_a_token_serves_until_shortly_before_its_end_and_is_renewed_then(
    api: API, services: Services, stand_in: StandIn, clock: Clock
) -> None:
    app, far = services.settings.wechat.apps[0], float("inf")
    tokens = services.phones._access_tokens
    first = await tokens.get(app, until=far)
    clock.advance(seconds=6900)
    assert (await tokens.get(app, until=far), stand_in.calls.at(STABLE_TOKEN)) == (first, 1)
    clock.advance(seconds=60)
    second = await tokens.get(app, until=far)
    assert (second != first, stand_in.calls.at(STABLE_TOKEN)) == (True, 2)
    clock.advance(hours=3)
    assert await tokens.get(app, until=far) not in (first, second)


async def test_while_one_renews_the_others_use_the_old_token_without_waiting(
    api: API, other_process: API, stand_in: StandIn, clock: Clock
) -> None:
    headers = await bearer(api, "mei")
    await bind(api, headers)
    clock.advance(seconds=6960)
    headers = await bearer(api, "mei")
    before = stand_in.calls.total
    stand_in.faults.set("hang", path=STABLE_TOKEN, times=1)
    renewing = asyncio.create_task(bind(api, headers))
    await asyncio.wait_for(stand_in.calls.reach(before + 1), 60)
    for each in (api, other_process):
        assert (await bind(each, headers)).status == 200
    assert not renewing.done()
    assert stand_in.calls.at(STABLE_TOKEN) == 2
    await stand_in.stop()
    assert (await renewing).status == 503


async def test_a_renewal_that_fails_costs_nobody_a_thing_while_the_old_token_is_good(
    api: API, stand_in: StandIn, clock: Clock
) -> None:
    await bind(api, await bearer(api, "mei"))
    clock.advance(seconds=6960)
    headers = await bearer(api, "mei")
    stand_in.faults.set("http_500", path=STABLE_TOKEN)
    assert [(await bind(api, headers)).status for _ in range(3)] == [200, 200, 200]
    assert stand_in.calls.at(STABLE_TOKEN) == 2


async def test_a_process_that_died_while_fetching_holds_the_others_up_for_its_lease_alone(
    api: API, database: Database, clock: Clock
) -> None:
    headers = await bearer(api, "mei")
    lease = {"_id": APPID, "owner": "the dead", "busy_until": clock()}
    database.wechat_access_tokens.insert_one(lease)
    clock.advance(seconds=1)
    assert (await bind(api, headers)).status == 200


async def test_a_second_process_uses_the_token_of_the_first(
    api: API, other_process: API, stand_in: StandIn
) -> None:
    headers = await bearer(api, "mei")
    for each in (api, other_process):
        assert (await bind(each, headers)).status == 200
    assert stand_in.calls.at(STABLE_TOKEN) == 1
