"""Make pushes as WeChat does (WeChat: 消息推送, 消息加解密说明, 授权用户信息变更). Pure.

Signed over the sorted token, timestamp and nonce, and in the encrypted modes over the ciphertext, too. The samples of
the documentation have JSON keys with a leading space, so ours have them.
"""

import base64
import hashlib
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

Mode = Literal["plain", "compatible", "encrypted"]
Form = Literal["XML", "JSON"]

# WeChat's console: 明文模式, 兼容模式, 安全模式.
MODES: tuple[Mode, ...] = ("plain", "compatible", "encrypted")
FORMS: tuple[Form, ...] = ("XML", "JSON")
MINI_PROGRAM = "gh_870882ca4b1"
PLATFORM = "owAqB1v0ahK_Xlc7GshIDdf2yf7E"
# As the documentation's JSON sample spells them.
SPACED = ("OpenID", "AppID", "RevokeInfo")
_PADDED_TO = 32

Fields = dict[str, str | int]


@dataclass(frozen=True)
class PushSecrets:
    """What an app and WeChat agreed in the console."""

    token: str
    encoding_aes_key: str

    @property
    def aes_key(self) -> bytes:
        return base64.b64decode(self.encoding_aes_key + "=")


@dataclass(frozen=True)
class Push:
    """One HTTP request of WeChat's."""

    query: dict[str, str]
    body: bytes
    content_type: str


def new_secrets() -> PushSecrets:
    """As the console's random buttons make them."""
    return PushSecrets(_random_text(32), _random_text(43))


def fields_of(
    event: str, *, appid: str, openid: str, created: int, revoke_info: str | int | None = None
) -> Fields:
    """The members of an event about a user, in WeChat's order."""
    fields: Fields = {
        "ToUserName": MINI_PROGRAM,
        "FromUserName": PLATFORM,
        "CreateTime": created,
        "MsgType": "event",
        "Event": event,
        "OpenID": openid,
        "AppID": appid,
    }
    if revoke_info is not None:
        fields["RevokeInfo"] = revoke_info
    return fields


def render(fields: Mapping[str, Any], form: Form) -> bytes:
    """The text of a message."""
    if form == "JSON":
        spaced = {f" {name}" if name in SPACED else name: value for name, value in fields.items()}
        return json.dumps(spaced, ensure_ascii=False).encode()
    lines = [
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>"
        for name, value in fields.items()
    ]
    return "\n".join(["<xml>", *lines, "</xml>"]).encode()


def make(
    fields: Mapping[str, Any], agreed: PushSecrets, *, appid: str, mode: Mode, form: Form, at: int
) -> Push:
    """The request that tells these fields; each time with a nonce and a ciphertext of its own."""
    return wrap(render(fields, form), agreed, appid=appid, mode=mode, form=form, at=at, beside=fields)


def wrap(
    message: bytes,
    agreed: PushSecrets,
    *,
    appid: str,
    mode: Mode,
    form: Form,
    at: int,
    beside: Mapping[str, Any] | None = None,
) -> Push:
    """The same for any bytes at all, also such that are no message. `beside` is compatible mode's plain copy."""
    nonce, timestamp = str(secrets.randbelow(10**9)), str(at)
    query = {"signature": sign(agreed.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    content_type = "text/xml" if form == "XML" else "application/json"
    if mode == "plain":
        return Push(query, message, content_type)
    encrypted = encrypt(message, agreed, appid)
    query |= {"encrypt_type": "aes", "msg_signature": sign(agreed.token, timestamp, nonce, encrypted)}
    copy = dict(beside or {}) if mode == "compatible" else {"ToUserName": MINI_PROGRAM}
    return Push(query, render(copy | {"Encrypt": encrypted}, form), content_type)


def encrypt(message: bytes, agreed: PushSecrets, appid: str) -> str:
    """random(16) + length(4, network order) + message + appid, PKCS#7 to 32, AES-256-CBC with the key's head as iv."""
    plain = secrets.token_bytes(16) + len(message).to_bytes(4, "big") + message + appid.encode()
    return encrypt_whole(pad(plain, _PADDED_TO), agreed)


def encrypt_whole(plain: bytes, agreed: PushSecrets) -> str:
    """These very bytes, padding included."""
    cipher = AES.new(agreed.aes_key, AES.MODE_CBC, agreed.aes_key[:16])
    return base64.b64encode(cipher.encrypt(plain)).decode()


def sign(*parts: str) -> str:
    """SHA-1 of the parts, sorted and joined."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def _random_text(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
