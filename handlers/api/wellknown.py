"""`/.well-known/…`: what other software needs to know about us and to verify our tokens alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from pydantic import Field

from handlers.api.oauth import REFRESH_GRANT, WXAPP_GRANT
from handlers.base import APIHandler
from handlers.operations import Answer, operation
from passport.errors import NotFound

_CACHED = "public, max-age=300"


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
        self.set_header("Cache-Control", _CACHED)
        self.reply(KeySetAnswer.model_validate(self.services.keys.jwks()))


class MetadataAnswer(Answer):
    """What RFC 8414 section 2 names. There is no authorization endpoint, so no response type is supported."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]


class MetadataHandler(APIHandler):
    """`GET /.well-known/oauth-authorization-server` (RFC 8414), also below it for an issuer with a path (section 3)."""

    needs_database = False

    @operation(
        "What this authorization server offers (RFC 8414).", answers=MetadataAnswer, refusals=(NotFound,)
    )
    def get(self, issuer_path: str = "") -> None:
        """200 with the endpoints; another issuer than ours is not here."""
        settings = self.services.settings
        if issuer_path != settings.issuer.partition("://")[2].partition("/")[2]:
            raise NotFound
        base = settings.server.public_url or settings.listening_url
        self.set_header("Cache-Control", _CACHED)
        self.reply(
            MetadataAnswer(
                issuer=settings.issuer,
                token_endpoint=f"{base}/oauth/token",
                jwks_uri=f"{base}/.well-known/jwks.json",
                response_types_supported=[],
                grant_types_supported=[WXAPP_GRANT, REFRESH_GRANT],
                token_endpoint_auth_methods_supported=["none"],
                revocation_endpoint=f"{base}/oauth/revoke",
                revocation_endpoint_auth_methods_supported=["none", *_SECRETS],
                introspection_endpoint=f"{base}/oauth/introspect",
                introspection_endpoint_auth_methods_supported=_SECRETS,
            )
        )


_SECRETS = ["client_secret_basic", "client_secret_post"]
