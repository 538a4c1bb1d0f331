"""How many requests are served (R-042): by address, by user, in all; who is refused, for how long, and who is not."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest

from passport.config import Limits
from passport.errors import SlowDown
from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply
from tests.conftest import Clock
from tests.integration.helpers import configured

Database = pymongo.database.Database[dict[str, Any]]

A, B = "203.0.113.5", "203.0.113.6"


class StoppedClock(Clock):
    """Time passes when a test says so, lest a window end in the middle of one."""

    def __init__(self) -> None:
        super().__init__()
        self._start = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self._start + self.offset


@pytest.fixture
def clock() -> Clock:
    return StoppedClock()


@pytest.fixture
def given() -> dict[str, str]:
    """The limits of a test that names none."""
    return {}


@pytest.fixture
def configuration(stand_in: StandIn, given: dict[str, str]) -> dict[str, Any]:
    """This machine is the proxy, so that a request may come from any address."""
    off = dict.fromkeys(Limits.model_fields, "off")
    return {
        **configured(stand_in),
        "server": {"trusted_proxies": ["127.0.0.1/32"]},
        "limits": {**off, **given},
    }


def limited(**rates: str) -> pytest.MarkDecorator:
    """These limits and no others."""
    return pytest.mark.parametrize("given", [rates], ids=[",".join(rates)])


def came_from(ip: str) -> dict[str, Any]:
    return {"headers": {"X-Forwarded-For": ip}}


def check_slow_down(reply: Reply, text: str) -> int:
    """429 in our shape (the client checks the rest); for how long to wait."""
    assert (reply.status, reply.error) == (429, "slow_down")
    assert text in reply.json["error_description"]
    return int(reply.headers["Retry-After"])


async def posted(api: API, path: str, number: int, ip: str) -> list[int]:
    """The statuses of this many requests, which are cheap because they say nothing."""
    replies = await asyncio.gather(*(api.post(path, json={}, **came_from(ip)) for _ in range(number)))
    return sorted(reply.status for reply in replies)


@limited(token_per_ip="3/minute", register_per_ip="2/minute")
async def test_an_address_is_limited_and_another_is_not(api: API) -> None:
    assert await posted(api, "/oauth/token", 5, A) == [403, 403, 403, 429, 429]
    assert await posted(api, "/oauth/token", 3, B) == [403, 403, 403]
    assert await posted(api, "/accounts/wxapp", 3, A) == [403, 403, 429]


@limited(token_per_ip="3/minute")
async def test_what_is_refused_reaches_neither_wechat_nor_the_records(api: API, database: Database) -> None:
    await posted(api, "/oauth/token", 3, A)
    check_slow_down(await api.token(api.wx_login("mei"), **came_from(A)), "from this address")
    assert api.stand_in.calls.total == 0
    assert database.pending_logins.count_documents({}) == 0


@limited(token_per_ip="3/minute")
async def test_retry_after_is_the_whole_truth(api: API, clock: Clock) -> None:
    await posted(api, "/oauth/token", 3, A)
    wait = check_slow_down(await api.post("/oauth/token", json={}, **came_from(A)), "from this address")
    assert 1 <= wait <= 60
    clock.advance(seconds=wait - 1)
    again = check_slow_down(await api.post("/oauth/token", json={}, **came_from(A)), "from this address")
    assert again == 1
    clock.advance(seconds=again)
    assert await posted(api, "/oauth/token", 4, A) == [403, 403, 403, 429]


@limited(token_per_ip="3/minute")
async def test_the_connection_outlives_the_refusal(api: API) -> None:
    await posted(api, "/oauth/token", 3, A)
    reply = await api.token(api.wx_login("mei"), **came_from(A))
    assert (reply.status, reply.headers.get("Connection")) == (429, None)


@limited(token_per_ip="3/minute")
async def test_the_hint_says_what_to_do_in_both_languages(api: API) -> None:
    await posted(api, "/oauth/token", 3, A)
    chinese = await api.post("/oauth/token", json={}, **came_from(A))
    english = await api.post("/oauth/token", json={}, headers={"X-Forwarded-For": A, "Accept-Language": "en"})
    assert "等待" in chinese.json["hint"]
    assert "Wait for Retry-After" in english.json["hint"]
    assert "server.trusted_proxies" in english.json["hint"]


@limited(token_per_ip="3/minute")
async def test_the_addresses_of_one_ipv6_network_are_one_customer(api: API) -> None:
    one_network = [f"2001:db8:1:2:{number}::1" for number in range(4)]
    statuses = [
        (await api.post("/oauth/token", json={}, **came_from(ip))).status
        for ip in (*one_network, "2001:db8:1:3::1")
    ]
    assert statuses == [403, 403, 403, 429, 403]


@limited(token_global="4/minute", register_global="3/minute")
async def test_everybody_together_is_limited(api: API) -> None:
    statuses = [await posted(api, "/oauth/token", 1, f"198.51.100.{number}") for number in range(6)]
    assert statuses == [[403]] * 4 + [[429]] * 2
    refused = await api.post("/accounts/wxapp", json={}, **came_from(A))
    assert refused.status == 403
    assert await posted(api, "/accounts/wxapp", 3, B) == [403, 403, 429]


@limited(token_per_ip="3/minute", token_global="6/minute")
async def test_a_flood_from_one_address_leaves_the_rest_to_others(api: API) -> None:
    assert Counter(await posted(api, "/oauth/token", 50, A)) == {403: 3, 429: 47}
    assert await posted(api, "/oauth/token", 3, B) == [403, 403, 403]


@limited(token_per_ip="2/hour", token_global="1/minute")
async def test_what_all_others_prevented_does_not_count_for_the_address(api: API, clock: Clock) -> None:
    assert await posted(api, "/oauth/token", 1, B) == [403]
    assert await posted(api, "/oauth/token", 9, A) == [429] * 9
    for _ in range(2):
        clock.advance(minutes=1)
        assert await posted(api, "/oauth/token", 1, A) == [403]
    clock.advance(minutes=1)
    check_slow_down(await api.post("/oauth/token", json={}, **came_from(A)), "from this address")


@limited(token_per_user="4/hour")
async def test_one_wechat_user_is_limited_wherever_they_are(
    api: API, clock: Clock, database: Database
) -> None:
    await api.registered("mei")
    for number in range(3):
        assert (await api.token(api.wx_login("mei"), **came_from(f"198.51.100.{number}"))).status == 200
    refused = api.wx_login("mei")
    wait = check_slow_down(await api.token(refused, **came_from(A)), "of this user")
    check_slow_down(await api.register(api.wx_login("mei"), **came_from(A)), "of this user")
    assert database.sessions.count_documents({}) == 3
    assert (await api.register(api.wx_login("bo"), **came_from(A))).status == 201

    assert wait <= 3600
    clock.advance(seconds=wait)
    assert (await api.token(api.wx_login("mei"))).status == 200


@limited(token_per_user="4/minute")
async def test_the_code_of_a_refused_user_stays_good(api: API, clock: Clock) -> None:
    await api.registered("mei")
    for _ in range(3):
        await api.token(api.wx_login("mei"))
    visit = api.wx_login("mei")
    wait = check_slow_down(await api.token(visit), "of this user")
    clock.advance(seconds=wait)
    assert (await api.token(visit)).status == 200
    assert api.stand_in.calls.of(visit["code"]) == 1


@limited(bearer_per_user="3/minute")
async def test_a_bearer_is_limited_and_another_is_not(api: API, clock: Clock) -> None:
    tokens = {person: await api.signed_in(person) for person in ("mei", "bo")}

    async def me(person: str) -> Reply:
        return await api.get("/accounts/me", headers={"Authorization": f"Bearer {tokens[person]}"})

    assert [(await me("mei")).status for _ in range(3)] == [200] * 3
    wait = check_slow_down(await me("mei"), "of this user")
    assert (await me("bo")).status == 200
    clock.advance(seconds=wait)
    assert (await me("mei")).status == 200


@limited(bearer_per_ip="2/minute", bearer_global="3/minute")
async def test_guessing_tokens_is_limited_by_address_and_in_all(api: API) -> None:
    async def guess(ip: str) -> int:
        headers = {"Authorization": "Bearer x.y.z", "X-Forwarded-For": ip}
        return (await api.get("/accounts/me", headers=headers)).status

    assert [await guess(ip) for ip in (A, A, A, B, B)] == [401, 401, 429, 401, 429]


@pytest.mark.parametrize(("given", "name"), [({name: "2/minute"}, name) for name in Limits.model_fields])
async def test_each_limit_holds_and_ends(services: Services, clock: Clock, name: str) -> None:
    scope = next(each for each in ("per_ip", "per_user", "global") if name.endswith(f"_{each}"))
    group = name.removesuffix(f"_{scope}")

    async def count(who: str) -> None:
        if scope == "per_user":
            await services.limits.admit_user(group, who)  # type: ignore[arg-type]
        else:
            await services.limits.admit(group, ip=B if scope == "global" else who)  # type: ignore[arg-type]

    await count(A)
    await count(A)
    with pytest.raises(SlowDown) as refusal:
        await count(A)
    clock.advance(seconds=refusal.value.retry_after or 0)
    await count(A)


@pytest.mark.parametrize("given", [dict.fromkeys(Limits.model_fields, "1/day")], ids=["all"])
async def test_health_keys_and_pages_are_never_limited(api: API) -> None:
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json"):
        assert [(await api.get(path)).status for _ in range(5)] == [200] * 5
    for path in ("/", "/static/theme.css"):
        for _ in range(5):
            async with api._http.get(api.base_url + path) as response:
                assert response.status == 200


@limited(token_per_ip="10/minute", token_per_user="10/minute")
async def test_the_counters_hold_no_personal_data_and_expire(api: API, database: Database) -> None:
    await api.registered("mei")
    assert (await api.token(api.wx_login("mei"), **came_from(A))).status == 200
    kept = repr(list(database.limit_counters.find()))
    assert database.limit_counters.count_documents({}) >= 2
    for personal in (A, "203.0.113", api.stand_in.people.openid("mei")):
        assert personal not in kept
        assert personal.encode().hex() not in kept
    assert database.limit_counters.index_information()["limit_counters_ttl"]["expireAfterSeconds"] == 0
    for counter in database.limit_counters.find():
        assert 60 <= (counter["expireAt"] - datetime.now(UTC)).total_seconds() <= 120


@pytest.fixture
def failing_counters(database: Database) -> Iterator[None]:
    """MongoDB answers everything but what the limits ask."""
    admin = database.client.admin
    namespace = f"{database.name}.limit_counters"
    fault = {"failCommands": ["findAndModify"], "errorCode": 8000, "namespace": namespace}
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fault)
    yield
    admin.command("configureFailPoint", "failCommand", mode="off")


@limited(token_per_ip="10/minute", register_global="10/minute", bearer_per_ip="10/minute")
async def test_without_the_counters_nobody_gets_in_and_health_is_told(
    api: API, database: Database, failing_counters: None
) -> None:
    visit = api.wx_login("mei")
    replies = [await api.token(visit), await api.register(visit), await api.get("/accounts/me")]
    assert [(reply.status, reply.error) for reply in replies] == [(503, "temporarily_unavailable")] * 3
    assert all(int(reply.headers["Retry-After"]) > 0 for reply in replies)
    assert api.stand_in.calls.total == 0
    for path in ("/healthz", "/readyz", "/.well-known/jwks.json"):
        assert (await api.get(path)).status == 200
    database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert [(await call(visit)).status for call in (api.register, api.token)] == [201, 200]


@limited(token_per_ip="3/minute")
async def test_a_limit_that_is_reached_is_told_to_the_operator_once(api: API, log_records: list[Any]) -> None:
    await posted(api, "/oauth/token", 20, A)
    told = [record for record in log_records if record.getMessage() == "a limit is reached"]
    assert [record.limit for record in told] == ["token_per_ip"]


class TestWithoutAProxy:
    """No proxy is configured, so what a client says of its address is nothing."""

    @pytest.fixture
    def configuration(self, stand_in: StandIn) -> dict[str, Any]:
        return {**configured(stand_in), "limits": {"token_per_ip": "3/minute"}}

    async def test_a_made_up_address_does_not_help(self, api: API) -> None:
        statuses = [await posted(api, "/oauth/token", 1, f"198.51.100.{number}") for number in range(5)]
        assert statuses == [[403]] * 3 + [[429]] * 2
