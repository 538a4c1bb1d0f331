"""GET /accounts/me: who may ask, in which words, and the challenge when not (RFC 6750, RFC 9110 section 11)."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from multidict import CIMultiDict

from tests.client import API
from tests.conftest import Clock

ME = "/accounts/me"
PLAIN_CHALLENGE = 'Bearer realm="wxpassport"'
TOKEN_CHALLENGE = 'Bearer realm="wxpassport", error="invalid_token"'


async def test_the_bearer_of_a_token_sees_their_account(api: API) -> None:
    registered = (await api.register(api.wx_login("mei"))).json
    token = (await api.token(api.wx_login("mei"))).json["access_token"]
    reply = await api.get(ME, headers={"Authorization": f"Bearer {token}"})

    assert reply.status == 200
    assert reply.json.keys() == {"account_id", "created_at", "profile"}
    assert {name: reply.json[name] for name in registered} == registered
    assert reply.json["profile"]["nickname"] == "小美🌸"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_may_be_written_in_any_case(api: API, scheme: str) -> None:
    token = await api.signed_in("mei")
    assert (await api.get(ME, headers={"Authorization": f"{scheme} {token}"})).status == 200


async def test_without_a_token_the_challenge_names_no_error(api: API) -> None:
    reply = await api.get(ME)
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["WWW-Authenticate"] == PLAIN_CHALLENGE


@pytest.mark.parametrize(
    "authorization", ["", "Basic {token}", "{token}", "Bearer\t{token}", "BearerX {token}"]
)
async def test_another_scheme_is_challenged_like_no_token(api: API, authorization: str) -> None:
    token = await api.signed_in("mei")
    reply = await api.get(ME, headers={"Authorization": authorization.format(token=token)})
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["WWW-Authenticate"] == PLAIN_CHALLENGE


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer {token}x", "Bearer x {token}"])
async def test_anything_but_one_whole_token_is_invalid(api: API, authorization: str) -> None:
    token = await api.signed_in("mei")
    reply = await api.get(ME, headers={"Authorization": authorization.format(token=token)})
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["WWW-Authenticate"] == TOKEN_CHALLENGE


async def test_two_authorization_headers_are_refused_even_when_both_are_good(api: API) -> None:
    good = f"Bearer {await api.signed_in('mei')}"
    reply = await api.get(ME, headers=CIMultiDict([("Authorization", good), ("Authorization", good)]))
    assert (reply.status, reply.error) == (401, "invalid_token")


async def test_a_token_in_the_query_or_the_body_is_not_looked_at(api: API) -> None:
    token = await api.signed_in("mei")
    for where in ({"params": {"access_token": token}}, {"data": {"access_token": token}}):
        reply = await api.get(ME, **where)
        assert (reply.status, reply.error) == (401, "invalid_token")


async def test_a_token_is_good_for_its_hour_and_no_longer(api: API, clock: Clock) -> None:
    headers = {"Authorization": f"Bearer {await api.signed_in('mei')}"}
    clock.advance(minutes=59)
    assert (await api.get(ME, headers=headers)).status == 200
    clock.advance(minutes=2)
    reply = await api.get(ME, headers=headers)
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["WWW-Authenticate"] == TOKEN_CHALLENGE


async def test_a_token_ends_with_its_account(
    api: API, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    headers = {"Authorization": f"Bearer {await api.signed_in('mei')}"}
    database.users.delete_many({})
    reply = await api.get(ME, headers=headers)
    assert (reply.status, reply.error) == (401, "invalid_token")
