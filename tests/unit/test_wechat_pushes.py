"""Pushes: published vectors open, an independent implementation agrees, and whatever is not exactly one is refused."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import PushRefused
from passport.wechat.pushes import (
    FRESHNESS,
    REVOKED,
    Channel,
    Envelope,
    Push,
    aes_key_of,
    decrypt,
    echo,
    read_push,
)

ALL: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "wechat-push-vectors.json").read_text("utf-8")
)
ECHO = next(vector for vector in ALL if vector["name"] == "wechatpy-echostr")
VECTORS = [vector for vector in ALL if vector is not ECHO]
APPID, OPENID = "wx13974bf780d3dc89", "owAqB1nqaOYYWl0Ng484G2z5NIwU"
KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
TOKEN = "AAAAA"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
PLAIN = Channel(APPID, TOKEN)
# The JSON sample of 授权用户信息变更, without the comma that makes it no JSON.
SAMPLE = (
    '{"ToUserName": "gh_870882ca4b1", "FromUserName": "oaKk346BaWE-eIn4oSRWbaM9vR7s", "CreateTime": 1627359464,'
    ' "MsgType": "event", "Event": "user_authorization_revoke", " OpenID": "' + OPENID + '",'
    ' " AppID": "wx13974bf780d3dc89", " RevokeInfo": "6"}'
)
# The XML sample of the same page.
SAMPLE_XML = f"""<xml>
<ToUserName><![CDATA[gh_870882ca4b1]]></ToUserName>
<FromUserName><![CDATA[owAqB1v0ahK_Xlc7GshIDdf2yf7E]]></FromUserName>
<CreateTime>1626857200</CreateTime>
<MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[user_authorization_revoke]]></Event>
<OpenID><![CDATA[{OPENID}]]></OpenID>
<AppID><![CDATA[wx13974bf780d3dc89]]></AppID>
<RevokeInfo><![CDATA[1]]></RevokeInfo>
</xml>"""


def signed(*parts: str, at: datetime = NOW, nonce: str = "486452656") -> dict[str, str]:
    """timestamp, nonce and the signature over them, the token and these."""
    timestamp = str(int(at.timestamp()))
    joined = "".join(sorted([TOKEN, timestamp, nonce, *parts]))
    signature = sha1(joined.encode(), usedforsecurity=False).hexdigest()
    return {"timestamp": timestamp, "nonce": nonce, "signature": signature}


def plain(body: str | bytes) -> Push | None:
    """Read a signed plain push."""
    data = body.encode() if isinstance(body, str) else body
    return read_push(PLAIN, Envelope(**signed()), data, now=NOW)


def changed(**members: Any) -> str:
    """The sample with members changed; None removes one."""
    fields = {name.strip(): value for name, value in json.loads(SAMPLE).items()} | members
    return json.dumps({name: value for name, value in fields.items() if value is not None})


def sealed(whole: bytes) -> str:
    """Encrypted by another library than ours, which takes whole blocks."""
    key = aes_key_of(KEY)
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return b64encode(encryptor.update(whole) + encryptor.finalize()).decode()


def packed(message: bytes, appid: str = APPID, *, length: int | None = None) -> bytes:
    """As WeChat packs it: PKCS#7 to 32 bytes. Always the same, since test ids are made of it."""
    size = len(message) if length is None else length
    padder = PKCS7(256).padder()
    content = bytes(range(16)) + size.to_bytes(4, "big") + message + appid.encode()
    return padder.update(content) + padder.finalize()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_published_vector_verifies_and_opens(vector: dict[str, Any]) -> None:
    channel = Channel(vector["appid"], vector["token"], aes_key_of(vector["encoding_aes_key"]))
    envelope = Envelope(vector["timestamp"], vector["nonce"], msg_signature=vector["msg_signature"])
    now = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    message = decrypt(vector["encrypt"], aes_key=channel.aes_key or b"", appid=vector["appid"])
    assert vector["message_holds"] in message.decode()
    assert read_push(channel, envelope, json.dumps({"Encrypt": vector["encrypt"]}).encode(), now=now) is None
    tampered = json.dumps({"Encrypt": vector["encrypt"].replace("R", "S", 1)}).encode()
    with pytest.raises(PushRefused):
        read_push(channel, envelope, tampered, now=now)


def test_the_published_checks_of_the_address_are_answered() -> None:
    at = datetime.fromtimestamp(1714036504, UTC)
    published = Envelope("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696")
    assert echo(Channel(APPID, "AAAAA"), published, "4375120948345356249", now=at) == "4375120948345356249"
    channel = Channel(ECHO["appid"], ECHO["token"], aes_key_of(ECHO["encoding_aes_key"]))
    envelope = Envelope(ECHO["timestamp"], ECHO["nonce"], msg_signature=ECHO["msg_signature"])
    for echostr in (ECHO["encrypt"], ECHO["encrypt"].replace("+", " ")):
        now = datetime.fromtimestamp(int(ECHO["timestamp"]), UTC)
        assert echo(channel, envelope, echostr, now=now) == ECHO["message_holds"]


@given(st.binary(max_size=300))
def test_what_another_library_encrypts_opens_to_the_same_bytes(message: bytes) -> None:
    assert decrypt(sealed(packed(message)), aes_key=aes_key_of(KEY), appid=APPID) == message


@pytest.mark.parametrize(
    "encrypted",
    [
        "",
        "====",
        "not base64!",
        sealed(packed(b"{}"))[:-24],
        sealed(packed(b"{}", "wx00000000000000a2")),
        sealed(packed(b"{}", APPID + "0")),
        sealed(packed(b"{}", "")),
        sealed(packed(b"{}", length=1)),
        sealed(packed(b"{}", length=2**32 - 1)),
        sealed(bytes(64)),
        sealed(b"\x21" * 64),
        sealed(packed(b"{}")[:-2] + b"\x07" + packed(b"{}")[-1:]),
        sealed(b"\x20" * 32),
    ],
)
def test_a_ciphertext_that_is_not_exactly_one_is_refused(encrypted: str) -> None:
    with pytest.raises(ValueError, match=r"wrong|another|base64|padding"):
        decrypt(encrypted, aes_key=aes_key_of(KEY), appid=APPID)


def test_the_samples_of_the_documentation_are_read() -> None:
    spaced, xml = plain(SAMPLE), plain(SAMPLE_XML)
    assert spaced is not None
    assert xml is not None
    assert (spaced.event, spaced.openid, spaced.kinds) == (REVOKED, OPENID, (6,))
    assert (xml.event, xml.openid, xml.kinds) == (REVOKED, OPENID, (1,))


@pytest.mark.parametrize(
    ("revoke_info", "kinds"),
    [
        (6, (6,)),
        ("6", (6,)),
        ("8,6", (6, 8)),
        ("20, 19，8", (8, 19, 20)),
        ("201", (201,)),
        ("", ()),
        (None, ()),
    ],
)
def test_the_named_kinds_are_one_number_or_a_list(revoke_info: Any, kinds: tuple[int, ...]) -> None:
    push = plain(changed(RevokeInfo=revoke_info))
    assert push is not None
    assert push.kinds == kinds


@pytest.mark.parametrize(
    "body",
    [
        changed(Event="debug_demo"),
        changed(Event=None),
        changed(Event={"$ne": 1}),
        changed(MsgType="text"),
        changed(PluginID="wx00000000000000a2"),
        "{}",
        "<xml/>",
        "<xml><MsgType>event</MsgType><Event>x</Event><List><a>1</a></List><List/></xml>",
    ],
)
def test_a_push_about_nothing_of_ours_is_read_as_nothing(body: str) -> None:
    assert plain(body) is None


@pytest.mark.parametrize(
    "members",
    [
        {"OpenID": {"$ne": None}},
        {"OpenID": ["o"]},
        {"OpenID": True},
        {"OpenID": "o.x"},
        {"OpenID": "$where"},
        {"OpenID": "o" * 129},
        {"AppID": "wx00000000000000a2"},
        {"AppID": {"$gt": ""}},
        {"RevokeInfo": "all"},
        {"RevokeInfo": True},
        {"RevokeInfo": {"$in": [6]}},
        {"RevokeInfo": -6},
        {"RevokeInfo": 6.0},
        {"CreateTime": None},
        {"CreateTime": "yesterday"},
        {"FromUserName": 1},
        {"FromUserName": "\ud800"},
    ],
)
def test_a_malformed_member_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(PushRefused):
        plain(changed(**members))


def test_a_push_without_a_user_is_read_without_one() -> None:
    push = plain(changed(OpenID=None))
    assert push is not None
    assert push.openid is None


DTD = '<!DOCTYPE xml [<!ENTITY a "6">{}]>' + SAMPLE_XML.replace("<![CDATA[1]]>", "&a;")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        SAMPLE.replace("}", ', "OpenID": "oOther"}').encode(),
        SAMPLE.replace("1627359464", "NaN").encode(),
        SAMPLE.replace("1627359464", "1" * 5000).encode(),
        b'{"a":' * 40 + b"1" + b"}" * 40,
        SAMPLE.replace("}", ",}").encode(),
        b"<xml>",
        b"<html/>",
        b"<xml>\xff</xml>",
        SAMPLE_XML.replace("</xml>", "<OpenID>oOther</OpenID></xml>").encode(),
        SAMPLE_XML.encode("utf-16"),
        DTD.format("").encode(),
        DTD.format('<!ENTITY b SYSTEM "file:///etc/hostname">').encode(),
        DTD.format("".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))).encode(),
        SAMPLE_XML.replace("<![CDATA[1]]>", "&undefined;").encode(),
        b"<xml>" + b"<a>" * 20_000,
    ],
)
def test_a_body_that_is_not_plain_xml_or_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(PushRefused):
        plain(body)


def test_a_time_is_fresh_for_ten_minutes_either_way() -> None:
    for off, fresh in (
        (FRESHNESS, True),
        (-FRESHNESS, True),
        (FRESHNESS * 1.01, False),
        (-FRESHNESS * 1.01, False),
    ):
        envelope = Envelope(**signed(at=NOW + off))
        if fresh:
            assert read_push(PLAIN, envelope, SAMPLE.encode(), now=NOW) is not None
        else:
            with pytest.raises(PushRefused):
                read_push(PLAIN, envelope, SAMPLE.encode(), now=NOW)
    with pytest.raises(PushRefused):
        read_push(PLAIN, Envelope("soon", "1", "0" * 40), b"{}", now=NOW)


def test_the_identity_outlives_repeats_and_tells_events_apart() -> None:
    first, repeated = plain(SAMPLE), plain(changed())
    later = plain(changed(CreateTime=1627359465))
    assert first is not None
    assert repeated is not None
    assert later is not None
    assert first.identity == repeated.identity != later.identity
    others = [
        plain(changed(RevokeInfo="8")),
        plain(changed(OpenID="oOther")),
        plain(changed(Event="user_info_modified")),
    ]
    assert len({push.identity for push in (first, *others) if push}) == 4


@pytest.mark.parametrize("copy", [{}, json.loads(SAMPLE)])
def test_with_a_key_the_plain_copy_is_not_believed(copy: dict[str, Any]) -> None:
    encrypted = sealed(packed(changed(RevokeInfo="8").encode()))
    times = signed(encrypted)
    envelope = Envelope(times["timestamp"], times["nonce"], msg_signature=times["signature"])
    channel = Channel(APPID, TOKEN, aes_key_of(KEY), accept_plain=True)
    push = read_push(channel, envelope, json.dumps(copy | {"Encrypt": encrypted}).encode(), now=NOW)
    assert push is not None
    assert push.kinds == (8,)


def test_plain_pushes_need_leave_once_a_key_is_configured() -> None:
    guarded = Channel(APPID, TOKEN, aes_key_of(KEY))
    envelope = Envelope(**signed())
    with pytest.raises(PushRefused) as refused:
        read_push(guarded, envelope, SAMPLE.encode(), now=NOW)
    assert refused.value.reason == "plain, but encoding_aes_key is configured"
    allowed = Channel(APPID, TOKEN, aes_key_of(KEY), accept_plain=True)
    assert read_push(allowed, envelope, SAMPLE.encode(), now=NOW + timedelta(seconds=1)) is not None


def test_an_encrypted_push_without_a_key_tells_the_operator_why() -> None:
    with pytest.raises(PushRefused) as refused:
        read_push(PLAIN, Envelope(**signed()), b'{"ToUserName": "gh", "Encrypt": "AAAA"}', now=NOW)
    assert refused.value.reason == "encrypted, but no encoding_aes_key is configured"
