"""`/oauth/…`: tokens (RFC 6749)."""

from __future__ import annotations

from handlers.api.credentials import LoginBody
from handlers.base import APIHandler
from passport.errors import UnsupportedGrantType

# RFC 6749 section 4.5: an extension grant is named by a URI. Leaving grant_type out means the same.
WXAPP_GRANT = "urn:wxpassport:oauth:grant-type:wxapp"


class TokenBody(LoginBody):
    """A request for a token."""

    grant_type: str = WXAPP_GRANT


class TokenHandler(APIHandler):
    """`POST /oauth/token`: sign a registered user in."""

    async def post(self) -> None:
        """200 with our JWT; 401 `unregistered`; 403 when a parameter is wrong."""
        body = self.body(TokenBody)
        if body.grant_type != WXAPP_GRANT:
            raise UnsupportedGrantType
        self.set_header("Pragma", "no-cache")  # RFC 6749 section 5.1
        self.reply(await self.services.login.sign_in(body.credentials, self.device))
