"""Repair, decrypt and check what the mini-program relays from WeChat. Pure functions; time is an argument.

Source: WeChat, 开放数据校验与解密 (miniprogram/dev/framework/open-ability/signature.html). AES-128-CBC carries no
MAC, so nothing here proves who somebody is: identity is what code2session says, and this is profile data beside it.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha1
from typing import Any
from urllib.parse import unquote

from passport.errors import DecryptFailed
from passport.wechat.aes import BLOCK, decrypt_cbc

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 field, after undoing what form encoding and truncating clients do to it.

    Repaired: a `+` that became a space, one percent-encoding too many, missing `=`. Everything else is refused: the
    URL-safe alphabet or a stray character means another field was sent, and guessing would hide that.

    Raises:
        ValueError: it is not base64 even after the repair.
    """
    if "%" in text:
        text = unquote(text, errors="strict")
    text = text.replace(" ", "+")
    if not _BASE64.fullmatch(text):
        raise ValueError("not base64")
    text = text.rstrip("=")
    return b64decode(text + "=" * (-len(text) % 4), validate=True)


def decrypt(encrypted_data: bytes, iv: bytes, *, session_key: str) -> dict[str, Any]:
    """The JSON object inside encryptedData.

    Args:
        encrypted_data: the decoded ciphertext.
        iv: the decoded initialisation vector.
        session_key: as code2session gave it, base64.

    Raises:
        DecryptFailed: for whatever is wrong: key, iv, padding, UTF-8 or JSON. One refusal, so that an attacker who
            changes bytes learns nothing from the answer (R-021).
    """
    try:
        key = b64decode(session_key, validate=True)
        if len(key) != BLOCK or len(iv) != BLOCK or not encrypted_data or len(encrypted_data) % BLOCK:
            raise ValueError("wrong length")
        plain = _strip_padding(decrypt_cbc(encrypted_data, key=key, iv=iv))
        # strict=False: WeChat does not promise to escape control characters in a nickname.
        payload = json.loads(plain.decode("utf-8"), strict=False)
        # A lone surrogate can be neither stored nor sent, and is found only by encoding.
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise DecryptFailed from error
    if not isinstance(payload, dict):
        raise DecryptFailed
    return payload


def _strip_padding(plain: bytes) -> bytes:
    # Every byte is checked: the last one alone accepts a wrong key in 6 % of cases.
    size = plain[-1]
    if not 1 <= size <= BLOCK or not hmac.compare_digest(plain[-size:], bytes([size]) * size):
        raise ValueError("wrong padding")
    return plain[:-size]


def check_payload(
    payload: Mapping[str, Any], *, appid: str, openid: str, now: datetime, freshness: timedelta | None
) -> None:
    """Refuse a payload of another app, of another user, or of another time.

    Args:
        payload: what `decrypt` returned.
        appid: the app the code was exchanged for.
        openid: what code2session said; the payload's `openId` is optional and must then be equal.
        now: the present.
        freshness: how far the watermark's time may be from now, either way; None switches the check off.

    Raises:
        DecryptFailed: the same refusal as for a payload that does not decrypt.
    """
    watermark = payload.get("watermark")
    if not isinstance(watermark, dict) or watermark.get("appid") != appid:
        raise DecryptFailed
    if freshness is not None and not _is_fresh(watermark.get("timestamp"), now, freshness):
        raise DecryptFailed
    if payload.get("openId", openid) != openid:
        raise DecryptFailed


def _is_fresh(timestamp: object, now: datetime, freshness: timedelta) -> bool:
    # bool is an int in Python, and True is no time.
    if not isinstance(timestamp, int) or isinstance(timestamp, bool) or abs(timestamp) > 2**53:
        return False
    return abs(now.timestamp() - timestamp) <= freshness.total_seconds()


def signature_matches(raw_data: str, signature: str, *, session_key: str) -> bool:
    """Whether signature is sha1(rawData + session_key) in hex, over the exact text of rawData."""
    # SHA-1 is WeChat's choice; the comparison takes the same time wherever they differ.
    expected = sha1(raw_data.encode() + session_key.encode()).hexdigest()  # noqa: S324 - WeChat's algorithm
    return hmac.compare_digest(expected.encode(), signature.lower().encode())
