"""passport.wechat.crypto: every vector, the official one broken in every known way, and the rules one by one."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from Crypto.Cipher import AES
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import DecryptFailed
from passport.wechat.crypto import check_payload, decode_base64, decrypt, signature_matches
from sandbox import payloads
from tests.vectors import OFFICIAL, VECTORS, Vector, name_of, of_kind

KEY = OFFICIAL["session_key"]
DATA, IV = b64decode(OFFICIAL["encrypted_data"]), b64decode(OFFICIAL["iv"])
APPID, OPENID = OFFICIAL["appid"], OFFICIAL["expected"]["openId"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sealed(plaintext: bytes) -> tuple[bytes, bytes]:
    """These bytes, encrypted and padded as WeChat does."""
    fields = payloads.encrypt(plaintext, KEY)
    return b64decode(fields["encryptedData"]), b64decode(fields["iv"])


def encrypted_as_is(blocks: bytes) -> bytes:
    """Whole blocks without padding of ours, so that a test chooses the last bytes."""
    return AES.new(b64decode(KEY), AES.MODE_CBC, IV).encrypt(blocks)


def test_there_are_nineteen_vectors_and_each_has_a_test_by_its_kind() -> None:
    assert len(VECTORS) == 19
    assert len(of_kind("userinfo", "phone", "rundata")) + len(of_kind("signature")) == 19


@pytest.mark.parametrize("vector", of_kind("userinfo", "phone", "rundata"), ids=name_of)
def test_vector_decrypts_to_the_expected_object(vector: Vector) -> None:
    data, iv = decode_base64(vector["encrypted_data"]), decode_base64(vector["iv"])
    payload = decrypt(data, iv, session_key=vector["session_key"])
    assert payload == vector["expected"]
    openid = vector["expected"].get("openId", "anybody")
    check_payload(payload, appid=vector["appid"], openid=openid, now=NOW, freshness=None)


@pytest.mark.parametrize("vector", of_kind("signature"), ids=name_of)
def test_vector_signature_matches_its_exact_text(vector: Vector) -> None:
    raw_data, signature, key = vector["raw_data"], vector["signature"], vector["session_key"]
    assert signature_matches(raw_data, signature, session_key=key)
    assert signature_matches(raw_data, signature.upper(), session_key=key)
    assert not signature_matches(raw_data + " ", signature, session_key=key)
    assert not signature_matches(json.dumps(json.loads(raw_data)), signature, session_key=key)
    assert not signature_matches(raw_data, signature, session_key=KEY)
    assert not signature_matches(raw_data, "0" * 40, session_key=key)


# Base64, repaired and then read strictly


@pytest.mark.parametrize(
    "mutate",
    [
        lambda text: text,
        lambda text: text.replace("+", " "),
        lambda text: quote(text, safe=""),
        lambda text: text.rstrip("="),
        lambda text: text.replace("+", " ").rstrip("="),
    ],
    ids=["as it is", "+ became a space", "percent-encoded once more", "without =", "both"],
)
@pytest.mark.parametrize("field", ["encrypted_data", "iv"])
def test_what_forms_do_to_base64_is_repaired(field: str, mutate: Any) -> None:
    text = OFFICIAL[field]
    assert decode_base64(mutate(text)) == b64decode(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "A",
        "AAAAA",
        "AA=A",
        "AAAA=====",
        urlsafe_b64encode(b"\xfb\xff\xfe" * 8).decode(),
        "AAAA\nAAAA",
        "AAAA\r\n",
        "%2525",
        "%ff%fe",
        "%",
        "ＡＡＡＡ",
        "AAAA\0",
        "AAA!",
    ],
)
def test_what_is_not_base64_after_the_repair_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  each cause has its own text, which nobody is told
        decode_base64(text)


@given(st.binary(min_size=1, max_size=64))
def test_any_bytes_survive_the_form_and_the_repair(data: bytes) -> None:
    text = b64encode(data).decode()
    assert decode_base64(text.replace("+", " ").rstrip("=")) == data
    assert decode_base64(quote(text, safe="")) == data


@given(st.text(max_size=40))
def test_any_text_decodes_or_is_a_value_error(text: str) -> None:
    try:
        decode_base64(text)
    except ValueError:
        return


# Decryption: one refusal for whatever is wrong

NEGATIVE: dict[str, tuple[bytes, bytes, str]] = {
    "other session_key": (DATA, IV, "AAECAwQFBgcICQoLDA0ODw=="),
    "session_key without =": (DATA, IV, KEY.rstrip("=")),
    "session_key of 15 bytes": (DATA, IV, b64encode(b"k" * 15).decode()),
    "session_key of 24 bytes": (DATA, IV, b64encode(b"k" * 24).decode()),
    "session_key that is not base64": (DATA, IV, "!" * 24),
    "session_key empty": (DATA, IV, ""),
    "last block cut": (DATA[:-16], IV, KEY),
    "first block cut": (DATA[16:], IV, KEY),
    "half a block cut": (DATA[:-8], IV, KEY),
    "aaaa in front": (b"aaaa" + DATA, IV, KEY),
    "wrong iv": (DATA, bytes(16), KEY),
    "iv of 15 bytes": (DATA, IV[:-1], KEY),
    "iv of 17 bytes": (DATA, IV + b"\0", KEY),
    "iv empty": (DATA, b"", KEY),
    "empty data": (b"", IV, KEY),
    "padding 0": (encrypted_as_is(b"{}" + b"\0" * 14), IV, KEY),
    "padding 17": (encrypted_as_is(b'{"a":"bcdefgh"}' + b"\x11" * 17), IV, KEY),
    "padding whose last byte alone is right": (encrypted_as_is(b"{}            \x01\x02"), IV, KEY),
    "nothing but padding": (encrypted_as_is(b"\x10" * 16), IV, KEY),
    "not UTF-8": (*sealed(b'{"nickName":"\xff\xfe"}'), KEY),
    "UTF-16": (*sealed('{"a":1}'.encode("utf-16")), KEY),
    "not JSON": (*sealed(b"{'a': 1}"), KEY),
    "a JSON array": (*sealed(b'[{"openId":"x"}]'), KEY),
    "a JSON string": (*sealed(b'"openId"'), KEY),
    "null": (*sealed(b"null"), KEY),
    "nested 100,000 deep": (*sealed(b'{"a":' + b"[" * 100_000), KEY),
    "half a surrogate pair": (*sealed(b'{"nickName":"\\ud83d"}'), KEY),
    "a number of 10,000 digits": (*sealed(b'{"a":' + b"9" * 10_000 + b"}"), KEY),
}


@pytest.mark.parametrize("case", NEGATIVE.values(), ids=NEGATIVE.keys())
def test_a_payload_that_is_not_whole_is_one_and_the_same_refusal(case: tuple[bytes, bytes, str]) -> None:
    data, iv, session_key = case
    with pytest.raises(DecryptFailed) as caught:
        decrypt(data, iv, session_key=session_key)
    assert str(caught.value) == DecryptFailed.description


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_bytes_are_an_object_or_a_decrypt_failed(data: bytes, iv: bytes) -> None:
    try:
        assert isinstance(decrypt(data, iv, session_key=KEY), dict)
    except DecryptFailed:
        return


def test_control_characters_in_a_nickname_are_wechats_to_send() -> None:
    data, iv = sealed(b'{"nickName":"a\tb"}')
    assert decrypt(data, iv, session_key=KEY) == {"nickName": "a\tb"}


# What the payload says about itself


def check(payload: dict[str, Any], *, freshness: timedelta | None = timedelta(minutes=5)) -> None:
    check_payload(payload, appid=APPID, openid=OPENID, now=NOW, freshness=freshness)


def stamped(timestamp: Any, **members: Any) -> dict[str, Any]:
    return {"watermark": {"appid": APPID, "timestamp": timestamp}, **members}


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_a_payload_within_five_minutes_of_now_is_fresh(seconds: int) -> None:
    check(stamped(int(NOW.timestamp()) + seconds))


@pytest.mark.parametrize(
    "timestamp",
    [
        int(NOW.timestamp()) - 301,
        int(NOW.timestamp()) + 301,
        str(int(NOW.timestamp())),
        float(NOW.timestamp()),
        True,
        None,
        0,
        -1,
        2**63,
        10**400,
    ],
)
def test_a_payload_of_another_time_is_refused(timestamp: Any) -> None:
    with pytest.raises(DecryptFailed):
        check(stamped(timestamp))


@pytest.mark.parametrize("timestamp", [1477314187, "x", None, True])
def test_without_a_freshness_window_no_time_is_looked_at(timestamp: Any) -> None:
    check(stamped(timestamp), freshness=None)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"watermark": None},
        {"watermark": []},
        {"watermark": APPID},
        {"watermark": {"timestamp": int(NOW.timestamp())}},
        {"watermark": {"appid": "wx0000000000000001", "timestamp": int(NOW.timestamp())}},
        {"watermark": {"appid": [APPID], "timestamp": int(NOW.timestamp())}},
    ],
)
def test_a_payload_of_another_app_or_of_none_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(DecryptFailed):
        check(payload, freshness=None)


@pytest.mark.parametrize("openid", ["x" + OPENID[1:], "", None, 0, [OPENID]])
def test_a_payload_of_another_person_is_refused(openid: Any) -> None:
    with pytest.raises(DecryptFailed):
        check(stamped(0, openId=openid), freshness=None)


def test_a_payload_without_an_openid_is_fine() -> None:
    check(stamped(0), freshness=None)


@given(st.integers(0, 15), st.integers(1, 255))
def test_flipped_iv_bytes_never_turn_one_person_into_another(position: int, mask: int) -> None:
    """CBC without a MAC lets a client write the first sixteen bytes (R-002), so they are compared."""
    iv = bytearray(IV)
    iv[position] ^= mask
    try:
        payload = decrypt(DATA, bytes(iv), session_key=KEY)
        check_payload(payload, appid=APPID, openid=OPENID, now=NOW, freshness=None)
    except DecryptFailed:
        return
    assert payload.get("openId", OPENID) == OPENID
