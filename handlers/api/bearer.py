"""The base of endpoints for a signed-in user."""

from __future__ import annotations

from handlers.base import APIHandler
from passport.access import Bearer
from passport.errors import AccountDisabled, InvalidToken, MissingToken

BEARER_REFUSALS = (InvalidToken, AccountDisabled)


class BearerHandler(APIHandler):
    """An endpoint for the bearer of an access token."""

    async def bearer(self) -> Bearer:
        """Who calls (RFC 6750 section 2.1: the token comes in the Authorization header alone)."""
        given = self.request.headers.get_list("Authorization")
        if len(given) > 1:
            raise InvalidToken
        scheme, _, token = given[0].partition(" ") if given else ("", "", "")
        # Section 3.1: another scheme is a client that does not know ours, so the challenge names no error.
        if scheme.lower() != "bearer":
            raise MissingToken
        bearer = await self.services.access.admit(token.strip(" "))
        declared = self._operation
        if declared is not None and declared.limit is not None:
            await self.services.limits.admit_user(declared.limit, bearer.user.user_id)
        return bearer
