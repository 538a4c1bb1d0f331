"""Let a bearer of an access token in: verify the token, then ask whether its user may still use it."""

from __future__ import annotations

from dataclasses import dataclass

from passport.clock import Now
from passport.errors import InvalidToken
from passport.models import User
from passport.tokens import Claims, Tokens
from passport.users import Users, ensure_active


@dataclass(frozen=True)
class Bearer:
    """Who calls, and what their token said."""

    user: User
    claims: Claims


class Access:
    """The door to everything that needs a token.

    Args:
        tokens: verifies.
        users: knows who is banned.
        now: the clock.
    """

    def __init__(self, *, tokens: Tokens, users: Users, now: Now) -> None:
        self._tokens, self._users, self._now = tokens, users, now

    async def admit(self, token: str) -> Bearer:
        """The bearer of the token.

        Raises:
            InvalidToken: the token is not valid, or its user is gone.
            AccountDisabled: its user is banned; a ban holds from the next request on.
            StoreUnavailable: MongoDB cannot be asked.
        """
        claims = await self._tokens.verify_anywhere(token)
        user = await self._users.find(claims.user_id)
        if user is None:
            raise InvalidToken
        ensure_active(user, self._now())
        return Bearer(user, claims)
