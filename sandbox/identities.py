"""What WeChat gives out, in its shapes: openid, unionid, session_key and code.

The shapes are observed, not promised by WeChat (auth.code2Session): openid 28 characters that start
with `o`, unionid 28, session_key 24 characters of base64, code 32 letters and digits.
"""

import base64
import hashlib
import secrets
import string

CODE_ALPHABET = string.digits + string.ascii_letters


def openid_of(name: str, appid: str) -> str:
    """The person's openid for this app: the same at every start, so a demo's data outlives a restart."""
    return "o" + _letters(f"app:{appid}", 5) + _letters(f"openid:{appid}:{name}", 22)


def unionid_of(name: str) -> str:
    """The person's unionid, the same for all apps, as they share one Open Platform account."""
    return "oc" + _letters("platform", 4) + _letters(f"unionid:{name}", 22)


def fixed_session_key_of(name: str, appid: str) -> str:
    """A session_key that anyone can work out from the name: for load generators, which ask nobody."""
    return base64.b64encode(_digest(f"session_key:{appid}:{name}")[:16]).decode()


def new_session_key() -> str:
    return base64.b64encode(secrets.token_bytes(16)).decode()


def new_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(32))


def new_visitor() -> str:
    """The name of somebody who was never here before."""
    return f"visitor-{secrets.token_hex(8)}"


def _letters(seed: str, length: int) -> str:
    return base64.urlsafe_b64encode(_digest(seed)).decode()[:length]


def _digest(seed: str) -> bytes:
    return hashlib.sha256(f"wxpassport sandbox {seed}".encode()).digest()
