"""Revocation (RFC 7009), introspection (RFC 7662) and metadata (RFC 8414), row by row."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import APPID, Clock
from tests.integration.helpers import OTHER_APPID, Client, basic, the_three, with_two_apps

Database = pymongo.database.Database[dict[str, Any]]
SHOP = Client("shop", "kept-between-the-shop-and-us_1f7a93b0c5d2")
GAME = Client("game", "kept-between-the-game-and-us_88e1~.44d07c")
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two apps; the shop may ask about tokens of both, the game about those of the other app."""
    servers = [
        {"id": SHOP.id, "secret": SHOP.secret},
        {"id": GAME.id, "secret": GAME.secret, "apps": [OTHER_APPID]},
    ]
    return {**with_two_apps(stand_in), "resource_servers": servers}


async def sign_in(api: API, appid: str = APPID) -> dict[str, Any]:
    visit = {"appid": appid} | the_three(api.wx_login("mei", appid=appid))
    assert (await api.register(visit)).status in (200, 201)
    return (await api.token({"appid": appid} | the_three(api.wx_login("mei", appid=appid)))).json


async def introspect(api: API, token: str, auth: Client = SHOP) -> Reply:
    return await api.post("/oauth/introspect", data={"token": token}, headers=auth.basic)


async def test_introspection_tells_what_the_token_says(api: API, services: Services) -> None:
    tokens = await sign_in(api)
    claims = services.tokens.verify(tokens["access_token"])
    reply = await introspect(api, tokens["access_token"])
    issuer = services.settings.issuer
    assert reply.json == {
        "active": True,
        "client_id": APPID,
        "token_type": "Bearer",
        "exp": claims.expires_at,
        "iat": claims.issued_at,
        "sub": tokens["account_id"],
        "aud": issuer,
        "iss": issuer,
        "jti": claims.token_id,
        "sid": claims.session_id,
    }


async def test_whatever_does_not_count_is_inactive_and_nothing_else_is_said(
    api: API, services: Services, clock: Clock, database: Database
) -> None:
    tokens = await sign_in(api)
    access_token = tokens["access_token"]
    for token in (
        tokens["refresh_token"],
        access_token + "x",
        access_token[:-4] + "AAAA",
        "x",
        "é",
        "{}",
        "a.b.c",
    ):
        assert (await introspect(api, token)).json == {"active": False}
    clock.advance(hours=2)
    assert (await introspect(api, access_token)).json == {"active": False}


async def test_a_resource_server_learns_nothing_of_another_apps_tokens(api: API) -> None:
    theirs, ours = await sign_in(api), await sign_in(api, OTHER_APPID)
    assert (await introspect(api, theirs["access_token"], GAME)).json == {"active": False}
    assert (await introspect(api, ours["access_token"], GAME)).json["active"] is True
    assert (await introspect(api, ours["access_token"], SHOP)).json["active"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("shop:wrong"),
        basic(f"stranger:{SHOP.secret}"),
        basic(f"game:{SHOP.secret}"),
        basic("shop"),
        basic(":"),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic"},
        {"Authorization": f"Digest {SHOP.secret}"},
    ],
)
@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
async def test_a_client_that_does_not_prove_who_it_is_is_refused(
    api: API, headers: dict[str, str], path: str
) -> None:
    tokens = await sign_in(api)
    reply = await api.post(path, data={"token": tokens["refresh_token"]}, headers=headers)
    if path == "/oauth/revoke" and not headers.get("Authorization", "").startswith("Basic"):
        assert reply.status == 200  # a mini-program is a public client and signs out by its token alone
        return
    assert (reply.status, reply.error) == (401, "invalid_client")
    assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    assert (await api.refresh(tokens["refresh_token"])).status == 200


async def test_a_bearer_may_not_introspect(api: API) -> None:
    tokens = await sign_in(api)
    reply = await api.post(
        "/oauth/introspect", data={"token": tokens["access_token"]}, headers=bearer(tokens["access_token"])
    )
    assert (reply.status, reply.error) == (401, "invalid_client")


async def test_an_access_token_beside_the_token_to_revoke_is_no_client_authentication(api: API) -> None:
    """As wrappers of wx.request send it with every call; a sign-out must not fail of it."""
    tokens = await sign_in(api)
    reply = await api.post(
        "/oauth/revoke", data={"token": tokens["refresh_token"]}, headers=bearer(tokens["access_token"])
    )
    assert reply.status == 200
    assert (await api.me(tokens["access_token"])).error == "invalid_token"


async def test_a_parameter_without_a_value_counts_as_omitted(api: API) -> None:
    """RFC 6749 section 3.2; public clients send an empty client_secret."""
    tokens = await sign_in(api)
    empty = {"client_id": "", "client_secret": "", "scope": ""}
    refreshed = await api.post(
        "/oauth/token",
        data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **empty},
    )
    assert refreshed.status == 200
    body = {"token": refreshed.json["refresh_token"], "token_type_hint": "", **empty}
    assert (await api.post("/oauth/revoke", data=body)).status == 200
    assert (await api.me(tokens["access_token"])).error == "invalid_token"
    visit = {"grant_type": "", "appid": APPID} | the_three(api.wx_login("mei"))
    assert (await api.post("/oauth/token", data=visit)).status == 200


async def test_a_refresh_token_is_bound_to_its_client(api: API, database: Database) -> None:
    """RFC 6749 section 6."""
    tokens = await sign_in(api)
    body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    other = await api.post("/oauth/token", data={**body, "client_id": OTHER_APPID})
    assert (other.status, other.error) == (400, "invalid_grant")
    assert "ended_at" not in database.sessions.find_one()
    assert (await api.post("/oauth/token", data={**body, "client_id": APPID})).status == 200


async def test_credentials_may_come_in_the_body_but_not_twice(api: API) -> None:
    token = (await sign_in(api))["access_token"]
    body = {"token": token, "client_id": GAME.id, "client_secret": GAME.secret}
    assert (await api.post("/oauth/introspect", data=body)).json == {"active": False}
    assert (await api.post("/oauth/introspect", json=body)).json == {"active": False}
    twice = await api.post("/oauth/introspect", data=body, headers=SHOP.basic)
    assert (twice.status, twice.error) == (400, "invalid_request")


async def test_a_secret_may_come_form_encoded_within_basic(api: API) -> None:
    """RFC 6749 section 2.3.1. No secret needs it, so a client that does not do it is understood as well."""
    token = (await sign_in(api, OTHER_APPID))["access_token"]
    encoded = "game:kept%2Dbetween-the-game-and-us%5F88e1%7E%2E44d07c"
    reply = await api.post("/oauth/introspect", data={"token": token}, headers=basic(encoded))
    assert reply.json["active"] is True


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": "x" * 8193}, {"tokens": "x"}])
async def test_a_request_without_a_sound_token_is_malformed(
    api: API, path: str, body: dict[str, str]
) -> None:
    reply = await api.post(path, data=body, headers=SHOP.basic)
    assert (reply.status, reply.error) == (400, "invalid_request")
    assert "token" in reply.json["error_description"]


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "something_else"])
async def test_revoking_either_token_ends_its_session_whatever_the_hint(
    api: API, database: Database, kind: str, hint: str | None
) -> None:
    tokens = await sign_in(api)
    body = {"token": tokens[kind]} | ({"token_type_hint": hint} if hint else {})
    reply = await api.post("/oauth/revoke", data=body)
    assert (reply.status, reply.json) == (200, {})
    assert database.sessions.find_one()["ended_by"] == "client"
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"


async def test_revoking_what_does_not_count_is_a_success_and_changes_nothing(
    api: API, database: Database
) -> None:
    tokens = await sign_in(api)
    before = list(database.sessions.find())
    for token in ("x", "wpr_" + "A" * 86, tokens["access_token"] + "x", "é", tokens["refresh_token"][:-1]):
        assert (await api.post("/oauth/revoke", data={"token": token})).status == 200
    assert list(database.sessions.find()) == before


async def test_an_old_refresh_token_of_a_session_still_signs_out(api: API) -> None:
    """Whoever signs out holds a token of the session; that it is not the newest is no reason to stay signed in."""
    first = await sign_in(api)
    second = (await api.refresh(first["refresh_token"])).json
    await api.post("/oauth/revoke", data={"token": first["refresh_token"]})
    assert (await api.me(second["access_token"])).error == "invalid_token"


async def test_everything_the_metadata_names_is_there(api: API, services: Services) -> None:
    reply = await api.get(METADATA)
    metadata, base = reply.json, services.settings.issuer
    assert metadata["issuer"] == base
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        reply = await api.post(metadata[name].removeprefix(base), data={})
        assert reply.error in ("invalid_request", "invalid_client")
    assert (await api.get(metadata["jwks_uri"].removeprefix(base))).json["keys"]
    for grant in metadata["grant_types_supported"]:
        reply = await api.post("/oauth/token", json={"grant_type": grant})
        assert reply.error == "invalid_request"


async def test_the_metadata_of_another_issuer_is_not_here(api: API) -> None:
    assert (await api.get(METADATA + "/tenant")).error == "not_found"
