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

    kty: Literal["EC"] = Field(description="An elliptic curve.")
    crv: Literal["P-256"] = Field(description="Which one.")
    x: str = Field(
        pattern="^[A-Za-z0-9_-]{43}$",
        description="The point's coordinate in base64url.",
        examples=["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"],
    )
    y: str = Field(
        pattern="^[A-Za-z0-9_-]{43}$",
        description="The other coordinate.",
        examples=["x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
    )
    kid: str = Field(
        description="The key's thumbprint (RFC 7638): the `kid` in a token's header.",
        examples=["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"],
    )
    use: Literal["sig"] = Field(description="For signatures.")
    alg: Literal["ES256"] = Field(description="The only algorithm to accept.")


class KeySetAnswer(Answer):
    """A JWK Set (RFC 7517 section 5)."""

    keys: list[PublicKey] = Field(
        description="All that may have signed a token that is still valid, and the next one. Fetch them again when a "
        "token names another."
    )


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

    issuer: str = Field(description="The `iss` of our tokens.", examples=["https://login.example.com"])
    token_endpoint: str = Field(
        description="Where tokens are had.", examples=["https://login.example.com/oauth/token"]
    )
    jwks_uri: str = Field(
        description="Where the keys are that verify them.",
        examples=["https://login.example.com/.well-known/jwks.json"],
    )
    response_types_supported: list[str] = Field(
        description="None: there is no authorization endpoint.", examples=[[]]
    )
    grant_types_supported: list[str] = Field(
        description="Signing in by WeChat, and refreshing.",
        examples=[["urn:wxpassport:oauth:grant-type:wxapp", "refresh_token"]],
    )
    token_endpoint_auth_methods_supported: list[str] = Field(
        description="Mini-programs are public clients, which hold no secret.", examples=[["none"]]
    )
    revocation_endpoint: str = Field(
        description="Where a session is ended (RFC 7009).",
        examples=["https://login.example.com/oauth/revoke"],
    )
    revocation_endpoint_auth_methods_supported: list[str] = Field(
        description="Nobody has to authenticate there, and a resource server may.",
        examples=[["none", "client_secret_basic", "client_secret_post"]],
    )
    introspection_endpoint: str = Field(
        description="Where a resource server asks whether a token counts (RFC 7662).",
        examples=["https://login.example.com/oauth/introspect"],
    )
    introspection_endpoint_auth_methods_supported: list[str] = Field(
        description="How it authenticates.", examples=[["client_secret_basic", "client_secret_post"]]
    )


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
