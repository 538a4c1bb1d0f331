"""One user's token and another's ids (R-013): every route that takes an id, in its path, body or query, says no.

Ids in a path are read from the URL table, so that a new one must say here whose it may be.
"""

from __future__ import annotations

from typing import Any

import pytest

from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import APPID
from tests.pictures import fetched, path_of, plain, upload
from tests.security.conftest import SHOP, Tokens, with_resource_servers
from tests.security.targets import for_a_bearer, targets

Database = Any
# Whose each id of a path is. A picture is for everybody who was told its name, which has 128 bits and is no counter;
# the others are no user's.
USERS_OWN = {"session_id"}
NOBODYS = {"avatar_id", "appid", "issuer_path"}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With resource servers."""
    return with_resource_servers(stand_in)


@pytest.fixture
def bo(io_loop: Any, api: API, tokens: Tokens) -> Tokens:
    """What bo's sign-in answered; mei's came before."""

    async def sign_in() -> Tokens:
        visit = {**api.wx_login("bo"), "appid": APPID}
        assert (await api.register(visit)).status == 201
        answered: Tokens = (await api.token(visit)).json
        reply = await upload(api, answered["access_token"], plain(size=(20, 20)))
        code = api.stand_in.people.phone_code("bo")
        headers = bearer(answered["access_token"])
        assert (
            await api.post("/accounts/me/phone", json={"phone_code": code}, headers=headers)
        ).status == 200
        entered = await api.put("/accounts/me", json={"nickname": "b0-only"}, headers=headers)
        assert entered.status == 200
        return {**answered, "picture": path_of(reply)}

    signed_in: Tokens = io_loop.run_sync(sign_in)
    return signed_in


def of(database: Database, account_id: str) -> list[Any]:
    """All documents of this user."""
    documents = [each for name in ("users", "sessions", "avatars") for each in database[name].find()]
    return [each for each in documents if account_id in (str(each["_id"]), str(each.get("user_id")))]


def test_every_id_of_a_path_is_known_here() -> None:
    assert {name for each in targets() for name in each.parameters} == USERS_OWN | NOBODYS
    assert {name for each in for_a_bearer() for name in each.parameters} == USERS_OWN


async def test_every_route_with_anothers_id_in_its_path_is_not_found(
    api: API, services: Services, database: Database, tokens: Tokens, bo: Tokens
) -> None:
    his, before = services.tokens.verify(bo["access_token"]).session_id, of(database, bo["account_id"])
    taking = [each for each in for_a_bearer() if each.parameters]
    assert taking
    for route in taking:
        told = []
        for session_id in (his, "0" * 24):
            path = route.with_ids(session_id=session_id)
            reply = await api.request(route.method, path, headers=bearer(tokens["access_token"]))
            told.append((reply.status, reply.error, reply.json["error_description"], reply.json["hint"]))
        # That there is such a session is not told either.
        assert told[0] == told[1]
        assert told[0][:2] == (404, "not_found")
    assert of(database, bo["account_id"]) == before
    assert (await api.me(bo["access_token"])).status == 200


IDS = ("account_id", "user_id", "id", "_id", "sub", "session_id", "sid", "openid", "appid", "avatar", "phone")


def anothers(bo: Tokens, api: API) -> dict[str, str]:
    """Bo's ids by every name that they could have."""
    others = {"openid": api.stand_in.people.openid("bo"), "appid": APPID, "avatar": bo["picture"][-22:]}
    return dict.fromkeys(IDS, bo["account_id"]) | others | {"phone": "+8613800000002"}


async def test_anothers_id_in_a_query_a_body_or_a_header_chooses_nobody(
    api: API, database: Database, tokens: Tokens, bo: Tokens
) -> None:
    before, theirs = of(database, bo["account_id"]), anothers(bo, api)
    named = {f"X-{name.replace('_', '-')}": value for name, value in theirs.items()}
    for route in for_a_bearer():
        if str(route) in ("POST /accounts/me/avatar", "DELETE /accounts/me/sessions/{session_id}"):
            continue  # a multipart body, and a path of its own: both are elsewhere
        options: Any = {"json": theirs} if route.operation.bodies else {}
        reply = await api.request(
            route.method,
            route.path,
            params=theirs,
            headers={**bearer(tokens["access_token"]), **named},
            **options,
        )
        assert reply.status in (200, 204, 403), route
        assert "b0-only" not in str(reply.json)
        assert reply.json.get("account_id", tokens["account_id"]) == tokens["account_id"]
        assert of(database, bo["account_id"]) == before, route


async def test_a_code_of_anothers_does_not_close_their_account_nor_ones_own(
    api: API, database: Database, tokens: Tokens, bo: Tokens
) -> None:
    before = of(database, bo["account_id"]), of(database, tokens["account_id"])
    body = {"code": api.wx_login("bo")["code"]}
    reply = await api.delete("/accounts/me", json=body, headers=bearer(tokens["access_token"]))
    assert (reply.status, reply.error) == (403, "wrong_user")
    assert (of(database, bo["account_id"]), of(database, tokens["account_id"])) == before


async def test_what_mei_ends_and_removes_is_hers_alone(
    api: API, database: Database, tokens: Tokens, bo: Tokens
) -> None:
    before, headers = of(database, bo["account_id"]), bearer(tokens["access_token"])
    for path in ("/accounts/me/phone", "/accounts/me/avatar", "/accounts/me/sessions"):
        assert (await api.delete(path, headers=headers)).status == 204
    assert (await api.put("/accounts/me", json={"nickname": None}, headers=headers)).status == 200
    assert (await api.post("/oauth/revoke", data={"token": tokens["refresh_token"]})).status == 200
    assert of(database, bo["account_id"]) == before
    assert (await api.me(bo["access_token"])).json["profile"]["nickname"] == "b0-only"


async def test_one_users_lists_and_export_hold_nothing_of_anothers(
    api: API, services: Services, tokens: Tokens, bo: Tokens
) -> None:
    his = {bo["account_id"], services.tokens.verify(bo["access_token"]).session_id, "b0-only", "13800000002"}
    his |= {api.stand_in.people.openid("bo"), bo["picture"][-22:]}
    told: list[Reply] = []
    for path in ("/accounts/me", "/accounts/me/sessions", "/accounts/me/export"):
        told.append(await api.get(path, headers=bearer(tokens["access_token"])))
    assert {each for each in his if each in str([reply.json for reply in told])} == set()
    own = await api.get("/accounts/me/export", headers=bearer(bo["access_token"]))
    assert {each for each in his if each in str(own.json)} == his


async def test_a_picture_tells_nothing_of_whose_it_is(api: API, tokens: Tokens, bo: Tokens) -> None:
    status, headers, content = await fetched(api, bo["picture"])
    assert status == 200
    assert bo["account_id"].encode() not in content
    assert bo["account_id"] not in str(headers)
    assert {"Set-Cookie", "Location"}.isdisjoint(headers)


async def test_introspection_tells_nothing_of_the_person(api: API, bo: Tokens) -> None:
    reply = await api.post("/oauth/introspect", data={"token": bo["access_token"]}, headers=SHOP.basic)
    assert reply.json.keys() == {
        "active", "client_id", "token_type", "exp", "iat", "sub", "aud", "iss", "jti", "sid",
    }  # fmt: skip
