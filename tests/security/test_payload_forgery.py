"""Forged encryptedData (R-002, R-011, R-021): AES-CBC has no MAC, so bytes can be flipped; no identity ever follows."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from passport.errors import DecryptFailed
from passport.profiles import profile_from_payload
from passport.wechat.crypto import check_payload, decrypt
from sandbox import payloads
from sandbox.identities import new_session_key
from tests.client import API, Reply
from tests.conftest import APPID, Clock
from tests.effort import examples

OPENID, VICTIM = "oATTACKERattackerATTACKER001", "oVICTIMvictimVICTIMvictim002"
KEY = "c2Vzc2lvbiBrZXkgMTZieQ=="
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
TEXTS = {"nickname", "city", "province", "country", "language", "avatar_url"}

thorough = settings(
    max_examples=examples(3_000), deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
over_http = settings(
    max_examples=examples(300), deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def sealed(**changes: Any) -> dict[str, str]:
    """A payload of the attacker's own, as the phone would get it."""
    data = payloads.user_info(
        appid=APPID, openid=OPENID, unionid=None, profile=changes, timestamp=int(NOW.timestamp())
    )
    return payloads.seal(data, KEY)


def raw(fields: dict[str, str]) -> tuple[bytes, bytes]:
    return base64.b64decode(fields["encryptedData"]), base64.b64decode(fields["iv"])


GENUINE, GENUINE_IV = raw(sealed(nickName="Mallory"))


def opened(encrypted_data: bytes, iv: bytes) -> dict[str, str | int]:
    """The profile that the flow would store; DecryptFailed when it refuses."""
    payload = decrypt(encrypted_data, iv, session_key=KEY)
    check_payload(payload, appid=APPID, openid=OPENID, now=NOW, freshness=WINDOW)
    assert payload.get("openId", OPENID) == OPENID
    return profile_from_payload(payload)


def flipped(data: bytes, masks: dict[int, int]) -> bytes:
    changed = bytearray(data)
    for position, mask in masks.items():
        changed[position % len(changed)] ^= mask
    return bytes(changed)


masks = st.dictionaries(st.integers(0, len(GENUINE) - 1), st.integers(1, 255), max_size=4)
iv_masks = st.dictionaries(st.integers(0, 15), st.integers(1, 255), max_size=16)


def test_the_genuine_payload_opens_so_that_the_refusals_mean_something() -> None:
    assert opened(GENUINE, GENUINE_IV) == {"nickname": "Mallory"}


@thorough
@given(iv_masks=iv_masks, masks=masks)
@example(iv_masks={}, masks={len(GENUINE) - 17: 1})
def test_a_flipped_payload_is_refused_or_gives_a_profile_of_safe_types(
    iv_masks: dict[int, int], masks: dict[int, int]
) -> None:
    try:
        profile = opened(flipped(GENUINE, masks), flipped(GENUINE_IV, iv_masks))
    except DecryptFailed:
        return
    assert profile.keys() <= TEXTS | {"gender"}
    assert all(isinstance(profile[name], str) for name in profile.keys() & TEXTS)


@thorough
@given(
    data=st.binary(min_size=16, max_size=512).map(lambda data: data[: len(data) // 16 * 16]), iv=st.binary()
)
def test_random_bytes_never_raise_anything_but_the_one_refusal(data: bytes, iv: bytes) -> None:
    with pytest.raises(DecryptFailed):
        decrypt(data, iv, session_key=KEY)


@thorough
@given(plain=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode("utf-8"))))
def test_whatever_was_sealed_with_the_right_key_opens_or_is_refused(plain: bytes) -> None:
    with pytest.raises(DecryptFailed):
        opened(*raw(payloads.encrypt(plain, KEY)))


def test_flipping_the_iv_does_rewrite_a_short_openid_which_is_why_it_is_no_identity() -> None:
    """The known weakness itself: the first block is XORed with the iv, which the client sends."""
    plain = b'{"openId":"oAAA","watermark":{"appid":"' + APPID.encode() + b'","timestamp":1}}'
    data, iv = raw(payloads.encrypt(plain, KEY))
    forged_iv = flipped(iv, {index: ord("A") ^ ord("B") for index in (12, 13, 14)})
    forged = decrypt(data, forged_iv, session_key=KEY)
    assert forged["openId"] == "oBBB"
    with pytest.raises(DecryptFailed):
        check_payload(forged, appid=APPID, openid="oAAA", now=NOW, freshness=None)


def inside(**changes: Any) -> bytes:
    """The JSON of a payload that WeChat would never make; an Ellipsis leaves the member out."""
    data = payloads.user_info(
        appid=APPID, openid=OPENID, unionid=None, profile=changes, timestamp=int(NOW.timestamp())
    )
    return payloads.compact({name: value for name, value in data.items() if value is not ...}).encode()


@pytest.mark.parametrize("offset", [-299, 0, 299, 300, -300])
def test_a_watermark_within_five_minutes_either_way_is_fresh(offset: int) -> None:
    stamp = {"appid": APPID, "timestamp": int(NOW.timestamp()) + offset}
    assert opened(*raw(payloads.encrypt(inside(watermark=stamp), KEY))) == {}


STALE: dict[str, Any] = {
    "301 s late": int(NOW.timestamp()) - 301,
    "301 s early": int(NOW.timestamp()) + 301,
    "string": str(int(NOW.timestamp())),
    "bool": True,
    "float": NOW.timestamp() + 0.5,
    "whole float": float(int(NOW.timestamp())),
    "null": None,
    "missing": ...,
    "negative": -int(NOW.timestamp()),
    "zero": 0,
    "milliseconds": int(NOW.timestamp()) * 1000,
    "2**53 + 1": 2**53 + 1,
    "2**63": 2**63,
    "10**400": 10**400,
    "list": [int(NOW.timestamp())],
    "object": {"$date": 1},
}


@pytest.mark.parametrize("name", STALE)
def test_a_watermark_of_another_time_or_type_is_refused(name: str) -> None:
    stamp = {"appid": APPID, "timestamp": STALE[name]}
    mark = {key: value for key, value in stamp.items() if value is not ...}
    with pytest.raises(DecryptFailed):
        opened(*raw(payloads.encrypt(inside(watermark=mark), KEY)))


# --- over HTTP ----------------------------------------------------------------------------------------------


def members(watermark: dict[str, Any], **others: Any) -> bytes:
    return payloads.compact({"nickName": "Mallory", "watermark": watermark, **others}).encode()


def inner_faults(now: int) -> dict[str, bytes]:
    """Plaintexts that are wrong, each in its own way; the sandbox seals them with the right key."""
    good = {"appid": APPID, "timestamp": now}
    return {
        "other appid": members({"appid": "wx0000000000000bad", "timestamp": now}),
        "no watermark": b'{"nickName":"x"}',
        "watermark a list": b'{"watermark":[]}',
        "old": members(good | {"timestamp": now - 301}),
        "string time": members(good | {"timestamp": str(now)}),
        "huge time": members(good | {"timestamp": 10**400}),
        "other openId": members(good, openId=VICTIM),
        "openId null": members(good, openId=None),
        "openId object": members(good, openId={"$ne": 1}),
        "not JSON": b"{" * 40,
        "deep": b"[" * 3_000 + b"]" * 3_000,
        "digits": b'{"watermark":' + b"9" * 5_000 + b"}",
        "array": b"[]",
        "empty": b"",
        "bad UTF-8": b'{"a":"\xff\xfe"}',
        "UTF-16": '{"a":1}'.encode("utf-16"),
        "BOM": b"\xef\xbb\xbf{}",
        "lone surrogate": members(good)[:-1] + b',"city":"\\ud800"}',
    }


@pytest.fixture
def session_key(api: API) -> str:
    """What WeChat will say of the code `scripted`, any number of times."""
    key = new_session_key()
    api.stand_in.people.script("scripted", OPENID, key, reusable=True)
    return key


async def register(api: API, fields: dict[str, str], code: str = "scripted") -> Reply:
    return await api.register({"code": code, "encryptedData": fields["encryptedData"], "iv": fields["iv"]})


async def test_every_fault_inside_the_payload_has_one_answer_to_the_byte(
    api: API, session_key: str, clock: Clock, database: Any
) -> None:
    answers: dict[str, tuple[int, str]] = {}
    good = payloads.encrypt(members({"appid": APPID, "timestamp": int(clock.timestamp())}), session_key)
    data, iv = raw(good)
    forged = {
        name: payloads.encrypt(plain, session_key)
        for name, plain in inner_faults(int(clock.timestamp())).items()
    }
    forged["padding"] = good | {
        "encryptedData": base64.b64encode(flipped(data, {len(data) - 17: 255})).decode()
    }
    forged["wrong key"] = payloads.encrypt(b"{}", new_session_key())
    forged["iv"] = good | {"iv": base64.b64encode(flipped(iv, {0: 1})).decode()}
    for name, fields in forged.items():
        reply = await register(api, fields)
        body = {key: value for key, value in reply.json.items() if key != "request_id"}
        answers[name] = reply.status, json.dumps(body)
    assert len(set(answers.values())) == 1, answers
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert database.users.count_documents({}) == 0
    assert (await register(api, good)).status == 201


async def test_a_payload_without_openid_is_fine(api: API) -> None:
    assert (await api.register(api.wx_login("bo", with_openid=False))).status == 201
    assert (await api.token(api.wx_login("bo", with_openid=False))).status == 200


async def test_the_victims_payload_with_the_attackers_code_is_refused_and_changes_nobody(
    api: API, database: Any
) -> None:
    await api.registered("mei")
    await api.registered("bo")
    before = list(database.users.find().sort("_id"))
    victims, attackers = api.wx_login("mei"), api.wx_login("bo")
    mixed = attackers | {name: victims[name] for name in ("encryptedData", "iv")}
    for reply in (await api.token(mixed), await api.register(mixed)):
        assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert list(database.users.find().sort("_id")) == before
    assert database.sessions.count_documents({}) == 0


async def test_a_payload_of_another_user_under_the_own_key_is_refused_and_names_nobody(
    api: API, session_key: str, clock: Clock, database: Any
) -> None:
    await api.registered("mei")
    victim = api.stand_in.people.openid("mei")
    plain = members({"appid": APPID, "timestamp": int(clock.timestamp())}, openId=victim, unionId="x")
    reply = await register(api, payloads.encrypt(plain, session_key))
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert [user["identities"][0]["openid"] for user in database.users.find()] == [victim]


async def test_a_unionid_in_the_payload_is_ignored(
    api: API, session_key: str, clock: Clock, database: Any
) -> None:
    """Linked by the payload, an attacker would sign in as the victim."""
    await api.registered("mei")
    victim = database.users.find_one()
    plain = members({"appid": APPID, "timestamp": int(clock.timestamp())}, unionId=victim["unionid"])
    reply = await register(api, payloads.encrypt(plain, session_key))
    assert reply.status == 201
    assert reply.json["account_id"] != str(victim["_id"])
    assert database.users.find_one({"_id": victim["_id"]}) == victim
    assert "unionid" not in database.users.find_one({"identities.openid": OPENID})


def test_hundreds_of_flipped_payloads_touch_no_user_but_the_codes_own(
    api: API, io_loop: IOLoop, session_key: str, clock: Clock, database: Any
) -> None:
    io_loop.run_sync(lambda: api.registered("mei"))
    victim = database.users.find_one()
    plain = members({"appid": APPID, "timestamp": int(clock.timestamp())}, openId=OPENID)
    data, iv = raw(payloads.encrypt(plain, session_key))
    io_loop.run_sync(lambda: register(api, payloads.encrypt(plain, session_key)))
    own = database.users.find_one({"identities.openid": OPENID})
    statuses: set[int] = set()

    @over_http
    @given(
        masks=st.dictionaries(st.integers(0, len(data) - 1), st.integers(1, 255), max_size=3),
        iv_masks=iv_masks,
    )
    def attack(masks: dict[int, int], iv_masks: dict[int, int]) -> None:
        forged = {
            "encryptedData": base64.b64encode(flipped(data, masks)).decode(),
            "iv": base64.b64encode(flipped(iv, iv_masks)).decode(),
        }
        reply = io_loop.run_sync(lambda: register(api, forged))
        statuses.add(reply.status)
        assert (reply.status, reply.error) == (403, "decrypt_failed") or reply.json["account_id"] == str(
            own["_id"]
        )

    attack()
    assert statuses <= {200, 403}
    assert 403 in statuses
    assert list(database.users.find().sort("_id")) == sorted([victim, own], key=lambda user: user["_id"])
