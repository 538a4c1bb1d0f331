"""The first visit: one code of wx.login carries a new user from 401 to a token."""

from __future__ import annotations

from typing import Any

import pymongo

from tests.client import API
from tests.conftest import Clock

Database = pymongo.database.Database[dict[str, Any]]


async def test_one_code_carries_a_new_user_from_401_over_registration_to_a_token(api: API) -> None:
    visitor = api.wx_login()
    refused = await api.token(visitor)
    registered = await api.register(visitor)
    signed_in = await api.token(visitor)

    assert (refused.status, refused.error) == (401, "unregistered")
    assert registered.status == 201
    assert signed_in.status == 200
    assert signed_in.json["account_id"] == registered.json["account_id"]
    assert signed_in.json["token_type"] == "Bearer"
    assert api.stand_in.calls.of(visitor["code"]) == 1


async def test_the_code_is_kept_for_five_minutes_and_no_longer(api: API, clock: Clock) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    clock.advance(minutes=4, seconds=50)
    assert (await api.register(visitor)).status == 201
    clock.advance(seconds=20)
    reply = await api.token(visitor)
    assert (reply.status, reply.error) == (403, "code_used")
    assert api.stand_in.calls.total == 1


async def test_after_five_minutes_a_fresh_code_finishes_the_visit(api: API, clock: Clock) -> None:
    assert (await api.token(api.wx_login("mei"))).status == 401
    clock.advance(minutes=6)
    again = api.wx_login("mei")
    assert [(await call(again)).status for call in (api.token, api.register, api.token)] == [401, 201, 200]
    assert api.stand_in.calls.total == 2


async def test_the_visit_leaves_one_user_one_session_and_a_spent_code(api: API, database: Database) -> None:
    visitor = api.wx_login("mei")
    for call in (api.token, api.register, api.token):
        await call(visitor)

    assert database.users.count_documents({}) == 1
    assert database.sessions.count_documents({}) == 1
    (record,) = database.pending_logins.find()
    assert record["status"] == "consumed"
    assert "sealed_session" not in record


async def test_the_visit_by_forms_is_the_same_visit(api: API) -> None:
    visitor = api.wx_login()
    paths = ("/oauth/token", "/accounts/wxapp", "/oauth/token")
    assert [(await api.post(path, data=visitor)).status for path in paths] == [401, 201, 200]
    assert api.stand_in.calls.total == 1


async def test_a_visitor_who_registers_first_needs_no_401(api: API) -> None:
    visitor = api.wx_login()
    assert [(await call(visitor)).status for call in (api.register, api.token)] == [201, 200]
    assert api.stand_in.calls.total == 1
