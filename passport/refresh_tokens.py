"""Refresh tokens: how they are made, read and followed by the next one. Pure; what may be done with one is elsewhere.

A token names its session and its generation, and carries our MAC. So one that we never made is refused without asking
the database, and cannot end anybody's session, while an old one is known for what it is without a list of old ones.
The successor of a token is a function of it and of the secret_key: whoever repeats a refresh whose answer was lost
gets the very same successor from any process, and nothing has to be kept for that. The database has a digest alone.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from passport.errors import InvalidGrant
from passport.sealing import Sealer

PREFIX = "wpr_"
_SESSION, _GENERATION, _SECRET, _MAC = 12, 4, 32, 16
_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{86}")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token. `session_id` is 24 hex digits; generations count from 1."""

    session_id: str
    generation: int
    text: str = field(repr=False)


class RefreshTokens:
    """Makes and reads refresh tokens.

    Args:
        sealer: of this purpose alone; whoever has its key can make tokens, though none whose digest is stored.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def first(self, session_id: str) -> RefreshToken:
        """The token a new session starts with."""
        return self._make(session_id, 1, secrets.token_bytes(_SECRET))

    def successor(self, token: RefreshToken) -> RefreshToken:
        """The one that follows; always the same."""
        return self._make(
            token.session_id, token.generation + 1, self._sealer.digest("successor", token.text)
        )

    def digest(self, token: RefreshToken) -> bytes:
        """What the database knows of it."""
        return self._sealer.digest("token", token.text)

    def read(self, text: str) -> RefreshToken:
        """The token in the text.

        Raises:
            InvalidGrant: we never made it.
        """
        if not _FORM.fullmatch(text):
            raise InvalidGrant
        encoded = text.removeprefix(PREFIX)
        data = urlsafe_b64decode(encoded + "==")
        body, mac = data[:-_MAC], data[-_MAC:]
        # The last character has bits to spare, and one token must have one spelling.
        if not hmac.compare_digest(mac, self._mac(body)) or _encoded(data) != encoded:
            raise InvalidGrant
        generation = int.from_bytes(body[_SESSION : _SESSION + _GENERATION], "big")
        return RefreshToken(body[:_SESSION].hex(), generation, text)

    def _make(self, session_id: str, generation: int, secret: bytes) -> RefreshToken:
        body = bytes.fromhex(session_id) + generation.to_bytes(_GENERATION, "big") + secret
        return RefreshToken(session_id, generation, PREFIX + _encoded(body + self._mac(body)))

    def _mac(self, body: bytes) -> bytes:
        return self._sealer.digest("mac", body)[:_MAC]


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
