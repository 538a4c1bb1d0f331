"""/accounts/me/sessions: where the user is signed in, as the user sees and ends it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId

from passport.services import Services
from tests.client import API, bearer
from tests.conftest import APPID, Clock

Database = pymongo.database.Database[dict[str, Any]]
SESSIONS = "/accounts/me/sessions"


async def sign_in(api: API, person: str, agent: str) -> dict[str, Any]:
    await api.registered(person)
    return (await api.token(api.wx_login(person), headers={"User-Agent": agent})).json


async def listed(api: API, tokens: dict[str, Any]) -> list[dict[str, Any]]:
    reply = await api.get(SESSIONS, headers=bearer(tokens["access_token"]))
    assert reply.status == 200
    return reply.json["sessions"]


async def test_the_list_names_each_device_newest_first_and_this_one(api: API, clock: Clock) -> None:
    await sign_in(api, "bo", "somebody else's")
    phone = await sign_in(api, "mei", "phone")
    clock.advance(minutes=5)
    tablet = await sign_in(api, "mei", "tablet")
    clock.advance(minutes=5)
    await api.refresh(phone["refresh_token"])

    newer, older = await listed(api, tablet)
    assert [each["user_agent"] for each in (newer, older)] == ["tablet", "phone"]
    assert [each["current"] for each in (newer, older)] == [True, False]
    assert (older["appid"], older["ip"]) == (APPID, "127.0.0.1")
    times = {name: datetime.fromisoformat(older[name]) for name in ("created_at", "last_used_at", "ends_at")}
    assert times["last_used_at"] - times["created_at"] >= timedelta(minutes=10)
    assert times["ends_at"] - times["created_at"] == timedelta(days=90)
    assert older.keys() == {
        "id",
        "appid",
        "created_at",
        "last_used_at",
        "ends_at",
        "ip",
        "user_agent",
        "current",
    }


async def test_a_session_that_is_over_is_not_listed(api: API, clock: Clock, services: Services) -> None:
    await sign_in(api, "mei", "forgotten")
    clock.advance(days=31)
    ended, phone = await sign_in(api, "mei", "ended"), await sign_in(api, "mei", "phone")
    await services.sessions.revoke(ended["refresh_token"])
    assert [each["user_agent"] for each in await listed(api, phone)] == ["phone"]


async def test_one_device_is_signed_out_by_its_id(api: API, database: Database) -> None:
    phone, tablet = await sign_in(api, "mei", "phone"), await sign_in(api, "mei", "tablet")
    (other,) = [each["id"] for each in await listed(api, tablet) if not each["current"]]
    for expected in (204, 404):
        reply = await api.delete(f"{SESSIONS}/{other}", headers=bearer(tablet["access_token"]))
        assert reply.status == expected
    assert (await api.me(phone["access_token"])).error == "invalid_token"
    assert (await api.me(tablet["access_token"])).status == 200
    assert database.sessions.count_documents({"ended_by": "user"}) == 1


async def test_nobody_signs_out_somebody_else(api: API, database: Database) -> None:
    bo, mei = await sign_in(api, "bo", "his"), await sign_in(api, "mei", "hers")
    (his,) = await listed(api, bo)
    reply = await api.delete(f"{SESSIONS}/{his['id']}", headers=bearer(mei["access_token"]))
    assert (reply.status, reply.error) == (404, "not_found")
    assert (await api.me(bo["access_token"])).status == 200
    assert database.sessions.count_documents({"ended_at": {"$ne": None}}) == 0


async def test_all_others_are_signed_out_and_this_one_goes_on(api: API, database: Database) -> None:
    bo = await sign_in(api, "bo", "his")
    phone, tablet = await sign_in(api, "mei", "phone"), await sign_in(api, "mei", "tablet")
    assert (await api.delete(SESSIONS, headers=bearer(tablet["access_token"]))).status == 204
    assert (await api.me(phone["access_token"])).error == "invalid_token"
    assert (await api.refresh(phone["refresh_token"])).error == "invalid_grant"
    refreshed = await api.refresh(tablet["refresh_token"])
    assert (await api.me(refreshed.json["access_token"])).status == 200
    assert (await api.me(bo["access_token"])).status == 200
    assert [each["user_agent"] for each in await listed(api, tablet)] == ["tablet"]
    assert database.sessions.count_documents({"ended_by": "user"}) == 1


async def test_a_living_session_is_listed_however_many_ended_after_it(
    api: API, database: Database, clock: Clock
) -> None:
    phone = await sign_in(api, "mei", "phone")
    session = database.sessions.find_one()
    newer = [
        {
            **session,
            "_id": ObjectId(),
            "created_at": session["created_at"] + timedelta(seconds=n),
            "ended_at": session["created_at"],
        }
        for n in range(1, 301)
    ]
    database.sessions.insert_many(newer)
    assert [each["user_agent"] for each in await listed(api, phone)] == ["phone"]
