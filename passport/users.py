"""Users: find the one a WeChat session belongs to, register, correct, ban. Knows nothing of codes or tokens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from passport.clock import Now, rfc3339
from passport.errors import AccountDisabled, StoreUnavailable, Unregistered
from passport.models import Ban, Consent, Identity, User
from passport.statistics import Statistics
from passport.store.conflicts import ConflictStore
from passport.store.sessions import SessionStore
from passport.store.users import UnionidTaken, UserStore
from passport.wechat.client import WeChatSession

log = logging.getLogger("wxpassport.users")

Profile = Mapping[str, str | int]
Entered = Mapping[str, str | int | None]


def ensure_active(user: User, now: datetime) -> None:
    """Raise AccountDisabled while a ban holds; the reason and the end are told when the operator allows it."""
    ban = user.ban
    if ban is None or (ban.until is not None and ban.until <= now):
        return
    details = {"reason": ban.reason} if ban.shown else {}
    if ban.shown and ban.until is not None:
        details["until"] = rfc3339(ban.until)
    raise AccountDisabled(details=details)


class Users:
    """The accounts.

    Args:
        store: where they are kept.
        sessions: which a ban ends.
        conflicts: where two accounts that turn out to be one person are noted.
        statistics: counts registrations, and who is active.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: UserStore,
        sessions: SessionStore,
        conflicts: ConflictStore,
        statistics: Statistics,
        now: Now,
    ) -> None:
        self._store, self._sessions, self._conflicts, self._now = store, sessions, conflicts, now
        self._statistics = statistics

    async def find(self, user_id: str) -> User | None:
        """None when there is no such user."""
        return await self._store.find(user_id)

    async def find_by_session(self, appid: str, session: WeChatSession) -> User | None:
        """Whose WeChat session this is; None when they have no account.

        An unknown openid with a known unionid is the same person in another app of the same Open Platform account,
        so the identity is linked to their account.
        """
        identity = Identity(appid, session.openid)
        user = await self._store.find_by_identity(identity)
        if user is None and session.unionid is not None:
            user = await self._store.link(identity, unionid=session.unionid)
        return user

    async def register(
        self, appid: str, session: WeChatSession, profile: Profile, consent_version: str | None
    ) -> tuple[User, bool]:
        """The account of this person and whether it was made now. Registering again changes nothing.

        Raises:
            StoreUnavailable: the outcome is unknown; the same call again is safe.
        """
        now = self._now()
        user = await self._store.insert(
            Identity(appid, session.openid),
            unionid=session.unionid,
            profile=profile,
            consent=Consent(consent_version, now) if consent_version is not None else None,
            at=now,
        )
        if user is not None:
            self._statistics.count("registrations", appid)
            self._statistics.active(appid, {}, now)
            return user, True
        # Majority reads can lag a moment behind the write we lost to.
        for pause in (0, 0.02, 0.1, 0.5):
            await asyncio.sleep(pause)
            user = await self.find_by_session(appid, session)
            if user is not None:
                return user, False
        raise StoreUnavailable

    async def record_sign_in(
        self, user: User, session: WeChatSession, profile: Profile, *, appid: str, at: datetime
    ) -> None:
        """Note the sign-in, durably, with what it newly told: a unionid that appears later is filled in."""
        unionid = session.unionid if user.unionid is None else None
        try:
            before = await self._store.record_sign_in(
                user.user_id, appid=appid, at=at, profile=profile, unionid=unionid
            )
        except UnionidTaken:
            before = await self._store.record_sign_in(
                user.user_id, appid=appid, at=at, profile=profile, unionid=None
            )
            unionid = None
        if before is None:
            raise Unregistered
        self._statistics.active(appid, before, at)
        if session.unionid is not None and session.unionid != (unionid or user.unionid):
            await self._note_conflict(user, session.unionid, at)

    async def _note_conflict(self, user: User, unionid: str, at: datetime) -> None:
        """Two accounts turn out to be one person. Neither is harmed; the operator gets to know of it."""
        other = await self._store.find_by_unionid(unionid)
        # Nobody has it when the app moved to another Open Platform account, which changes every unionid.
        await self._conflicts.note(user.user_id, other.user_id if other else None, unionid=unionid, at=at)
        log.warning(
            "a sign-in came with a unionid that is not this account's",
            extra={"account_id": user.user_id, "other_account_id": other.user_id if other else None},
        )

    async def enter(self, user: User, entered: Entered, *, consent_version: str | None) -> User | None:
        """Correct the profile in the user's own words, where None removes; None when the account is gone."""
        consent = Consent(consent_version, self._now()) if consent_version is not None else None
        if not entered and consent is None:
            return user
        return await self._store.enter(user.user_id, entered, consent=consent)

    async def ban(
        self,
        user_id: str,
        *,
        reason: str,
        by: str,
        lasting: timedelta | None = None,
        shown: bool = False,
    ) -> bool:
        """Disable the account, for a time or until lifted, and end its sessions. False when there is no such user.

        The first write closes every door; the second is for the history.
        """
        at = self._now()
        until = at + lasting if lasting is not None else None
        banned = await self._store.set_ban(
            user_id, Ban(reason=reason, by=by, at=at, until=until, shown=shown)
        )
        if banned:
            await self._sessions.end_all(user_id, by="ban", at=at)
        return banned

    async def unban(self, user_id: str) -> bool:
        """Lift the ban; the user signs in anew. False when there is no such user."""
        return await self._store.set_ban(user_id, None)
