"""Make encryptedData, iv, rawData and signature as `wx.getUserInfo` returns them. Pure.

AES-128-CBC with PKCS#7 under the session_key, UTF-8 JSON without \\u escapes; the signature is
sha1(rawData + session_key) in hex (WeChat: signature and encryption of open data).
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

GREY_AVATAR = (
    "https://thirdwx.qlogo.cn/mmopen/vi_32/"
    "POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132"
)

# What every new release gets since 2022-11-08 (WeChat: announcement on wx.getUserProfile), in WeChat's order.
ANONYMOUS: Mapping[str, Any] = {
    "nickName": "微信用户",
    "gender": 0,
    "language": "",
    "city": "",
    "province": "",
    "country": "",
    "avatarUrl": GREY_AVATAR,
}

NOT_IN_RAW_DATA = ("openId", "unionId", "watermark")


def user_info(
    *, appid: str, openid: str | None, unionid: str | None, profile: Mapping[str, Any], timestamp: int
) -> dict[str, Any]:
    """The JSON inside encryptedData, keys in WeChat's order.

    A profile may replace any key, `openId` and `watermark` too, for payloads that WeChat would never make.
    """
    data: dict[str, Any] = {} if openid is None else {"openId": openid}
    data |= ANONYMOUS
    if unionid is not None:
        data["unionId"] = unionid
    data["watermark"] = {"timestamp": timestamp, "appid": appid}
    return data | dict(profile)


def seal(data: Mapping[str, Any], session_key: str) -> dict[str, str]:
    """The four fields that `wx.getUserInfo` hands to the mini-program for this data."""
    raw_data = compact({key: value for key, value in data.items() if key not in NOT_IN_RAW_DATA})
    return encrypt(compact(data).encode(), session_key) | {
        "rawData": raw_data,
        "signature": sign(raw_data, session_key),
    }


def encrypt(plaintext: bytes, session_key: str) -> dict[str, str]:
    """`encryptedData` and `iv` for any bytes at all, also such that are no JSON."""
    iv = secrets.token_bytes(AES.block_size)
    cipher = AES.new(base64.b64decode(session_key), AES.MODE_CBC, iv)
    sealed = cipher.encrypt(pad(plaintext, AES.block_size))
    return {"encryptedData": base64.b64encode(sealed).decode(), "iv": base64.b64encode(iv).decode()}


def sign(raw_data: str, session_key: str) -> str:
    """SHA-1 because WeChat says so; the session_key goes in as text, not decoded."""
    return hashlib.sha1((raw_data + session_key).encode(), usedforsecurity=False).hexdigest()


def compact(data: Mapping[str, Any]) -> str:
    """JSON as WeChat writes it: no spaces, Chinese and emoji as they are."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
