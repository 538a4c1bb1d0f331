"""No query walks a whole collection (R-027): mongod says of each which way it took, through the life of an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import APPID
from tests.integration.helpers import OTHER_APPID, the_three, with_two_apps
from tests.pictures import plain, upload

Database = pymongo.database.Database[dict[str, Any]]
# A handful of documents, read whole.
SMALL = {"signing_keys"}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs, so that people are found by their unionid; and limits, which have counters."""
    return {**with_two_apps(stand_in), "limits": {}}


@pytest.fixture
def profiled(services: Services, database: Database) -> Iterator[Database]:
    """The database with mongod writing down every operation."""
    database.command("profile", 0)
    database.create_collection("system.profile", capped=True, size=64 * 2**20)
    database.command("profile", 2)
    yield database
    database.command("profile", 0)


def walks(database: Database) -> set[tuple[str, str]]:
    """The collections that were walked whole, and by which command."""
    plans = database["system.profile"].find({"planSummary": {"$regex": "COLLSCAN"}})
    return {
        (each["ns"].partition(".")[2], each["op"])
        for each in plans
        if each["ns"].partition(".")[2] not in SMALL | {"system.profile"}
    }


async def visit(api: API, path: str, appid: str) -> dict[str, Any]:
    reply = await api.post(path, json={"appid": appid} | the_three(api.wx_login("mei", appid=appid)))
    return reply.json


async def test_no_query_in_the_life_of_an_account_walks_a_collection(
    api: API, services: Services, profiled: Database
) -> None:
    for appid in (APPID, OTHER_APPID):
        await visit(api, "/oauth/token", appid)
        await visit(api, "/accounts/wxapp", appid)
    tokens = await visit(api, "/oauth/token", OTHER_APPID)
    headers, access_token = bearer(tokens["access_token"]), tokens["access_token"]
    refreshed = (await api.refresh(tokens["refresh_token"])).json
    await api.refresh(tokens["refresh_token"])
    await upload(api, access_token, plain())
    await api.put("/accounts/me", json={"nickname": "x", "city": None}, headers=headers)
    phone_code = api.stand_in.people.phone_code("mei", OTHER_APPID)
    await api.post("/accounts/me/phone", json={"phone_code": phone_code}, headers=headers)
    for path in ("/accounts/me", "/accounts/me/sessions", "/accounts/me/export"):
        assert (await api.get(path, headers=headers)).status == 200
    await api.delete("/accounts/me/sessions", headers=headers)
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    await services.users.unban(tokens["account_id"])
    await api.post("/oauth/revoke", data={"token": refreshed["refresh_token"]})
    user = await services.users.find(tokens["account_id"])
    assert user is not None
    await services.closing.close(user, by="operator")

    commands = {each["ns"].partition(".")[2] for each in profiled["system.profile"].find({})}
    assert commands >= {
        "users",
        "sessions",
        "avatars",
        "pending_logins",
        "identity_conflicts",
        "limit_counters",
    }
    assert walks(profiled) == set()


async def test_a_walk_would_be_seen(api: API, profiled: Database) -> None:
    await visit(api, "/accounts/wxapp", APPID)
    profiled.users.find_one({"profile.city": "nowhere"})
    assert walks(profiled) == {("users", "query")}
