"""`/.well-known/…`: what other services need to verify our tokens alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from pydantic import Field

from handlers.base import APIHandler
from handlers.operations import Answer, operation


class PublicKey(Answer):
    """The public half of a signing key (RFC 7517 section 4, RFC 7518 section 6.2)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str = Field(pattern="^[A-Za-z0-9_-]{43}$")
    y: str = Field(pattern="^[A-Za-z0-9_-]{43}$")
    kid: str = Field(description="The key's thumbprint (RFC 7638): the `kid` in a token's header.")
    use: Literal["sig"]
    alg: Literal["ES256"]


class KeySetAnswer(Answer):
    """A JWK Set (RFC 7517 section 5)."""

    keys: list[PublicKey]


class JWKSHandler(APIHandler):
    """`GET /.well-known/jwks.json` (RFC 7517)."""

    @operation(
        "The public keys that verify our access tokens.",
        answers={HTTPStatus.OK: KeySetAnswer, HTTPStatus.NOT_MODIFIED: None},
    )
    def get(self) -> None:
        """The public keys; private halves never leave `passport.keys`."""
        self.set_header("Cache-Control", "public, max-age=300")
        self.reply(KeySetAnswer.model_validate(self.services.keys.jwks()))
