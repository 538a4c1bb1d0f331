"""Users: find the one a WeChat session belongs to, register, correct, ban. Knows nothing of codes or tokens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from passport.clock import Now, rfc3339
from passport.errors import AccountDisabled, PassportError, StoreUnavailable, Unregistered
from passport.models import Ban, Consent, Identity, User
from passport.statistics import Statistics
from passport.store.conflicts import ConflictStore
from passport.store.sessions import SessionStore
from passport.store.sign_ins import Activity, SignIn, SignInStore, UnionidTaken
from passport.store.users import UserStore
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


@dataclass(frozen=True, slots=True)
class Visit:
    """A user who signs in.

    Args:
        user: as read just before.
        appid: where.
        session: what WeChat said of them.
        profile: what it told of them.
    """

    user: User
    appid: str
    session: WeChatSession
    profile: Profile


class Users:
    """The accounts.

    Args:
        store: where they are kept.
        sign_ins: where it is noted that somebody signed in.
        sessions: which a ban ends.
        conflicts: where two accounts that turn out to be one person are noted.
        statistics: counts registrations, and who is active.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: UserStore,
        sign_ins: SignInStore,
        sessions: SessionStore,
        conflicts: ConflictStore,
        statistics: Statistics,
        now: Now,
    ) -> None:
        self._store, self._sessions, self._conflicts, self._now = store, sessions, conflicts, now
        self._sign_ins, self._statistics = sign_ins, statistics

    async def find(self, user_id: str) -> User | None:
        """None when there is no such user."""
        return await self._store.find(user_id)

    async def find_by_session(self, appid: str, session: WeChatSession) -> User | None:
        """Whose WeChat session this is; None when they have no account.

        An unknown openid with a known unionid is the same person in another app of the same Open Platform account,
        so the identity is linked to their account.
        """
        (found,) = await self.find_by_sessions([(appid, session)])
        if isinstance(found, Exception):
            raise found
        return found

    async def find_by_sessions(
        self, sessions: Sequence[tuple[str, WeChatSession]]
    ) -> list[User | Exception | None]:
        """The same for many at once, in their order; for whoever cannot be read, what went wrong."""
        identities = [Identity(appid, session.openid) for appid, session in sessions]
        found = await self._store.find_by_identities(identities)
        return [
            await self._linked(identity, session.unionid)
            if user is None and session.unionid is not None
            else user
            for identity, (_, session), user in zip(identities, sessions, found, strict=True)
        ]

    async def _linked(self, identity: Identity, unionid: str) -> User | Exception | None:
        try:
            return await self._store.link(identity, unionid=unionid)
        except Exception as error:
            return error

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

    async def record_sign_ins(self, visits: Sequence[Visit]) -> list[PassportError | None]:
        """Note each, durably, with what it newly told: a unionid that appears later is filled in.

        Returns:
            For each, in their order, what kept us from it: Unregistered when the account was closed meanwhile.
        """
        at = self._now()
        sign_ins = [self._news_of(each, at) for each in visits]
        outcomes = await self._sign_ins.note_all(sign_ins)
        return [
            await self._noted(visit, sign_in, outcome)
            for visit, sign_in, outcome in zip(visits, sign_ins, outcomes, strict=True)
        ]

    def _news_of(self, visit: Visit, at: datetime) -> SignIn:
        user = visit.user
        return SignIn(
            user_id=user.user_id,
            appid=visit.appid,
            at=at,
            profile={
                name: told for name, told in visit.profile.items() if user.from_wechat.get(name) != told
            },
            unionid=visit.session.unionid if user.unionid is None else None,
            known=user.active_in,
            is_news=self._statistics.is_news(visit.appid, user.active_in, at),
        )

    async def _noted(
        self, visit: Visit, sign_in: SignIn, outcome: Activity | UnionidTaken | StoreUnavailable | None
    ) -> PassportError | None:
        try:
            if isinstance(outcome, UnionidTaken):
                sign_in = replace(sign_in, unionid=None)
                (outcome,) = await self._sign_ins.note_all([sign_in])
            if isinstance(outcome, StoreUnavailable):
                return outcome
            if outcome is None:
                return Unregistered()
            assert not isinstance(outcome, UnionidTaken), "none was to be written"
            self._statistics.active(visit.appid, outcome, sign_in.at)
            unionid = visit.session.unionid
            if unionid is not None and unionid != (sign_in.unionid or visit.user.unionid):
                await self._note_conflict(visit.user, unionid, sign_in.at)
        except StoreUnavailable as error:
            return error
        return None

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
