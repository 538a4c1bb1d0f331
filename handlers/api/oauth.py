"""`/oauth/…`: tokens (RFC 6749)."""

from __future__ import annotations

from handlers.api.credentials import LOGIN_REFUSALS, LoginBody
from handlers.base import APIHandler
from handlers.operations import Answer, operation
from passport.errors import AccountDisabled, Unregistered, UnsupportedGrantType

# RFC 6749 section 4.5: an extension grant is named by a URI. Leaving grant_type out means the same.
WXAPP_GRANT = "urn:wxpassport:oauth:grant-type:wxapp"


class TokenBody(LoginBody):
    """A request for a token."""

    grant_type: str = WXAPP_GRANT


class TokenAnswer(Answer):
    """The successful response of RFC 6749 section 5.1, with the account's id."""

    account_id: str
    access_token: str
    token_type: str
    expires_in: int


class TokenHandler(APIHandler):
    """`POST /oauth/token`: sign a registered user in."""

    @operation(
        "Sign in.",
        body=TokenBody,
        answers=TokenAnswer,
        refusals=(*LOGIN_REFUSALS, Unregistered, AccountDisabled, UnsupportedGrantType),
        limit="token",
    )
    async def post(self) -> None:
        """200 with our JWT; 401 `unregistered`; 403 when a parameter is wrong."""
        body = self.body(TokenBody)
        if body.grant_type != WXAPP_GRANT:
            raise UnsupportedGrantType
        self.set_header("Pragma", "no-cache")  # RFC 6749 section 5.1
        answer = await self.services.login.sign_in(body.credentials, self.device)
        self.reply(TokenAnswer.model_validate(answer))
