"""`/oauth/…`: tokens (RFC 6749)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from handlers.api.credentials import LOGIN_REFUSALS, LoginBody
from handlers.base import APIHandler
from handlers.operations import Answer, operation
from passport.errors import AccountDisabled, Unregistered, UnsupportedGrantType

# RFC 6749 section 4.5: an extension grant is named by a URI. Leaving grant_type out means the same.
WXAPP_GRANT = "urn:wxpassport:oauth:grant-type:wxapp"


class TokenBody(LoginBody):
    """A request for a token."""

    grant_type: str = Field(
        default=WXAPP_GRANT,
        description="Leave it out to sign in.",
        # Whatever else is sent has a refusal of its own, so the type is wider than the promise.
        json_schema_extra={"enum": [WXAPP_GRANT]},
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


class TokenHandler(APIHandler):
    """`POST /oauth/token`: sign a registered user in."""

    @operation(
        "Sign in.",
        body=TokenBody,
        answers=TokenAnswer,
        refusals=(*LOGIN_REFUSALS, Unregistered, AccountDisabled, UnsupportedGrantType),
    )
    async def post(self) -> None:
        """200 with our JWT; 401 `unregistered`; 403 when a parameter is wrong."""
        body = self.body(TokenBody)
        if body.grant_type != WXAPP_GRANT:
            raise UnsupportedGrantType
        self.set_header("Pragma", "no-cache")  # RFC 6749 section 5.1
        answer = await self.services.login.sign_in(body.credentials, self.device)
        self.reply(TokenAnswer.model_validate(answer))
