"""Closing an account while each of its steps fails in turn: it can be closed again, and then nothing is left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.store import transactions
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.fault.test_database_faults import check_unavailable, failing
from tests.fault.test_operation_faults import PICTURE, at
from tests.integration.helpers import configured
from tests.integration.phones import bind
from tests.integration.test_closing import dump_of
from tests.pictures import upload

Database = pymongo.database.Database[dict[str, Any]]
# All in one transaction.
STEPS = ("delete users", "delete avatars", "delete identity_conflicts", "insert closed_accounts")
FAULTS: dict[str, dict[str, Any]] = {"error": {"errorCode": 8}, "cut": {"closeConnection": True}}


@pytest.fixture
def mongodb_uri(mongodb_uri: str) -> str:
    """A feigned state change is not followed by the news that the driver waits for, so it looks more often."""
    return f"{mongodb_uri}&heartbeatFrequencyMS=500"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """A short deadline for MongoDB."""
    return {**configured(stand_in), "mongodb": {"timeout": "1s"}}


async def person_with_everything(api: API, database: Database) -> dict[str, Any]:
    """Mei with all that closing erases; her tokens."""
    tokens = await api.sign_in("mei")
    headers = bearer(tokens["access_token"])
    assert (await bind(api, headers)).status == 200
    assert (await upload(api, tokens["access_token"], PICTURE)).status == 200
    assert (await api.put("/accounts/me", json={"nickname": "阿美美"}, headers=headers)).status == 200
    accounts = [ObjectId(tokens["account_id"])]
    database.identity_conflicts.insert_one({"_id": f"{accounts[0]}:", "accounts": accounts})
    return tokens


async def close(api: API, tokens: dict[str, Any], code: str) -> Reply:
    """DELETE /accounts/me."""
    return await api.delete("/accounts/me", json={"code": code}, headers=bearer(tokens["access_token"]))


def assert_nothing_is_left(api: API, database: Database) -> None:
    """The tombstone and the sign-ins, which hold nothing of the person."""
    people, kept = api.stand_in.people, dump_of(database)
    personal = [people.openid("mei"), people.unionid("mei"), "小美", "阿美美", "13800000001"]
    assert [each for each in personal if each in kept] == []
    for name in ("users", "avatars", "identity_conflicts"):
        assert database[name].count_documents({}) == 0, name
    assert database.closed_accounts.count_documents({}) == 1
    assert database.sessions.count_documents({"ended_at": None}) == 0


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
async def test_a_closing_that_failed_at_any_step_changed_nothing_and_is_completed_by_asking_again(
    api: API, mongodb_uri: str, database: Database, step: str, fault: str
) -> None:
    tokens, code = await person_with_everything(api, database), api.wx_login("mei")["code"]
    before = [list(database[name].find()) for name in ("users", "avatars", "identity_conflicts")]
    with failing(mongodb_uri, "alwaysOn", *at(step, database, FAULTS[fault])):
        check_unavailable(await close(api, tokens, code))
    assert [list(database[name].find()) for name in ("users", "avatars", "identity_conflicts")] == before
    assert database.closed_accounts.count_documents({}) == 0
    assert (await api.me(tokens["access_token"])).status == 200
    assert (await close(api, tokens, code)).status == 200
    assert_nothing_is_left(api, database)
    assert (await api.me(tokens["access_token"])).error == "invalid_token"


async def test_a_closing_that_was_told_to_have_failed_does_not_happen_later(
    api: API, mongodb_uri: str, database: Database
) -> None:
    """The driver repeats a transaction for two minutes after such an error."""
    tokens, code = await person_with_everything(api, database), api.wx_login("mei")["code"]
    passing = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    with failing(mongodb_uri, "alwaysOn", *at("delete users", database, passing)):
        check_unavailable(await close(api, tokens, code))
    await asyncio.wait_for(asyncio.gather(*transactions._running, return_exceptions=True), 20)
    assert database.users.count_documents({}) == 1
    assert (await api.me(tokens["access_token"])).status == 200


async def test_a_closing_whose_sessions_could_not_be_marked_is_done(
    api: API, mongodb_uri: str, database: Database
) -> None:
    tokens, code = await person_with_everything(api, database), api.wx_login("mei")["code"]
    with failing(mongodb_uri, "alwaysOn", *at("update sessions", database, FAULTS["error"])):
        assert (await close(api, tokens, code)).status == 200
    database.sessions.update_many({}, {"$set": {"ended_at": datetime(2026, 11, 22, tzinfo=UTC)}})
    assert_nothing_is_left(api, database)
    assert (await api.me(tokens["access_token"])).error == "invalid_token"
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"


async def test_a_closing_whose_code_could_not_be_noted_is_503_and_done(
    api: API, mongodb_uri: str, database: Database
) -> None:
    tokens, code = await person_with_everything(api, database), api.wx_login("mei")["code"]
    with failing(mongodb_uri, "alwaysOn", *at("update pending_logins", database, {"errorCode": 8})):
        check_unavailable(await close(api, tokens, code))
    assert_nothing_is_left(api, database)
    assert (await close(api, tokens, code)).error == "invalid_token"
    assert (await api.token(api.wx_login("mei"))).error == "unregistered"
