"""What has expired is not honoured though mongod never deletes it (R-063): the TTL monitor only cleans up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import APPID, Clock
from tests.fault.signed_in import ASKED_BY_SHOP, introspect
from tests.integration.helpers import configured
from tests.integration.phones import STABLE_TOKEN, bind

Database = pymongo.database.Database[dict[str, Any]]
LIMIT = 3


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """One limit, and somebody who introspects."""
    return {**configured(stand_in), **ASKED_BY_SHOP, "limits": {"refresh_per_user": f"{LIMIT}/hour"}}


@pytest.fixture(autouse=True)
def nothing_is_deleted(mongodb_uri: str) -> Iterator[None]:
    """The TTL monitor is off."""
    with pymongo.MongoClient(mongodb_uri) as client:
        client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        yield
        client.admin.command("setParameter", 1, ttlMonitorEnabled=True)


def ago(**duration: float) -> datetime:
    """A time in the past by every clock, mongod's too."""
    return datetime.now(UTC) - timedelta(**duration)


async def test_a_session_past_its_end_opens_nothing(api: API, database: Database) -> None:
    tokens, elsewhere = await api.sign_in("mei"), await api.sign_in("mei")
    first = database.sessions.find_one(sort=[("_id", 1)])
    over = {"ends_at": ago(seconds=1), "expires_at": ago(seconds=1)}
    database.sessions.update_one({"_id": first["_id"]}, {"$set": over})
    assert (await api.me(tokens["access_token"])).error == "invalid_token"
    assert (await introspect(api, tokens["access_token"])).json == {"active": False}
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"
    devices = await api.get("/accounts/me/sessions", headers=bearer(elsewhere["access_token"]))
    assert [each["current"] for each in devices.json["sessions"]] == [True]
    assert database.sessions.count_documents({}) == 2


async def test_a_refresh_token_past_its_end_is_refused_and_its_session_is_listed_no_more(
    api: API, database: Database
) -> None:
    tokens, elsewhere = await api.sign_in("mei"), await api.sign_in("mei")
    first = database.sessions.find_one(sort=[("_id", 1)])
    database.sessions.update_one({"_id": first["_id"]}, {"$set": {"refresh.expires_at": ago(seconds=1)}})
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"
    devices = await api.get("/accounts/me/sessions", headers=bearer(elsewhere["access_token"]))
    assert [each["current"] for each in devices.json["sessions"]] == [True]


async def test_a_wechat_access_token_past_its_end_is_not_sent_to_wechat(
    api: API, stand_in: StandIn, database: Database
) -> None:
    headers = bearer(await api.signed_in("mei"))
    assert (await bind(api, headers)).status == 200
    database.wechat_access_tokens.update_one({"_id": APPID}, {"$set": {"expires_at": ago(seconds=1)}})
    assert (await bind(api, headers)).status == 200
    assert stand_in.calls.at(STABLE_TOKEN) == 2
    assert {call.outcome for call in stand_in.calls} == {"ok"}


async def test_a_kept_answer_of_wechat_past_its_end_signs_nobody_in(
    api: API, stand_in: StandIn, database: Database
) -> None:
    await api.registered("bo")
    visitor = api.wx_login()
    assert (await api.token(visitor)).error == "unregistered"
    over = {"kept_until": ago(seconds=1), "expires_at": ago(seconds=1)}
    assert (
        database.pending_logins.update_many({"kept_until": {"$ne": None}}, {"$set": over}).matched_count == 2
    )
    assert (await api.register(visitor)).error == "code_used"
    assert stand_in.calls.of(visitor["code"]) == 1
    assert database.users.count_documents({}) == 1


async def test_a_used_up_counter_holds_nobody_back_after_its_window(
    api: API, database: Database, clock: Clock
) -> None:
    token = (await api.sign_in("mei"))["refresh_token"]
    statuses = []
    for _ in range(LIMIT + 1):
        reply = await api.refresh(token)
        statuses.append(reply.status)
        token = reply.json.get("refresh_token", token)
    assert statuses == [200] * LIMIT + [429]
    clock.advance(seconds=int(reply.headers["Retry-After"]))
    used_up = {each["_id"] for each in database.limit_counters.find()}
    database.limit_counters.update_many({}, {"$set": {"expireAt": ago(seconds=1)}})
    assert (await api.refresh(token)).status == 200
    assert used_up < {each["_id"] for each in database.limit_counters.find()}
