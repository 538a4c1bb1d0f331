"""JSON Web Signatures by hand, for headers and payloads that no JOSE library would make."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64(data: bytes) -> str:
    """base64url without padding, as JWS writes it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: Any) -> str:
    """A header or payload: an object, or text that only looks like one."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return b64(text.encode("utf-8", "surrogatepass"))


def hs(header: Any, claims: Any, secret: bytes, digest: Any = sha256) -> str:
    """A JWS with an HMAC, whatever the header says."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), digest).digest())}"


def es(header: Any, claims: Any, key: ec.EllipticCurvePrivateKey, digest: Any = None) -> str:
    """A JWS with an ECDSA signature of this key, whatever the header says."""
    signed = f"{part(header)}.{part(claims)}"
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(digest or hashes.SHA256())))
    return f"{signed}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"
