"""Tell whether a push is WeChat's, open it and read it. Pure functions; time is an argument.

Source: WeChat, 消息推送 (miniprogram/dev/framework/server-ability/message-push.html) and 授权用户信息变更
(miniprogram/dev/server/event_push/platform/authorized_user_information_changes). A plain push is signed over the
token, the time and the nonce alone, so nothing vouches for its body; the signature of an encrypted one covers it.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha1

from passport.errors import PushRefused
from passport.strict_json import parse_object
from passport.wechat.aes import BLOCK, decrypt_cbc

# WeChat repeats a push after five seconds, three times in all; the rest is for clocks that differ.
FRESHNESS = timedelta(minutes=10)

MODIFIED = "user_info_modified"
REVOKED = "user_authorization_revoke"
CANCELLED = "user_authorization_cancellation"
EVENTS = frozenset({MODIFIED, REVOKED, CANCELLED})

# The padding is PKCS#7 to 32 bytes, not to AES's 16 (WeChat, 消息推送).
_PADDED_TO = 32
_RANDOM, _LENGTH = 16, 4
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_SEPARATOR = re.compile(r"[,，\s]+")
_READ = (
    "Encrypt",
    "MsgType",
    "Event",
    "FromUserName",
    "CreateTime",
    "OpenID",
    "AppID",
    "RevokeInfo",
    "PluginID",
)


@dataclass(frozen=True)
class Channel:
    """What one app agreed with WeChat: `aes_key` is the decoded EncodingAESKey, None in plain mode.

    With a key a push that is plain alone is believed only when `accept_plain`.
    """

    appid: str
    token: str
    aes_key: bytes | None = None
    accept_plain: bool = False


@dataclass(frozen=True)
class Envelope:
    """The query of a push; what was not sent is empty."""

    timestamp: str
    nonce: str
    signature: str = ""
    msg_signature: str = ""


@dataclass(frozen=True)
class Push:
    """An event about a user. `kinds` are the numbers of RevokeInfo.

    `identity` is the same when WeChat repeats the push, and when somebody encrypts it anew. `plain` says that nothing
    signed vouches for all that.
    """

    event: str
    openid: str | None
    kinds: tuple[int, ...]
    identity: tuple[str, ...]
    plain: bool = False


def aes_key_of(encoding_aes_key: str) -> bytes:
    """The 32 bytes that an EncodingAESKey of 43 characters stands for."""
    return b64decode(encoding_aes_key + "=", validate=True)


def echo(channel: Channel, envelope: Envelope, echostr: str, *, now: datetime) -> str:
    """What proves to WeChat's console that this address is ours: echostr, decrypted if it came encrypted.

    The console checks the address with a plain echostr in every mode, so a key does not forbid that.

    Raises:
        PushRefused: the signature does not match, or its time is not now.
    """
    _check_fresh(envelope, now)
    if not envelope.msg_signature:
        _check_signature(envelope.signature, channel.token, envelope.timestamp, envelope.nonce)
        return echostr
    encrypted = echostr.replace(" ", "+")  # a `+` that was not percent-encoded
    try:
        return _open(channel, envelope, encrypted).decode("ascii")
    except UnicodeDecodeError as error:
        raise PushRefused("not text inside") from error


def read_push(channel: Channel, envelope: Envelope, body: bytes, *, now: datetime) -> Push | None:
    """The event in the body, XML or JSON; None when it is about nothing that we keep.

    Raises:
        PushRefused: whatever is wrong with it.
    """
    _check_fresh(envelope, now)
    fields, plain = _fields(body), True
    if channel.aes_key is not None and "Encrypt" in fields:
        # In compatible mode a plain copy lies beside it, which anybody on the way may have changed.
        fields, plain = _fields(_open(channel, envelope, fields["Encrypt"])), False
    elif channel.aes_key is not None and not channel.accept_plain:
        raise PushRefused("plain, but encoding_aes_key is configured")
    else:
        _check_signature(envelope.signature, channel.token, envelope.timestamp, envelope.nonce)
        if "Encrypt" in fields and "MsgType" not in fields:
            raise PushRefused("encrypted, but no encoding_aes_key is configured")
    try:
        push = _push(channel.appid, fields)
    except ValueError as error:
        raise PushRefused("a malformed member") from error
    return replace(push, plain=plain) if push is not None else None


def _check_fresh(envelope: Envelope, now: datetime) -> None:
    if not _NUMBER.fullmatch(envelope.timestamp):
        raise PushRefused("no timestamp")
    if abs(now.timestamp() - int(envelope.timestamp)) > FRESHNESS.total_seconds():
        raise PushRefused("not fresh")


def _check_signature(given: str, *parts: str) -> None:
    # SHA-1 over sorted parts is WeChat's choice; the comparison takes the same time wherever they differ.
    expected = sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - WeChat's algorithm
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise PushRefused("signature")


def _open(channel: Channel, envelope: Envelope, encrypted: object) -> bytes:
    """The message inside, after its signature: nothing unsigned reaches the cipher."""
    if channel.aes_key is None:
        raise PushRefused("encrypted, but no encoding_aes_key is configured")
    try:
        if not isinstance(encrypted, str):
            raise ValueError("Encrypt is no text")
        _check_signature(envelope.msg_signature, channel.token, envelope.timestamp, envelope.nonce, encrypted)
        return decrypt(encrypted, aes_key=channel.aes_key, appid=channel.appid)
    except ValueError as error:
        raise PushRefused("does not decrypt for this app") from error


def decrypt(encrypted: str, *, aes_key: bytes, appid: str) -> bytes:
    """AES-256-CBC under the key, its first 16 bytes the iv: random(16) + length(4, network order) + message + appid.

    Raises:
        ValueError: it is not exactly that, or the appid is another one.
    """
    ciphertext = b64decode(encrypted, validate=True)
    if not ciphertext or len(ciphertext) % _PADDED_TO:
        raise ValueError("wrong length")
    plain = decrypt_cbc(ciphertext, key=aes_key, iv=aes_key[:BLOCK])
    padding = plain[-1]
    if not 1 <= padding <= _PADDED_TO or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("wrong padding")
    content = plain[_RANDOM:-padding]
    end = _LENGTH + int.from_bytes(content[:_LENGTH], "big")
    # The rest must be the appid and all of it: a push to another app of the same operator is not for this one.
    if len(content) < end or content[end:] != appid.encode():
        raise ValueError("another appid")
    return content[_LENGTH:end]


def _fields(body: bytes) -> dict[str, object]:
    """The members at the top; keys trimmed, because some of WeChat's samples have them with a leading space."""
    try:
        pairs = _xml(body) if body.lstrip()[:1] == b"<" else list(parse_object(body).items())
    except (ValueError, RecursionError) as error:
        raise PushRefused("neither XML nor JSON as WeChat sends it") from error
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name.strip() in fields and name.strip() in _READ:
            raise PushRefused("a member twice")
        fields[name.strip()] = value.strip() if isinstance(value, str) else value
    return fields


def _xml(body: bytes) -> list[tuple[str, object]]:
    # Imported with the first push in XML, which few mini-programs have asked for.
    from xml.etree.ElementTree import ParseError

    from defusedxml.ElementTree import fromstring

    try:
        # Decoded here, so that no declared encoding counts; without a DTD there are no entities to expand or to fetch.
        root = fromstring(body.decode("utf-8"), forbid_dtd=True)
    except ParseError as error:
        raise ValueError("no XML") from error
    if root.tag != "xml":
        raise ValueError("the root is not <xml>")
    return [(child.tag, () if len(child) else child.text or "") for child in root]


def _push(appid: str, fields: Mapping[str, object]) -> Push | None:
    event = fields.get("Event")
    if str(fields.get("MsgType")).lower() != "event" or not isinstance(event, str) or event not in EVENTS:
        return None
    if fields.get("PluginID"):
        # A plugin's user is known by an OpenPID and has no account here.
        return None
    if fields.get("AppID", appid) != appid:
        raise ValueError("another AppID")
    openid, sender = _openid(fields.get("OpenID")), fields.get("FromUserName", "")
    created = _number(fields.get("CreateTime"))
    kinds = _kinds(fields.get("RevokeInfo", ""))
    if not isinstance(sender, str) or not sender.isascii():
        raise ValueError("FromUserName")
    # WeChat's advice is FromUserName + CreateTime; here the sender is always the platform, so the user belongs to it.
    named = ",".join(map(str, kinds))
    return Push(event, openid, kinds, (appid, event, sender, str(created), openid or "", named))


def _openid(value: object) -> str | None:
    # Some pushes come without one (WeChat community, 0000443fa986a84f231dffa235b400).
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _OPENID.fullmatch(value):
        raise ValueError("OpenID")
    return value


def _number(value: object) -> int:
    # bool is an int in Python, and True is no number.
    if isinstance(value, bool) or not isinstance(value, str | int) or not _NUMBER.fullmatch(str(value)):
        raise ValueError("not a number")
    return int(value)


def _kinds(value: object) -> tuple[int, ...]:
    parts = [part for part in _SEPARATOR.split(value) if part] if isinstance(value, str) else [value]
    return tuple(sorted({_number(part) for part in parts}))
