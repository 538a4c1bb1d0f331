"""Issue and verify access tokens. Knows nothing of HTTP or WeChat.

Source: RFC 9068 (JWT profile for access tokens), RFC 8725 (JWT best current practices).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from passport.clock import Now
from passport.errors import InvalidToken
from passport.key_pairs import SigningKey
from passport.keys import KeyRing

ALGORITHM = "ES256"
TYPE = "at+jwt"
LEEWAY = timedelta(seconds=10)
LONGEST = 4096
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}")
_REQUIRED = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "sid")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and for how many seconds it is valid."""

    token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says; times are Unix times in seconds."""

    user_id: str
    appid: str
    session_id: str
    token_id: str
    issued_at: int
    expires_at: int


class UnknownKey(InvalidToken):
    """A token in our form by a key that is unknown here; another process may have made it a moment ago."""

    def __init__(self, kid: str) -> None:
        super().__init__()
        self.kid = kid


class Tokens:
    """Our access tokens.

    Args:
        keys: what they are signed with.
        issuer: their `iss`, and their `aud`: they are for our own endpoints.
        ttl: how long they live.
        now: the clock.
    """

    def __init__(self, *, keys: KeyRing, issuer: str, ttl: timedelta, now: Now) -> None:
        self._keys, self._issuer, self._ttl, self._now = keys, issuer, ttl, now
        # Time is checked below, by our clock and not by the library's.
        self._options: Any = {
            "require": list(_REQUIRED),
            "strict_aud": True,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        }

    @property
    def issuer(self) -> str:
        """Their `iss` and `aud`."""
        return self._issuer

    def issue(self, *, user_id: str, appid: str, session_id: str, until: datetime) -> AccessToken:
        """A token for this session, which itself ends at `until`."""
        issued_at = int(self._now().timestamp())
        lifetime = min(int(self._ttl.total_seconds()), int(until.timestamp()) - issued_at)
        claims = {
            "iss": self._issuer,
            "sub": user_id,
            "aud": self._issuer,
            "client_id": appid,
            "iat": issued_at,
            "exp": issued_at + lifetime,
            "jti": secrets.token_urlsafe(16),
            "sid": session_id,
        }
        key = self._keys.signer
        token = jwt.encode(claims, key.private_key, ALGORITHM, headers={"typ": TYPE, "kid": key.kid})
        return AccessToken(token, lifetime)

    async def verify_anywhere(self, token: str) -> Claims:
        """As `verify`, for a token that another process may have signed with a key that this one has not seen yet.

        Raises:
            InvalidToken: as `verify`.
            StoreUnavailable: the key is unknown and MongoDB cannot be asked for it.
        """
        try:
            return self.verify(token)
        except UnknownKey as error:
            await self._keys.look_for(error.kid)
            return self.verify(token)

    def verify(self, token: str) -> Claims:
        """What the token says, if it is one of ours, whole, in time, and an access token.

        Raises:
            UnknownKey: it names a key that this process has not seen; an InvalidToken like any other.
            InvalidToken: for every other string; the cause is chained and not told.
        """
        # Before any parsing: bounds the work, and refuses padded or embedded spellings of the same token.
        if len(token) > LONGEST or not _COMPACT.fullmatch(token):
            raise InvalidToken
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TYPE or header.get("alg") != ALGORITHM or "crit" in header:
                raise InvalidToken
            key = self._key_of(header)
            claims = jwt.decode(
                token,
                key.private_key.public_key(),
                algorithms=[ALGORITHM],
                audience=self._issuer,
                issuer=self._issuer,
                options=self._options,
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise InvalidToken from error
        return self._read(claims)

    def _key_of(self, header: dict[str, Any]) -> SigningKey:
        # Key-carrying headers (jku, jwk, x5u, x5c) are never looked at: the key is ours or there is none.
        kid = header.get("kid")
        key = self._keys.find(kid)
        if key is None:
            raise UnknownKey(str(kid)) if self._keys.is_news(kid) else InvalidToken
        return key

    def _read(self, claims: dict[str, Any]) -> Claims:
        texts = [claims[name] for name in ("sub", "client_id", "sid", "jti")]
        # We set no nbf, but a token that has one is not valid before it (RFC 7519 section 4.1.5).
        times = [claims["iat"], claims["exp"], claims.get("nbf", claims["iat"])]
        # PyJWT takes a float or a numeric string for a time, and anything for client_id.
        if not all(isinstance(text, str) and text for text in texts) or not all(
            type(time) is int for time in times
        ):
            raise InvalidToken
        issued_at, expires_at, not_before = times
        now, leeway = self._now().timestamp(), LEEWAY.total_seconds()
        if max(issued_at, not_before) > now + leeway or expires_at <= now - leeway:
            raise InvalidToken
        user_id, appid, session_id, token_id = texts
        return Claims(user_id, appid, session_id, token_id, issued_at, expires_at)
