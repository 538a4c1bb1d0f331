"""One token in the place of another (R-005, R-046): each kind at each bearer route, refresh, revoke and introspection.

The bearer routes are read from the URL table, so a new one is in the matrix by itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import Clock
from tests.integration.helpers import OTHER_APPID, Client, basic
from tests.security.conftest import GAME, SHOP, Tokens, with_resource_servers
from tests.security.forged_tokens import Forger
from tests.security.targets import for_a_bearer
from tests.security.token_kinds import (
    KINDS,
    Kind,
    Stage,
    access_token_of_bos_session,
    expired_refresh_token,
    good_access_token,
    good_refresh_token,
)

INACTIVE = (200, {"active": False})
CALLERS: dict[str, dict[str, str]] = {
    "the shop": SHOP.basic,
    "the game, of another app": GAME.basic,
    "a wrong secret": Client("shop", GAME.secret).basic,
    "nobody": {},
}
REFUSED_CALLERS = ("a wrong secret", "nobody")
# Where a kind is worth what it is meant for; everywhere else it is worth nothing.
ADMITTED: dict[Kind, str] = {good_access_token: "bearer", good_refresh_token: "refresh"}
# A refresh token that has expired still names a session, and signing out is never too late (RFC 7009 section 2.1).
# What our own key signed names one, too, whoever's it is; nobody else can sign that.
REVOKES = {good_access_token, good_refresh_token, expired_refresh_token, access_token_of_bos_session}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """The shop may ask about tokens of all apps, the game about those of another app."""
    return with_resource_servers(stand_in)


@pytest.fixture
def stage(
    api: API, services: Services, database: Any, clock: Clock, mongodb_uri: str, tokens: Tokens
) -> Stage:
    """Mei, signed in."""
    return Stage(api, services, database, clock, mongodb_uri, tokens)


async def introspected(api: API, token: str, caller: str = "the shop") -> Reply:
    return await api.post("/oauth/introspect", json={"token": token}, headers=CALLERS[caller])


def left(database: Any) -> list[Any]:
    """What must not change by a token that is worth nothing."""
    return [list(database[name].find()) for name in ("users", "sessions")]


def test_the_matrix_is_as_large_as_it_should_be() -> None:
    consumers = len(for_a_bearer()) + len(("refresh", "revoke")) + len(CALLERS)
    assert {str(each) for each in for_a_bearer()} >= {"GET /accounts/me", "DELETE /accounts/me/avatar"}
    assert len(KINDS) * consumers >= 340


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
async def test_no_bearer_route_admits_anything_but_an_access_token(stage: Stage, kind: Kind) -> None:
    token = await kind(stage)
    before, wrong = left(stage.database), {}
    for route in for_a_bearer():
        if ADMITTED.get(kind) == "bearer" and route.method == "DELETE" and not route.operation.bodies:
            continue  # admitted, it would do what it is there for; the next test has it
        options: Any = {"json": {}} if route.operation.bodies else {}
        reply = await stage.api.request(route.method, route.path, headers=bearer(token), **options)
        if ADMITTED.get(kind) == "bearer":
            if reply.status in (401, 500):
                wrong[str(route)] = reply
            continue
        challenge = reply.headers.get("WWW-Authenticate")
        if (reply.status, reply.error, challenge) != (
            401,
            "invalid_token",
            'Bearer realm="wxpassport", error="invalid_token"',
        ):
            wrong[str(route)] = reply
    assert wrong == {}
    if ADMITTED.get(kind) != "bearer":
        assert left(stage.database) == before


async def test_the_good_access_token_is_admitted_where_it_deletes_too(stage: Stage) -> None:
    deleting = [each for each in for_a_bearer() if each.method == "DELETE" and not each.operation.bodies]
    assert len(deleting) >= 4
    for route in deleting:
        reply = await stage.api.delete(route.path, headers=bearer(await good_access_token(stage)))
        assert reply.status == (404 if route.parameters else 204)


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
async def test_no_refresh_takes_anything_but_a_refresh_token(stage: Stage, kind: Kind) -> None:
    token = await kind(stage)
    before = left(stage.database)
    reply = await stage.api.refresh(token)
    if ADMITTED.get(kind) == "refresh":
        assert reply.status == 200
        return
    assert (reply.status, reply.error) == (400, "invalid_grant")
    assert left(stage.database) == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
async def test_no_revocation_ends_a_session_for_anything_but_its_token(stage: Stage, kind: Kind) -> None:
    token = await kind(stage)
    before = left(stage.database)
    for options in (
        {"data": {"token": token}},
        {"json": {"token": token, "token_type_hint": "access_token"}},
    ):
        reply = await stage.api.post("/oauth/revoke", **options)
        assert (reply.status, reply.json) == (200, {})
    assert (left(stage.database) != before) is (kind in REVOKES)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda each: each.__name__)
async def test_introspection_tells_of_nothing_but_an_access_token_and_only_whom_it_concerns(
    stage: Stage, kind: Kind, caller: str
) -> None:
    token = await kind(stage)
    reply = await introspected(stage.api, token, caller)
    if caller in REFUSED_CALLERS:
        assert (reply.status, reply.error) == (401, "invalid_client")
        assert "active" not in reply.json
    elif (kind, caller) == (good_access_token, "the shop"):
        assert reply.json["active"] is True
        assert reply.json["sub"] == stage.tokens["account_id"]
    else:
        assert (reply.status, reply.json) == INACTIVE


async def test_the_game_is_told_of_its_own_app_and_the_shop_of_both(api: API) -> None:
    visit = {**api.wx_login("mei", appid=OTHER_APPID), "appid": OTHER_APPID}
    assert (await api.register(visit)).status == 201
    token = (await api.token(visit)).json["access_token"]
    for caller in ("the shop", "the game, of another app"):
        assert (await introspected(api, token, caller)).json["active"] is True


# --- forged tokens at the endpoints that read a token from the body --------------------------------------------


def sendable(forger: Forger) -> dict[str, str]:
    """The corpus without what is too large for any body; that is refused by its length alone (R-034)."""
    return {name: token for name, token in forger.everything().items() if len(token) < 100_000}


@pytest.mark.gen_test(timeout=200)
async def test_no_forged_token_is_active_or_says_why_not(stage: Stage) -> None:
    corpus = sendable(stage.forger)
    wrong, sent = {}, 0
    for name, token in corpus.items():
        reply = await introspected(stage.api, token)
        sent += 1
        if not 1 <= len(token) <= 8192:
            # Read before it is a token at all, as any other parameter.
            assert reply.error in ("invalid_request", "payload_too_large"), name
        elif "\ud800" in token:
            assert reply.error == "invalid_request", name
        elif (reply.status, reply.json) != INACTIVE:
            wrong[name] = reply
    assert wrong == {}
    assert sent >= 150
    assert (await introspected(stage.api, stage.forger.says())).json["active"] is True


@pytest.mark.gen_test(timeout=200)
async def test_no_forged_token_ends_or_continues_a_session(stage: Stage) -> None:
    before = left(stage.database)
    # `sub` is not what a session is found by; whoever can sign could sign out everybody anyway.
    corpus = {
        name: token for name, token in sendable(stage.forger).items() if "wrong_claims: sub" not in name
    }
    for name, token in corpus.items():
        revoked = await stage.api.post("/oauth/revoke", json={"token": token})
        assert revoked.json == {} or revoked.error in ("invalid_request", "payload_too_large"), name
        refreshed = await stage.api.token({"grant_type": "refresh_token", "refresh_token": token})
        assert refreshed.error in ("invalid_grant", "invalid_request", "payload_too_large"), name
    assert left(stage.database) == before


@pytest.mark.parametrize(
    "credentials",
    [f"shop:{SHOP.secret}x", f"shop:{SHOP.secret[:-1]}", f"SHOP:{SHOP.secret}", f":{SHOP.secret}",
     f"shop%00:{SHOP.secret}", "shop:", f"game:{SHOP.secret}", f"shop :{SHOP.secret}",
     f"shop:{SHOP.secret}\x00", "shop:\ud800", "$ne:$ne"],
)  # fmt: skip
async def test_a_caller_who_is_nearly_the_shop_is_nobody(stage: Stage, credentials: str) -> None:
    as_text = credentials.encode("utf-8", "surrogatepass").decode("latin1")
    reply = await stage.api.post(
        "/oauth/introspect", data={"token": stage.tokens["access_token"]}, headers=basic(as_text)
    )
    assert (reply.status, reply.error) == (401, "invalid_client")


def test_the_forger_is_the_one_whose_tokens_pass_where_they_are_good(stage: Stage) -> None:
    assert isinstance(stage.forger, Forger)
    assert stage.services.tokens.verify(stage.forger.says()).user_id == stage.tokens["account_id"]
