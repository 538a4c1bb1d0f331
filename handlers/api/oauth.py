"""`/oauth/…`: tokens (RFC 6749), their revocation (RFC 7009) and introspection (RFC 7662)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from handlers.api.clients import client_credentials
from handlers.api.credentials import LOGIN_REFUSALS, LoginBody
from handlers.base import APIHandler, Model
from handlers.operations import Answer, operation
from passport.errors import (
    AccountDisabled,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    MalformedRequest,
    Unregistered,
    UnsupportedGrantType,
)

# RFC 6749 section 4.5: an extension grant is named by a URI. Leaving grant_type out means the same.
WXAPP_GRANT: Final = "urn:wxpassport:oauth:grant-type:wxapp"
REFRESH_GRANT: Final = "refresh_token"
_TOKEN_LIMIT = 8192

Text = Annotated[str, Field(min_length=1, max_length=_TOKEN_LIMIT)]


class TokenBody(LoginBody):
    """Sign in with what wx.login gave."""

    grant_type: Literal["urn:wxpassport:oauth:grant-type:wxapp"] = WXAPP_GRANT


class RefreshBody(BaseModel):
    """Go on with a session (RFC 6749 section 6)."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    grant_type: Literal["refresh_token"]
    refresh_token: Text


class RevokeBody(BaseModel):
    """Which token to revoke (RFC 7009 section 2.1). The hint is not needed: our tokens can be told apart."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    token: Text
    token_type_hint: Annotated[str, Field(max_length=64)] | None = None
    client_id: Annotated[str, Field(max_length=256)] | None = None
    client_secret: Annotated[str, Field(max_length=256)] | None = None


class IntrospectBody(RevokeBody):
    """Which token to ask about (RFC 7662 section 2.1)."""


class TokenAnswer(Answer):
    """The successful response of RFC 6749 section 5.1, with the account's id."""

    account_id: str = Field(
        description="The user's id here: the same for ever.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    access_token: str = Field(
        description="A JWT (RFC 9068, ES256), to be sent as `Authorization: Bearer …`. Other services verify it with "
        "/.well-known/jwks.json.",
        examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl"],
    )
    token_type: Literal["Bearer"] = Field(description="How the token is sent (RFC 6750).")
    expires_in: int = Field(description="Seconds until the access_token expires.", examples=[3600], ge=1)
    refresh_token: str = Field(
        description="For the next tokens, once: grant_type=refresh_token.",
        examples=["wpr_ZvDB6a2LdCbpPRwKAAAAAbWvT0xq"],
    )


class RevokeAnswer(Answer):
    """Nothing to tell (RFC 7009 section 2.2): the token does not count, whatever it was."""


class IntrospectAnswer(Answer):
    """What RFC 7662 section 2.2 names; exactly `{"active": false}` for whatever does not count."""

    active: bool
    client_id: str | None = None
    token_type: Literal["Bearer"] | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    sid: str | None = None


class OAuthHandler(APIHandler):
    """An endpoint where RFC 6749 rules, so a malformed request is 400 and not, as by our own contract, 403."""

    def standard_body(self, model: type[Model]) -> Model:
        """The body as the model. Raises MalformedRequest."""
        try:
            return self.body(model)
        except InvalidRequest as error:
            description = error.description
        # Raised out here, so that what was sent does not stay in memory with the refusal's context.
        raise MalformedRequest(description)


class TokenHandler(OAuthHandler):
    """`POST /oauth/token`: sign a registered user in, or go on with a session."""

    @operation(
        "Sign in, or refresh.",
        body=(TokenBody, RefreshBody),
        answers=TokenAnswer,
        refusals=(
            *LOGIN_REFUSALS,
            Unregistered,
            AccountDisabled,
            InvalidRequest,
            InvalidGrant,
            MalformedRequest,
            UnsupportedGrantType,
        ),
        limit="token",
    )
    async def post(self) -> None:
        """200 with our tokens; 401 `unregistered`; 403 when a parameter is wrong; 400 `invalid_grant`."""
        self.set_header("Pragma", "no-cache")  # RFC 6749 section 5.1
        grant_type = self.fields().get("grant_type")
        if grant_type == REFRESH_GRANT:
            pair = await self.services.sessions.refresh(self.standard_body(RefreshBody).refresh_token)
            answer = pair.answer
        elif grant_type in (None, WXAPP_GRANT) or not isinstance(grant_type, str):
            answer = await self.services.login.sign_in(self.body(TokenBody).credentials, self.device)
        else:
            raise UnsupportedGrantType
        self.reply(TokenAnswer.model_validate(answer))


class RevokeHandler(OAuthHandler):
    """`POST /oauth/revoke`: sign out (RFC 7009)."""

    @operation(
        "Sign out: end the session of this refresh token or access token.",
        body=RevokeBody,
        answers=RevokeAnswer,
        refusals=(InvalidClient, MalformedRequest),
        limit="revoke",
    )
    async def post(self) -> None:
        """200 for a token that counted and for one that did not."""
        body = self.standard_body(RevokeBody)
        # Mini-programs are public clients, so none has to authenticate; who does must get it right.
        credentials = client_credentials(self.request.headers, body.client_id, body.client_secret)
        if credentials is not None:
            self.services.resource_servers.authenticate(*credentials)
        await self.services.revocation.revoke(body.token)
        self.reply(RevokeAnswer())


class IntrospectHandler(OAuthHandler):
    """`POST /oauth/introspect`: whether a token counts (RFC 7662)."""

    @operation(
        "Whether an access token counts now. For the resource servers in the configuration.",
        body=IntrospectBody,
        answers=IntrospectAnswer,
        refusals=(InvalidClient, MalformedRequest),
        caller="resource_server",
    )
    async def post(self) -> None:
        """200 with what the token says, or with `active: false` and nothing else."""
        body = self.standard_body(IntrospectBody)
        credentials = client_credentials(self.request.headers, body.client_id, body.client_secret)
        if credentials is None:
            raise InvalidClient
        server = self.services.resource_servers.authenticate(*credentials)
        found = await self.services.resource_servers.introspect(server, body.token)
        if found is None:
            self.reply(IntrospectAnswer(active=False))
            return
        claims = found.claims
        self.reply(
            IntrospectAnswer(
                active=True,
                client_id=claims.appid,
                token_type="Bearer",  # noqa: S106  the type of the token, not a secret
                exp=claims.expires_at,
                iat=claims.issued_at,
                sub=claims.user_id,
                aud=found.issuer,
                iss=found.issuer,
                jti=claims.token_id,
                sid=claims.session_id,
            )
        )
