"""Sessions: start one, follow it from token to token, end it. Knows nothing of HTTP or WeChat.

A session is alive while nobody has ended it, its time is not up, and its epoch is its user's. Ending all sessions of a
user is therefore one atomic write to the user, which also holds for a session that is just being started elsewhere; the
marks on the sessions themselves follow for the history. The one session that may be spared is named by the user.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from passport.activity import Activity
from passport.attempts import learnt
from passport.clock import Now
from passport.errors import InvalidGrant, StoreUnavailable
from passport.limits import Limiter
from passport.models import Device, Refresh, Session, User
from passport.refresh_tokens import RefreshToken, RefreshTokens
from passport.rotation import MOST_USES, Verdict, decide
from passport.statistics import Statistics
from passport.store.sessions import SessionStore, new_session_id
from passport.store.users import UserStore
from passport.tokens import Tokens
from passport.users import ensure_active

log = logging.getLogger("wxpassport.sessions")

# The Cybersecurity Law, article 21, asks for network logs of at least six months.
LOGIN_HISTORY = timedelta(days=190)
_TRIES = 5
_LAST_SECOND = timedelta(seconds=2)
_HISTORY_TOLD = 1_000
_LISTED = 200


@dataclass(frozen=True)
class TokenPair:
    """What a successful sign-in or refresh gives (RFC 6749 section 5.1). `expires_in` is in seconds."""

    account_id: str
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)

    @property
    def answer(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return {
            "account_id": self.account_id,
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": self.refresh_token,
        }


@dataclass(frozen=True)
class Lifetimes:
    """How long things live.

    Args:
        refresh: a refresh token that nobody uses.
        session: a session, however much it is used.
        grace: for how long after a rotation a lost answer may be asked for again.
    """

    refresh: timedelta
    session: timedelta
    grace: timedelta


def is_alive(session: Session, user: User, now: datetime) -> bool:
    """Whether tokens of this session still count. In its last second none could be issued, so it is over before it."""
    current = session.epoch == user.session_epoch or session.session_id == user.spared_session
    return session.ended_at is None and session.ends_at - now > _LAST_SECOND and current


class Sessions:
    """The sessions of all users.

    Args:
        store, users: what is read and written.
        tokens: issues access tokens.
        refresh_tokens: makes refresh tokens.
        limits: how often one user may refresh.
        appids: the configured apps; a session of another one is over.
        lifetimes: how long they live.
        activity: notes that somebody goes on.
        statistics: counts sign-ins and refreshes.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: SessionStore,
        users: UserStore,
        tokens: Tokens,
        refresh_tokens: RefreshTokens,
        limits: Limiter,
        appids: Collection[str],
        lifetimes: Lifetimes,
        activity: Activity,
        statistics: Statistics,
        now: Now,
    ) -> None:
        self._store, self._users, self._tokens = store, users, tokens
        self._refresh_tokens, self._limits, self._appids = refresh_tokens, limits, appids
        self._lifetimes, self._now = lifetimes, now
        self._activity, self._statistics = activity, statistics

    async def start_all(
        self, starting: Sequence[tuple[User, str, Device]]
    ) -> list[TokenPair | StoreUnavailable]:
        """A new session for each user, in this mini-program and on this device, durable before its tokens are told."""
        now = self._now()
        made = [self._new(user, appid, device, now) for user, appid, device in starting]
        failures = await self._store.insert_all([session for session, _ in made])
        return [failure or self._started(*new) for new, failure in zip(made, failures, strict=True)]

    def _new(self, user: User, appid: str, device: Device, now: datetime) -> tuple[Session, RefreshToken]:
        session_id = new_session_id()
        first = self._refresh_tokens.first(session_id)
        ends_at = now + self._lifetimes.session
        session = Session(
            session_id=session_id,
            user_id=user.user_id,
            appid=appid,
            created_at=now,
            ends_at=ends_at,
            forgotten_at=max(now + LOGIN_HISTORY, ends_at),
            ip=device.ip,
            user_agent=device.user_agent,
            epoch=user.session_epoch,
            refresh=self._state(first, now),
            last_used_at=now,
        )
        return session, first

    def _started(self, session: Session, first: RefreshToken) -> TokenPair:
        self._statistics.count("sign_ins", session.appid)
        return self._pair(session, first)

    async def refresh(self, text: str, *, appid: str | None = None) -> TokenPair:
        """The next tokens of the session, for its current refresh token.

        Args:
            text: the token.
            appid: the app that the client says it is; a token is bound to its client (RFC 6749 section 6).

        Raises:
            InvalidGrant: the token is not ours, not current, or of a session that is over. If it was used before, its
                session ends now: a replayed token has two holders, and one is a thief (RFC 9700 section 4.14.2).
            AccountDisabled: the user is banned.
        """
        token = self._refresh_tokens.read(text)
        successor = self._refresh_tokens.successor(token)
        session, user = await self._get_alive(token.session_id)
        if appid not in (None, session.appid):
            raise InvalidGrant
        await self._limits.admit_user("refresh", session.user_id)
        for _ in range(_TRIES):
            verdict = self._decide(session, token, successor)
            if verdict is Verdict.REFUSE:
                raise InvalidGrant
            if verdict is Verdict.END:
                await self._end_replayed(session, token)
                raise InvalidGrant
            if await self._carry_out(verdict, token, successor):
                await self._note(verdict, session, user)
                return self._pair(session, successor)
            # Somebody was faster, so there is a new state to judge by.
            session, user = await self._get_alive(token.session_id)
        raise InvalidGrant

    def is_alive(self, session: Session, user: User) -> bool:
        """Whether tokens of this session still count."""
        return session.appid in self._appids and is_alive(session, user, self._now())

    async def find(self, session_id: str) -> Session | None:
        """None when there is no such session."""
        return await self._store.find(session_id)

    async def list_alive(self, user: User) -> list[Session]:
        """Where the user is signed in, newest first."""
        found = await self._store.list_alive(
            user.user_id,
            epoch=user.session_epoch,
            spared=user.spared_session,
            now=self._now(),
            limit=_LISTED,
        )
        return [session for session in found if self.is_alive(session, user)]

    async def history(self, user: User) -> tuple[list[Session], int]:
        """The sign-ins that are still kept, newest first, and how many older ones are not among them."""
        told = await self._store.list_of(user.user_id, limit=_HISTORY_TOLD)
        kept = len(told) if len(told) < _HISTORY_TOLD else await self._store.count_of(user.user_id)
        return told, kept - len(told)

    async def revoke(self, text: str) -> None:
        """End the session of a refresh token, whatever its generation; one we never made changes nothing."""
        try:
            token = self._refresh_tokens.read(text)
        except InvalidGrant:
            return
        await self.end(token.session_id, by="client")

    async def end(self, session_id: str, *, by: str, user_id: str | None = None) -> bool:
        """End one session; False when there is none of this id, of this user, that has not ended."""
        return await self._store.end(session_id, by=by, at=self._now(), user_id=user_id)

    async def end_all(self, user: User, *, by: str, but: str | None = None) -> bool:
        """End every session of the user, but for one. False when the user's sessions have been ended meanwhile.

        Args:
            user: as read by whoever decided it; what they may decide hangs on that epoch.
            by: who ends them, for the history.
            but: the session to spare.
        """
        ended = await self._users.raise_epoch(user.user_id, epoch=user.session_epoch, spared=but)
        if ended:
            await self._store.end_all(user.user_id, by=by, at=self._now(), but=but)
        return ended

    async def _note(self, verdict: Verdict, session: Session, user: User) -> None:
        self._statistics.count("repeats" if verdict is Verdict.REPEAT else "refreshes", session.appid)
        await self._activity.note(user, appid=session.appid, at=self._now())

    async def _get_alive(self, session_id: str) -> tuple[Session, User]:
        session = await self._store.find(session_id)
        if session is not None:
            learnt(appid=session.appid, account_id=session.user_id)
        user = await self._users.find(session.user_id) if session else None
        if session is None or user is None:
            raise InvalidGrant
        # First: a ban ends the sessions, too, and its reason is the better answer.
        ensure_active(user, self._now())
        if not self.is_alive(session, user):
            raise InvalidGrant
        return session, user

    def _decide(self, session: Session, token: RefreshToken, successor: RefreshToken) -> Verdict:
        return decide(
            session.refresh,
            generation=token.generation,
            digest=self._refresh_tokens.digest(token),
            successor=self._refresh_tokens.digest(successor),
            grace=self._lifetimes.grace,
            now=self._now(),
        )

    async def _carry_out(self, verdict: Verdict, token: RefreshToken, successor: RefreshToken) -> bool:
        if verdict is Verdict.REPEAT:
            digest = self._refresh_tokens.digest(successor)
            return await self._store.repeat(token.session_id, digest=digest, most=MOST_USES)
        now = self._now()
        return await self._store.rotate(
            token.session_id,
            digest=self._refresh_tokens.digest(token),
            successor=self._state(successor, now),
            at=now,
        )

    async def _end_replayed(self, session: Session, token: RefreshToken) -> None:
        log.warning(
            "a refresh token was replayed, so its session ends",
            extra={
                "account_id": session.user_id,
                "session_id": session.session_id,
                "generations_behind": session.refresh.generation - token.generation,
            },
        )
        await self.end(session.session_id, by="replay")

    def _state(self, token: RefreshToken, now: datetime) -> Refresh:
        return Refresh(
            generation=token.generation,
            digest=self._refresh_tokens.digest(token),
            rotated_at=now,
            uses=1,
            expires_at=now + self._lifetimes.refresh,
        )

    def _pair(self, session: Session, token: RefreshToken) -> TokenPair:
        access = self._tokens.issue(
            user_id=session.user_id,
            appid=session.appid,
            session_id=session.session_id,
            until=session.ends_at,
        )
        return TokenPair(session.user_id, access.token, access.expires_in, token.text)
