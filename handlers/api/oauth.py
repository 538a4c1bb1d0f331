"""`/oauth/…`: tokens (RFC 6749), their revocation (RFC 7009) and introspection (RFC 7662)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


def _ours_when_empty(value: object) -> object:
    return WXAPP_GRANT if value == "" else value


class TokenBody(LoginBody):
    """Sign in with what wx.login gave."""

    grant_type: Annotated[
        Literal["urn:wxpassport:oauth:grant-type:wxapp"], BeforeValidator(_ours_when_empty)
    ] = Field(default=WXAPP_GRANT, description="May be left out to sign in.")


class RefreshBody(BaseModel):
    """Go on with a session (RFC 6749 section 6)."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    grant_type: Literal["refresh_token"] = Field(description="To go on with a session instead of signing in.")
    refresh_token: Text = Field(
        description="The one that the last answer gave. It works once: keep the new one, and repeat the call only when "
        "its answer was lost, within seconds. A used one that comes again later ends the session.",
        examples=["wpr_ZvDB6a2LdCbpPRwKAAAAAbWvT0xq"],
    )
    client_id: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="The mini-program's appid, for clients that send it; it must be the session's.",
    )


class RevokeBody(BaseModel):
    """Which token to revoke (RFC 7009 section 2.1). The hint is not needed: our tokens can be told apart."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    token: Text = Field(
        description="An access token or a refresh token.",
        examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl"],
    )
    token_type_hint: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Taken and not needed: our tokens can be told apart."
    )
    client_id: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="Of a resource server, for a library that authenticates in the body; HTTP Basic is the better way.",
    )
    client_secret: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="Its secret, in the same way. Never one of a mini-program, which cannot keep one.",
    )


class IntrospectBody(RevokeBody):
    """Which token to ask about (RFC 7662 section 2.1)."""

    token: Text = Field(
        description="An access token. A refresh token is never active here: it is no proof of who calls.",
        examples=["eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiI2NmYwIn0.c2lnbmF0dXJl"],
    )


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

    active: bool = Field(
        description="Whether the access token counts now: not expired, its session not over, its user not banned.",
        examples=[True],
    )
    client_id: str | None = Field(
        default=None, description="The mini-program's appid.", examples=["wx4f4bc4dec97d474b"]
    )
    token_type: Literal["Bearer"] | None = Field(default=None, description="Its kind.")
    exp: int | None = Field(default=None, description="When it expires, in Unix time.", examples=[1772357400])
    iat: int | None = Field(
        default=None, description="When it was issued, in Unix time.", examples=[1772353800]
    )
    sub: str | None = Field(
        default=None, description="The user: their account_id.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    aud: str | None = Field(
        default=None, description="Whom it is for: this server.", examples=["https://login.example.com"]
    )
    iss: str | None = Field(
        default=None, description="Who issued it: this server.", examples=["https://login.example.com"]
    )
    jti: str | None = Field(
        default=None, description="The token's own id.", examples=["3m0Zq1v8R2uWkYbXc4tLsA"]
    )
    sid: str | None = Field(default=None, description="Its session.", examples=["66f0c1e9ad8b7426e93d1c0b"])


class OAuthHandler(APIHandler):
    """An endpoint where RFC 6749 rules, so a malformed request is 400 and not, as by our own contract, 403."""

    def standard_body(self, model: type[Model]) -> Model:
        """The body as the model. Raises MalformedRequest."""
        try:
            # A parameter without a value counts as omitted (RFC 6749 section 3.2).
            return self.body(model, empty_is_absent=True)
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
        grant_type = self.fields().get("grant_type", "")
        if grant_type == REFRESH_GRANT:
            body = self.standard_body(RefreshBody)
            answer = (await self.services.sessions.refresh(body.refresh_token, appid=body.client_id)).answer
        elif grant_type in ("", WXAPP_GRANT) or not isinstance(grant_type, str):
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
        # Mini-programs are public clients, so none has to authenticate; who does must get it right. The access token
        # that a wrapper sends with every request authenticates nobody here.
        headers = self.request.headers
        credentials = client_credentials(headers, body.client_id, body.client_secret, optional=True)
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
