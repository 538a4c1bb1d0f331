"""Let a bearer of an access token in: verify the token, then ask whether its user and its session still count."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from passport.attempts import learnt
from passport.clock import Now
from passport.errors import InvalidToken
from passport.models import User
from passport.sessions import Sessions
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
        sessions: knows which have ended.
        now: the clock.
    """

    def __init__(self, *, tokens: Tokens, users: Users, sessions: Sessions, now: Now) -> None:
        self._tokens, self._users, self._sessions, self._now = tokens, users, sessions, now

    async def admit(self, token: str) -> Bearer:
        """The bearer of the token.

        Raises:
            InvalidToken: the token is not valid, its user is gone, or its session is over.
            AccountDisabled: its user is banned; a ban holds from the next request on.
            StoreUnavailable: MongoDB cannot be asked.
        """
        claims = await self._tokens.verify_anywhere(token)
        learnt(appid=claims.appid, account_id=claims.user_id)
        user, session = await asyncio.gather(
            self._users.find(claims.user_id), self._sessions.find(claims.session_id)
        )
        if user is None or session is None:
            raise InvalidToken
        # First: a ban ends the sessions, too, and its reason is the better answer.
        ensure_active(user, self._now())
        if session.user_id != user.user_id or not self._sessions.is_alive(session, user):
            raise InvalidToken
        return Bearer(user, claims)
