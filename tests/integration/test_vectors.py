"""Published payloads over HTTP: the official vector and its broken variants (wechat.md 3.2), and the synthetic ones."""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import quote

import pymongo
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox import StandIn, payloads
from tests.client import API, Credentials
from tests.conftest import APP_SECRET, APPID
from tests.integration.helpers import KEY, configured
from tests.vectors import OFFICIAL, Vector, name_of, of_kind

Database = pymongo.database.Database[dict[str, Any]]
SYNTHETIC_APPID = "wx0000000000000001"
OPENID = OFFICIAL["expected"]["openId"]


@pytest.fixture
def configuration(stand_in: StandIn, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The one app of the vector, and no freshness window: the payloads are from 2016 and 2024."""
    call = getattr(request.node, "callspec", None)
    vector = call.params.get("vector") if call else None
    appid = (vector and vector["appid"]) or APPID
    stand_in.people.apps = {appid: APP_SECRET}
    return configured(stand_in, apps=[{"appid": appid, "secret": APP_SECRET}], freshness="off")


def fields_of(vector: Vector, stand_in: StandIn) -> Credentials:
    """A code that WeChat answers with the vector's session_key and openid, and the vector's payload."""
    code = secrets.token_hex(16)
    openid = vector["expected"].get("openId", "o_SYNTHETIC_0000000000000001")
    stand_in.people.script(code, openid, vector["session_key"], vector["expected"].get("unionId") or None)
    return {"code": code, "encryptedData": vector["encrypted_data"], "iv": vector["iv"]}


async def test_the_official_vector_registers_and_signs_in(api: API, database: Database) -> None:
    fields = fields_of(OFFICIAL, api.stand_in)
    registered = await api.register(fields)
    signed_in = await api.token(fields)

    assert (registered.status, signed_in.status) == (201, 200)
    published = KeySet.import_key_set((await api.get("/.well-known/jwks.json")).json)
    token = jwt.decode(signed_in.json["access_token"], published, algorithms=["ES256"])
    assert token.claims["sub"] == registered.json["account_id"]
    (user,) = database.users.find()
    assert user["identities"] == [{"appid": APPID, "openid": OPENID}]
    assert user["unionid"] == OFFICIAL["expected"]["unionId"]
    assert (user["profile"]["nickname"], user["profile"]["gender"]) == ("Band", 1)
    assert user["profile"]["avatar_url"].startswith("https://wx.qlogo.cn/mmopen/vi_32/")


@pytest.mark.parametrize("vector", of_kind("userinfo"), ids=name_of)
async def test_userinfo_vector_registers_and_signs_in(api: API, database: Database, vector: Vector) -> None:
    fields = fields_of(vector, api.stand_in)
    assert (await api.register(fields)).status == 201
    assert (await api.token(fields)).status == 200
    nickname = vector["expected"].get("nickName")
    stored = database.users.find_one()["profile"].get("nickname")
    assert stored == (None if nickname in ("", "微信用户") else nickname)


@pytest.mark.parametrize("vector", of_kind("phone", "rundata"), ids=name_of)
async def test_other_payloads_of_the_same_person_sign_in_and_change_no_profile(
    api: API, database: Database, vector: Vector
) -> None:
    fields = fields_of(vector, api.stand_in)
    assert (await api.register(fields)).status == 201
    assert database.users.find_one()["profile"] == {}


@pytest.mark.parametrize("vector", of_kind("signature"), ids=name_of)
async def test_signature_vector_is_checked_over_its_exact_text(api: API, vector: Vector) -> None:
    code, key = secrets.token_hex(16), vector["session_key"]
    openid = api.stand_in.people.openid("mei")
    api.stand_in.people.script(code, openid, key)
    data = payloads.user_info(appid=APPID, openid=openid, unionid=None, profile={}, timestamp=0)
    fields = {"code": code, **payloads.encrypt(payloads.compact(data).encode(), key)}
    signed = fields | {"rawData": vector["raw_data"], "signature": vector["signature"]}
    reformatted = json.dumps(json.loads(vector["raw_data"]))

    for wrong in ({"rawData": reformatted}, {"signature": "0" * 40}, {"rawData": ""}):
        reply = await api.register(signed | wrong)
        assert (reply.status, reply.error) == (403, "signature_mismatch")
    assert (await api.register(signed)).status == 201


def flipped(iv: str, position: int, mask: int) -> str:
    changed = bytearray(b64decode(iv))
    changed[position] ^= mask
    return b64encode(changed).decode()


DATA, IV = OFFICIAL["encrypted_data"], OFFICIAL["iv"]
IN_LINES = "\n".join(DATA[start : start + 32] for start in range(0, len(DATA), 32))
REPAIRED = {
    "+ became a space": {"encryptedData": DATA.replace("+", " "), "iv": IV.replace("+", " ")},
    "iv percent-encoded": {"iv": quote(IV, safe="")},
    "data percent-encoded": {"encryptedData": quote(DATA, safe="")},
    "no = on iv": {"iv": IV.rstrip("=")},
    "no = on data": {"encryptedData": DATA.rstrip("=")},
}
REFUSED = {
    "newlines every 32 characters": ({"encryptedData": IN_LINES}, "invalid_request"),
    "URL-safe alphabet": ({"encryptedData": DATA.translate(str.maketrans("+/", "-_"))}, "invalid_request"),
    "iv of 15 bytes": ({"iv": b64encode(b64decode(IV)[:15]).decode()}, "invalid_request"),
    "empty data": ({"encryptedData": ""}, "invalid_request"),
    "half a block cut": ({"encryptedData": DATA[:-12]}, "invalid_request"),
    "last block cut": ({"encryptedData": b64encode(b64decode(DATA)[:-16]).decode()}, "decrypt_failed"),
    "wrong iv": ({"iv": "AAAAAAAAAAAAAAAAAAAAAA=="}, "decrypt_failed"),
    # Byte 11 is the first letter of the openid: still JSON, still our watermark, another person.
    "flipped iv": ({"iv": flipped(IV, 11, 1)}, "decrypt_failed"),
}


@pytest.mark.parametrize("change", REPAIRED.values(), ids=REPAIRED.keys())
async def test_the_official_vector_is_repaired(api: API, change: dict[str, str]) -> None:
    assert (await api.register(fields_of(OFFICIAL, api.stand_in) | change)).status == 201


@pytest.mark.parametrize(("change", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_the_official_vector_is_refused_when_broken(
    api: API, database: Database, change: dict[str, str], error: str
) -> None:
    reply = await api.register(fields_of(OFFICIAL, api.stand_in) | change)
    assert (reply.status, reply.error) == (403, error)
    assert database.users.count_documents({}) == 0
    assert api.stand_in.calls.total == (1 if error == "decrypt_failed" else 0)


@pytest.mark.parametrize(
    "answer",
    [
        {"session_key": "AAECAwQFBgcICQoLDA0ODw=="},
        {"session_key": KEY.rstrip("=")},
        {"openid": "oSOMEBODY_else_SOMEBODY_else0"},
    ],
    ids=["other session_key", "session_key without =", "other openid"],
)
async def test_the_official_vector_is_refused_under_another_answer_of_wechat(
    api: API, database: Database, answer: dict[str, str]
) -> None:
    fields = fields_of(OFFICIAL, api.stand_in)
    api.stand_in.people.script(fields["code"], **{"openid": OPENID, "session_key": KEY, **answer})
    reply = await api.register(fields)
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert database.users.count_documents({}) == 0


async def test_a_payload_of_another_app_is_refused(api: API, database: Database) -> None:
    reply = await api.register(
        api.wx_login("mei", profile={"watermark": {"appid": SYNTHETIC_APPID, "timestamp": 0}})
    )
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert database.users.count_documents({}) == 0


async def test_flipped_iv_bytes_never_reach_another_account(api: API, database: Database) -> None:
    """The victim's openid differs from the attacker's in one letter, which the iv can rewrite (R-002)."""
    victim = OPENID
    attacker = chr(ord(OPENID[0]) ^ 1) + OPENID[1:]
    api.stand_in.people.script("victims-code", victim, KEY)
    registered = await api.register({"code": "victims-code", "encryptedData": DATA, "iv": IV})
    api.stand_in.people.script("attackers-code", attacker, KEY)
    for iv in (IV, flipped(IV, 11, 1)):
        reply = await api.token({"code": "attackers-code", "encryptedData": DATA, "iv": iv})
        assert (reply.status, reply.error) in [(403, "decrypt_failed"), (401, "unregistered")]
        assert registered.json["account_id"] not in json.dumps(reply.json)
    assert database.sessions.count_documents({}) == 0
