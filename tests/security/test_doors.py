"""Every door closes together (R-019): a ban, sign-out everywhere, one session's end and a closed account, each tried at
login, at use, at refresh and at introspection, in the process that did it and in another, at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from passport.models import Device
from passport.services import Services
from passport.sessions import TokenPair
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import Clock
from tests.integration.helpers import Client, configured

SHOP = Client("shop", "kept-between-the-shop-and-us_1f7a93b0c5d2")
Tokens = dict[str, Any]
Act = Callable[[API, Services, Tokens], Awaitable[None]]
Door = Callable[[API, Tokens], Awaitable[Reply]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With a resource server that may introspect."""
    return {**configured(stand_in), "resource_servers": [{"id": SHOP.id, "secret": SHOP.secret}]}


async def ban(_api: API, services: Services, tokens: Tokens) -> None:
    assert await services.users.ban(tokens["account_id"], reason="spam", by="lin")


async def sign_out_everywhere(_api: API, services: Services, tokens: Tokens) -> None:
    user = await services.users.find(tokens["account_id"])
    assert user is not None
    assert await services.sessions.end_all(user, by="operator")


async def sign_out_from_another_device(api: API, _services: Services, _tokens: Tokens) -> None:
    elsewhere = await api.sign_in("mei")
    reply = await api.delete("/accounts/me/sessions", headers=bearer(elsewhere["access_token"]))
    assert reply.status == 204


async def end_this_session(api: API, services: Services, tokens: Tokens) -> None:
    sid = services.tokens.verify(tokens["access_token"]).session_id
    reply = await api.delete(f"/accounts/me/sessions/{sid}", headers=bearer(tokens["access_token"]))
    assert reply.status == 204


async def revoke_the_refresh_token(api: API, _services: Services, tokens: Tokens) -> None:
    assert (await api.post("/oauth/revoke", data={"token": tokens["refresh_token"]})).status == 200


async def revoke_the_access_token(api: API, _services: Services, tokens: Tokens) -> None:
    assert (await api.post("/oauth/revoke", data={"token": tokens["access_token"]})).status == 200


async def close_the_account(api: API, _services: Services, tokens: Tokens) -> None:
    code = api.wx_login("mei")["code"]
    reply = await api.delete("/accounts/me", json={"code": code}, headers=bearer(tokens["access_token"]))
    assert reply.status == 200


async def use(api: API, tokens: Tokens) -> Reply:
    return await api.me(tokens["access_token"])


async def refresh(api: API, tokens: Tokens) -> Reply:
    return await api.refresh(tokens["refresh_token"])


async def introspect(api: API, tokens: Tokens) -> Reply:
    return await api.post("/oauth/introspect", data={"token": tokens["access_token"]}, headers=SHOP.basic)


async def login(api: API, _tokens: Tokens) -> Reply:
    return await api.token(api.wx_login("mei"))


DEAD = {use: (401, "invalid_token"), refresh: (400, "invalid_grant")}
BANNED = {
    use: (403, "account_disabled"),
    refresh: (403, "account_disabled"),
    login: (403, "account_disabled"),
}
CLOSED = {**DEAD, login: (401, "unregistered")}
ACTS: list[tuple[Act, dict[Door, tuple[int, str]]]] = [
    (ban, BANNED),
    (sign_out_everywhere, DEAD),
    (sign_out_from_another_device, DEAD),
    (end_this_session, DEAD),
    (revoke_the_refresh_token, DEAD),
    (revoke_the_access_token, DEAD),
    (close_the_account, CLOSED),
]


@pytest.mark.parametrize(("act", "expected"), ACTS, ids=lambda each: getattr(each, "__name__", ""))
async def test_every_door_of_both_processes_is_closed_at_once(
    api: API,
    other_process: API,
    services: Services,
    act: Act,
    expected: dict[Door, tuple[int, str]],
) -> None:
    tokens = await api.sign_in("mei")
    for process in (api, other_process):
        assert (await use(process, tokens)).status == 200
        assert (await introspect(process, tokens)).json["active"] is True

    await act(api, services, tokens)

    for process in (other_process, api):
        for door, (status, error) in expected.items():
            reply = await door(process, tokens)
            assert (door.__name__, reply.status, reply.error) == (door.__name__, status, error)
        assert (await introspect(process, tokens)).json == {"active": False}


@pytest.mark.parametrize("act", [sign_out_everywhere, end_this_session, revoke_the_refresh_token])
async def test_who_was_signed_out_signs_in_anew(api: API, services: Services, act: Act) -> None:
    tokens = await api.sign_in("mei")
    await act(api, services, tokens)
    anew = await api.sign_in("mei")
    assert (await use(api, anew)).status == 200
    assert (await refresh(api, anew)).status == 200
    assert (await use(api, tokens)).error == "invalid_token"


async def test_one_session_ends_alone(api: API, services: Services) -> None:
    phone, tablet = await api.sign_in("mei"), await api.sign_in("mei")
    await end_this_session(api, services, phone)
    assert (await use(api, phone)).error == "invalid_token"
    assert (await use(api, tablet)).status == 200
    assert (await refresh(api, tablet)).status == 200


async def test_a_mini_program_that_is_taken_out_of_the_configuration_loses_its_tokens(
    api: API, services: Services
) -> None:
    tokens = await api.sign_in("mei")
    services.sessions._appids = {
        "wxanotherone000000"
    }  # as a restart with another configuration would have it
    assert (await use(api, tokens)).error == "invalid_token"
    assert (await refresh(api, tokens)).error == "invalid_grant"
    assert (await introspect(api, tokens)).json == {"active": False}


async def test_lifting_a_ban_revives_no_token(api: API, services: Services) -> None:
    tokens = await api.sign_in("mei")
    await ban(api, services, tokens)
    await services.users.unban(tokens["account_id"])
    assert (await use(api, tokens)).error == "invalid_token"
    assert (await refresh(api, tokens)).error == "invalid_grant"
    assert (await introspect(api, tokens)).json == {"active": False}
    assert (await login(api, tokens)).status == 200


async def test_a_ban_that_has_run_out_revives_no_token(api: API, services: Services, clock: Clock) -> None:
    tokens = await api.sign_in("mei")
    await services.users.ban(tokens["account_id"], reason="spam", by="lin", lasting=timedelta(minutes=5))
    clock.advance(minutes=6)
    assert (await use(api, tokens)).error == "invalid_token"
    assert (await refresh(api, tokens)).error == "invalid_grant"
    assert (await login(api, tokens)).status == 200


async def test_a_session_that_was_spared_once_is_not_spared_the_next_time(
    api: API, services: Services
) -> None:
    phone = await api.sign_in("mei")
    await api.delete("/accounts/me/sessions", headers=bearer(phone["access_token"]))
    assert (await use(api, phone)).status == 200
    await sign_out_everywhere(api, services, phone)
    assert (await use(api, phone)).error == "invalid_token"


async def test_a_session_that_was_ended_meanwhile_cannot_spare_itself(api: API, services: Services) -> None:
    phone = await api.sign_in("mei")
    before = await services.users.find(phone["account_id"])
    assert before is not None
    sid = services.tokens.verify(phone["access_token"]).session_id
    await sign_out_everywhere(api, services, phone)
    # As a request would that read the user a moment before.
    assert not await services.sessions.end_all(before, by="user", but=sid)
    assert (await use(api, phone)).error == "invalid_token"


async def test_a_sign_in_that_began_before_the_ban_gives_no_living_token(
    api: API, services: Services, stand_in: StandIn
) -> None:
    """Between reading the user and writing the session lies a moment; the epoch that was read decides."""
    account_id = await api.registered("mei")
    user = await services.users.find(account_id)
    assert user is not None
    await services.users.ban(account_id, reason="spam", by="lin")
    await services.users.unban(account_id)
    (pair,) = await services.sessions.start_all([(user, user.identities[0].appid, Device("::1", ""))])
    assert isinstance(pair, TokenPair)
    assert (await api.me(pair.access_token)).error == "invalid_token"
    assert (await api.refresh(pair.refresh_token)).error == "invalid_grant"
