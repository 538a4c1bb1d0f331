"""Explain tokens: does one count, and if not, since when and by whom. Changes nothing, logs nothing.

Whether an access token counts is decided by the door itself (`Access.admit`), so the answer is the one that the bearer
gets; only the reasons are looked for here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from passport.access import Access
from passport.clock import Now
from passport.errors import AccountDisabled, InvalidGrant, InvalidToken, StartupError
from passport.explained import Explained, Finding, Found, KeyFacts
from passport.key_life import KeyLife, state_of
from passport.models import Session, User
from passport.pasted import Form, claims_in
from passport.refresh_tokens import RefreshToken, RefreshTokens
from passport.rotation import Verdict, decide
from passport.sessions import Sessions, is_alive
from passport.signing_keys import SigningKeys
from passport.store.closed_accounts import ClosedAccountStore
from passport.store.users import UserStore
from passport.tokens import ALGORITHM, LEEWAY, LONGEST, TYPE
from passport.users import ensure_active

_NO_CHECKS: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
_LAST_TIME = 253_402_300_799  # the year 9999, after which datetime has none


class TokenLookUp:
    """Explains tokens, and whose they are.

    Args:
        access: the door; decides.
        signing_keys: every key there ever was.
        refresh_tokens: reads refresh tokens.
        sessions, users, closed: whose they are.
        appids: the configured apps.
        issuer: the `iss` of our tokens.
        grace: for how long a refresh may be repeated.
        now: the clock.
    """

    def __init__(
        self,
        *,
        access: Access,
        signing_keys: SigningKeys,
        refresh_tokens: RefreshTokens,
        sessions: Sessions,
        users: UserStore,
        closed: ClosedAccountStore,
        appids: Collection[str],
        issuer: str,
        grace: timedelta,
        now: Now,
    ) -> None:
        self._access, self._signing_keys, self._refresh_tokens = access, signing_keys, refresh_tokens
        self._sessions, self._users, self._closed = sessions, users, closed
        self._appids, self._issuer, self._grace, self._now = appids, issuer, grace, now

    # Access tokens

    async def access_token(self, token: str) -> Explained:
        """What the door says to it, and why."""
        parsed = claims_in(token) if len(token) <= LONGEST else None
        if parsed is None:
            return Explained(Form.JWT, (Found(Finding.NO_TOKEN),))
        header, claims = parsed
        lives = await self._signing_keys.lives()
        life = next((each for each in lives if each.key.kid == header.get("kid")), None)
        key = _facts(life, lives, self._now()) if life is not None else None
        explained = Explained(Form.JWT, (Found(Finding.VALID),), claims=claims, key=key)
        forged = self._forged(header, claims, life, token)
        if forged is not None:
            return replace(explained, found=(forged,))
        found = self._of_the_token(claims, life)
        session, user, more = await self.whose(
            str(claims["sid"]), str(claims["sub"]), str(claims["client_id"])
        )
        explained = replace(explained, trusted=True, session=session, user=user)
        if await self._counts(token):
            return explained
        # What the door refuses has a reason; should this list not know it, it is not called valid.
        return replace(explained, found=(*found, *more) or (Found(Finding.NO_ACCESS_TOKEN),))

    async def _counts(self, token: str) -> bool:
        try:
            await self._access.admit(token)
        except (InvalidToken, AccountDisabled):
            return False
        return True

    def _forged(
        self, header: Mapping[str, Any], claims: Mapping[str, Any], life: KeyLife | None, token: str
    ) -> Found | None:
        """Why nothing in the token can be believed; None when it is an access token that we signed."""
        if header.get("typ") != TYPE or header.get("alg") != ALGORITHM:
            return Found(Finding.NO_ACCESS_TOKEN)
        if life is None:
            ours = claims.get("iss") == self._issuer
            return Found(Finding.UNKNOWN_KEY if ours else Finding.OTHER_ISSUER)
        if not self._signed(life, token):
            return Found(Finding.BAD_SIGNATURE)
        names = ("sub", "client_id", "sid")
        whole = all(isinstance(claims.get(name), str) for name in names)
        times = all(type(claims.get(name)) is int for name in ("iat", "exp"))
        return None if whole and times else Found(Finding.NO_ACCESS_TOKEN)

    def _signed(self, life: KeyLife, token: str) -> bool:
        try:
            public = self._signing_keys.open(life.key).private_key.public_key()
            jwt.decode(token, public, algorithms=[ALGORITHM], options=_NO_CHECKS)
        except (jwt.PyJWTError, StartupError, ValueError, TypeError):
            return False
        return True

    def _of_the_token(self, claims: Mapping[str, Any], life: KeyLife | None) -> list[Found]:
        """What is wrong with the token itself, whoever has it."""
        now, found = self._now(), []
        if claims.get("iss") != self._issuer:
            found.append(Found(Finding.OTHER_ISSUER))
        if claims.get("aud") != self._issuer:
            found.append(Found(Finding.OTHER_AUDIENCE))
        if life is not None and life.key.revoked_at is not None:
            found.append(Found(Finding.KEY_REVOKED, life.key.revoked_at))
        if claims["exp"] <= (now - LEEWAY).timestamp():
            found.append(Found(Finding.EXPIRED, moment(claims["exp"])))
        if claims["iat"] > (now + LEEWAY).timestamp():
            found.append(Found(Finding.NOT_YET, moment(claims["iat"])))
        return found

    # Whose it is

    async def whose(
        self, session_id: str, user_id: str | None, appid: str | None
    ) -> tuple[Session | None, User | None, list[Found]]:
        """The session, the user, and why the session does not count, if it does not."""
        session = await self._sessions.find(session_id)
        if session is not None:
            user_id, appid = user_id or session.user_id, appid or session.appid
        if user_id is None:
            return None, None, [Found(Finding.NO_SESSION)]
        user = await self._users.find(user_id)
        found = await self.of_the_user(user_id, user)
        if appid not in self._appids:
            found.append(Found(Finding.OTHER_APP))
        found += [Found(Finding.NO_SESSION)] if session is None else self._of_the_session(session, user)
        return session, user, found

    async def of_the_user(self, user_id: str, user: User | None) -> list[Found]:
        """Why the account does not count, if it does not."""
        if user is None:
            closed = await self._closed.find(user_id)
            if closed is None:
                return [Found(Finding.NO_ACCOUNT)]
            return [Found(Finding.ACCOUNT_CLOSED, closed.closed_at, closed.closed_by)]
        try:
            ensure_active(user, self._now())
        except AccountDisabled:
            assert user.ban is not None
            return [Found(Finding.BANNED, user.ban.at, user.ban.by)]
        return []

    def _of_the_session(self, session: Session, user: User | None) -> list[Found]:
        now = self._now()
        if session.ended_at is not None:
            return [Found(Finding.SESSION_ENDED, session.ended_at, session.ended_by)]
        if session.ends_at <= now:
            return [Found(Finding.SESSION_OVER, session.ends_at)]
        if user is not None and session.user_id != user.user_id:
            return [Found(Finding.NO_SESSION)]
        if user is not None and not is_alive(session, user, now):
            current = session.epoch == user.session_epoch or session.session_id == user.spared_session
            return [Found(Finding.SESSION_OVER, session.ends_at) if current else Found(Finding.ALL_ENDED)]
        return []

    # Refresh tokens

    async def refresh_token(self, text: str) -> Explained:
        """What a refresh with it would come to."""
        try:
            token = self._refresh_tokens.read(text)
        except InvalidGrant:
            return Explained(Form.REFRESH_TOKEN, (Found(Finding.NOT_OURS),))
        session, user, found = await self.whose(token.session_id, None, None)
        if session is not None:
            found = [*found, *self._of_the_generation(session, token)]
        return Explained(
            Form.REFRESH_TOKEN,
            tuple(found) or (Found(Finding.VALID),),
            trusted=True,
            generation=token.generation,
            session=session,
            user=user,
        )

    def _of_the_generation(self, session: Session, token: RefreshToken) -> list[Found]:
        """What would happen to it now, by the very rules that decide."""
        state, now = session.refresh, self._now()
        verdict = decide(
            state,
            generation=token.generation,
            digest=self._refresh_tokens.digest(token),
            successor=self._refresh_tokens.digest(self._refresh_tokens.successor(token)),
            grace=self._grace,
            now=now,
        )
        if verdict is Verdict.ROTATE:
            return []
        if verdict is Verdict.REPEAT:
            return [Found(Finding.JUST_REPLACED, state.rotated_at)]
        if verdict is Verdict.END or token.generation < state.generation:
            # When this very one was replaced is known of the last one alone.
            last = token.generation == state.generation - 1
            return [Found(Finding.REPLACED, state.rotated_at if last else None)]
        if state.expires_at <= now:
            return [Found(Finding.UNUSED, state.expires_at)]
        return [Found(Finding.FROM_THE_FUTURE)]


def moment(seconds: object) -> datetime | None:
    """A Unix time as a token has it; None for anything that is no time of ours."""
    if type(seconds) is not int or not 0 <= seconds <= _LAST_TIME:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _facts(life: KeyLife, lives: list[KeyLife], now: datetime) -> KeyFacts:
    return KeyFacts(
        kid=life.key.kid,
        state=state_of(life, lives, now).value,
        published_until=life.published_until,
        revoked_at=life.key.revoked_at,
    )
