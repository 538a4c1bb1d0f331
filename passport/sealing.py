"""Seal what must not be readable in the database, and digest what must not be guessable from it.

One secret_key, one HKDF subkey per purpose, AES-256-GCM for sealing and HMAC-SHA-256 for digests. The purpose and
the caller's context are authenticated, so a sealed value copied to another document does not open there.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

_NONCE = 12
_TAG = 16


class SealBroken(Exception):
    """The value was sealed under another secret_key, for another place, or was altered."""


class Sealer:
    """Seals and digests for one purpose.

    Args:
        secret_key: the configured secret, at least 32 bytes.
        purpose: what this sealer is for, such as `signing-keys`; each purpose has its own key.
    """

    def __init__(self, secret_key: bytes, purpose: str) -> None:
        derived = HKDF(secret_key, 64, b"wxpassport/v1", SHA256, context=purpose.encode())
        assert isinstance(derived, bytes)  # one key was asked for, so HKDF returns it bare
        self._sealing_key, self._digest_key = derived[:32], derived[32:]

    def seal(self, plain: bytes, *, context: bytes = b"") -> bytes:
        """nonce + tag + ciphertext (AES-256-GCM, NIST SP 800-38D), bound to `context`."""
        nonce = secrets.token_bytes(_NONCE)
        cipher = AES.new(self._sealing_key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG)
        cipher.update(context)
        ciphertext, tag = cipher.encrypt_and_digest(plain)
        return nonce + tag + ciphertext

    def unseal(self, sealed: bytes, *, context: bytes = b"") -> bytes:
        """What `seal` was given. Raises SealBroken when the key, the context or the bytes differ."""
        nonce, tag, ciphertext = sealed[:_NONCE], sealed[_NONCE : _NONCE + _TAG], sealed[_NONCE + _TAG :]
        try:
            cipher = AES.new(self._sealing_key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG)
            cipher.update(context)
            return cipher.decrypt_and_verify(ciphertext, tag)
        except ValueError as error:
            raise SealBroken from error

    def digest(self, *parts: str | bytes) -> bytes:
        """A keyed digest (HMAC-SHA-256) of the parts; each is length-prefixed, so that no two lists collide."""
        mac = hmac.new(self._digest_key, digestmod=sha256)
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            mac.update(len(data).to_bytes(4, "big") + data)
        return mac.digest()
