"""ES256 key pairs: made, sealed for the database, opened from it, and shown as a public JWK.

Source: RFC 7517 (JWK), RFC 7638 (thumbprint as key id), RFC 7518 section 3.4 (ES256).
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm

from passport.errors import StartupError
from passport.sealing import SealBroken, Sealer

_KID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class SigningKey:
    """One ES256 key pair."""

    kid: str
    public_jwk: Mapping[str, str]
    private_key: EllipticCurvePrivateKey = field(repr=False)


def is_kid(kid: object) -> bool:
    """Whether this could be a key id of ours: the base64url of a SHA-256."""
    return isinstance(kid, str) and _KID.fullmatch(kid) is not None


def make_pair(sealer: Sealer) -> tuple[str, bytes]:
    """A new key: its id and the sealed private half."""
    private_key = generate_private_key(SECP256R1())
    kid = _thumbprint(_public_jwk(private_key))
    # On the command line it would read as an option.
    if kid.startswith("-"):
        return make_pair(sealer)
    plain = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return kid, sealer.seal(plain, context=kid.encode())


def open_pair(sealer: Sealer, kid: str, sealed_private_key: bytes) -> SigningKey:
    """The key behind the seal.

    Raises:
        StartupError: it was sealed with another secret_key.
    """
    try:
        plain = sealer.unseal(sealed_private_key, context=kid.encode())
    except SealBroken:
        raise StartupError(
            "secret_key does not open the signing keys in the database: it differs from the one they were "
            "sealed with. Restore that secret_key (embedded: the file secret_key in mongodb.data_dir)"
        ) from None
    private_key = load_der_private_key(plain, password=None)
    assert isinstance(private_key, EllipticCurvePrivateKey)
    public = {**_public_jwk(private_key), "kid": kid, "use": "sig", "alg": "ES256"}
    return SigningKey(kid, public, private_key)


def _public_jwk(private_key: EllipticCurvePrivateKey) -> dict[str, str]:
    jwk: dict[str, str] = ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    return {name: jwk[name] for name in ("crv", "kty", "x", "y")}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return urlsafe_b64encode(sha256(canonical).digest()).rstrip(b"=").decode()
