"""Sign out by a token (RFC 7009): whatever kind it is, its session ends and with it all of the session's tokens."""

from __future__ import annotations

from passport.errors import InvalidToken
from passport.refresh_tokens import PREFIX
from passport.sessions import Sessions
from passport.tokens import Tokens


class Revocation:
    """Ends sessions by their tokens.

    Args:
        tokens: reads access tokens.
        sessions: reads refresh tokens, and ends.
    """

    def __init__(self, *, tokens: Tokens, sessions: Sessions) -> None:
        self._tokens, self._sessions = tokens, sessions

    async def revoke(self, token: str) -> None:
        """End the token's session; a token that is not ours, or no longer counts, changes nothing (section 2.2).

        Raises:
            StoreUnavailable: it may still count.
        """
        if token.startswith(PREFIX):
            await self._sessions.revoke(token)
            return
        try:
            claims = await self._tokens.verify_anywhere(token)
        except InvalidToken:
            return
        await self._sessions.end(claims.session_id, by="client")
