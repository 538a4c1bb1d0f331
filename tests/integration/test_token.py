"""POST /oauth/token for a registered user: the answer, and the token as anybody else would verify it."""

from __future__ import annotations

import re
from typing import Any

import pymongo
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from passport.services import Services
from tests.client import API
from tests.conftest import APPID, Clock
from tests.integration.helpers import the_three

Database = pymongo.database.Database[dict[str, Any]]
JWKS = "/.well-known/jwks.json"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50 MiniProgramEnv/iOS"}


async def test_signing_in_answers_with_exactly_the_members_of_the_contract(api: API) -> None:
    account_id = await api.registered("mei")
    reply = await api.token(the_three(api.wx_login("mei")))

    assert reply.status == 200
    assert reply.json.keys() == {
        "account_id",
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
    }
    assert reply.json["account_id"] == account_id
    assert reply.json["token_type"] == "Bearer"
    assert reply.json["expires_in"] == 3600
    assert reply.headers["Pragma"] == "no-cache"


async def test_the_token_verifies_with_another_jose_library_against_the_published_keys(
    api: API, services: Services, clock: Clock
) -> None:
    account_id = await api.registered("mei")
    before = int(clock.timestamp())
    answer = (await api.token(api.wx_login("mei"))).json
    published = KeySet.import_key_set((await api.get(JWKS)).json)
    token = jwt.decode(answer["access_token"], published, algorithms=["ES256"])

    assert token.header.keys() == {"alg", "typ", "kid"}
    assert (token.header["alg"], token.header["typ"]) == ("ES256", "at+jwt")
    claims = token.claims
    assert claims.keys() == {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid"}
    assert claims["iss"] == claims["aud"] == services.settings.issuer
    assert (claims["sub"], claims["client_id"]) == (account_id, APPID)
    assert before <= claims["iat"] <= int(clock.timestamp())
    assert claims["exp"] - claims["iat"] == answer["expires_in"]


async def test_the_key_id_is_the_thumbprint_of_the_key(api: API) -> None:
    (published,) = (await api.get(JWKS)).json["keys"]
    key = ECKey.import_key(published)
    assert published["kid"] == key.thumbprint()


async def test_the_published_keys_hold_no_private_member_and_may_be_cached(api: API) -> None:
    reply = await api.get(JWKS)
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert reply.json.keys() == {"keys"}
    for key in reply.json["keys"]:
        assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


async def test_every_sign_in_has_a_token_and_a_session_of_its_own(api: API, database: Database) -> None:
    await api.registered("mei")
    published = KeySet.import_key_set((await api.get(JWKS)).json)
    claims = []
    for _ in range(2):
        token = (await api.token(api.wx_login("mei"))).json["access_token"]
        claims.append(jwt.decode(token, published, algorithms=["ES256"]).claims)

    assert claims[0]["jti"] != claims[1]["jti"]
    assert [str(each["_id"]) for each in database.sessions.find().sort("_id")] == [
        each["sid"] for each in claims
    ]


async def test_a_sign_in_leaves_one_session_with_address_and_user_agent(api: API, database: Database) -> None:
    account_id = await api.registered("mei")
    assert (await api.token(api.wx_login("mei"), headers=PHONE)).status == 200

    (session,) = database.sessions.find()
    assert session.keys() == {
        "_id",
        "user_id",
        "appid",
        "created_at",
        "ends_at",
        "expires_at",
        "ip",
        "user_agent",
        "epoch",
        "refresh",
        "last_used_at",
    }
    assert str(session["user_id"]) == account_id
    assert (session["appid"], session["ip"]) == (APPID, "127.0.0.1")
    assert session["user_agent"] == PHONE["User-Agent"]
    assert (session["expires_at"] - session["created_at"]).days == 190


async def test_a_long_user_agent_is_kept_in_part(api: API, database: Database) -> None:
    await api.registered("mei")
    await api.token(api.wx_login("mei"), headers={"User-Agent": "x" * 4000})
    assert database.sessions.find_one()["user_agent"] == "x" * 256


async def test_a_sign_in_is_counted_and_dated_before_it_is_answered(
    api: API, database: Database, clock: Clock
) -> None:
    await api.registered("mei")
    (registered,) = database.users.find()
    assert (registered["sign_ins"], registered["last_seen_at"]) == (0, registered["created_at"])

    for count in (1, 2):
        clock.advance(hours=1)
        since = clock()
        assert (await api.token(api.wx_login("mei"))).status == 200
        (user,) = database.users.find()
        assert user["sign_ins"] == count
        assert since <= user["last_seen_at"] <= clock()
    assert user["created_at"] == registered["created_at"]


async def test_no_token_is_told_when_the_sign_in_cannot_be_written(api: API, database: Database) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    fault = {"failCommands": ["update"], "errorCode": 8000, "namespace": f"{database.name}.users"}
    admin = database.client.admin
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fault)
    try:
        reply = await api.token(visit)
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")

    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert re.fullmatch("[1-9][0-9]*", reply.headers["Retry-After"])
    assert (await api.token(visit)).status == 200
    assert database.users.find_one()["sign_ins"] == 1
