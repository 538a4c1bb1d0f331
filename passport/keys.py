"""The keys our tokens are signed with: made once, kept sealed, the same in every process.

Source: RFC 7517 (JWK), RFC 7638 (thumbprint as key id), RFC 7518 section 3.4 (ES256).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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

from passport.clock import Now
from passport.errors import StartupError, StoreUnavailable
from passport.models import StoredKey
from passport.sealing import SealBroken, Sealer
from passport.store.signing_keys import SigningKeyStore


@dataclass(frozen=True)
class SigningKey:
    """One ES256 key pair."""

    kid: str
    created_at: datetime
    public_jwk: Mapping[str, str]
    private_key: EllipticCurvePrivateKey = field(repr=False)


class KeyRing:
    """The signing keys of this deployment, as they were when open() read them; the newest signs.

    Args:
        store: where they are kept.
        sealer: seals the private halves.
        now: the clock.
    """

    def __init__(self, *, store: SigningKeyStore, sealer: Sealer, now: Now) -> None:
        self._store, self._sealer, self._now = store, sealer, now
        self._keys: dict[str, SigningKey] = {}
        self._newest: SigningKey | None = None

    async def open(self) -> None:
        """Load the keys, making the first one when there is none.

        Raises:
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer.
        """
        stored = await self._store.list()
        if not stored:
            # Of processes that start together one insert wins; all read that one back.
            await self._store.insert(self._make(generation=1))
            stored = await self._store.list()
        if not stored:
            # Majority reads can lag a moment behind the insert that won.
            raise StoreUnavailable
        opened = [self._unseal(key) for key in stored]
        self._keys = {key.kid: key for key in opened}
        self._newest = opened[-1]

    @property
    def newest(self) -> SigningKey:
        """The key to sign with."""
        assert self._newest is not None, "open() comes first"
        return self._newest

    def find(self, kid: object) -> SigningKey | None:
        """None for a key id that is not ours; looked up in memory alone (R-004)."""
        return self._keys.get(kid) if isinstance(kid, str) else None

    def jwks(self) -> dict[str, list[Mapping[str, str]]]:
        """The public halves as a JWK Set (RFC 7517 section 5)."""
        return {"keys": [key.public_jwk for key in self._keys.values()]}

    def _make(self, *, generation: int) -> StoredKey:
        private_key = generate_private_key(SECP256R1())
        kid = _thumbprint(_public_jwk(private_key))
        plain = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return StoredKey(
            kid=kid,
            generation=generation,
            sealed_private_key=self._sealer.seal(plain, context=kid.encode()),
            created_at=self._now(),
        )

    def _unseal(self, stored: StoredKey) -> SigningKey:
        try:
            plain = self._sealer.unseal(stored.sealed_private_key, context=stored.kid.encode())
        except SealBroken:
            raise StartupError(
                "secret_key does not open the signing keys in the database: it differs from the one they were "
                "sealed with. Restore that secret_key (embedded: the file secret_key in mongodb.data_dir)"
            ) from None
        private_key = load_der_private_key(plain, password=None)
        assert isinstance(private_key, EllipticCurvePrivateKey)
        public = {**_public_jwk(private_key), "kid": stored.kid, "use": "sig", "alg": "ES256"}
        return SigningKey(stored.kid, stored.created_at, public, private_key)


def _public_jwk(private_key: EllipticCurvePrivateKey) -> dict[str, str]:
    jwk: dict[str, str] = ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
    return {name: jwk[name] for name in ("crv", "kty", "x", "y")}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()
    return urlsafe_b64encode(sha256(canonical).digest()).rstrip(b"=").decode()
