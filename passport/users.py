"""Users: find the one a WeChat session belongs to, register, ban. Knows nothing of codes or tokens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from passport.clock import Now, rfc3339
from passport.errors import AccountDisabled, StoreUnavailable
from passport.models import Ban, Identity, User
from passport.store.users import UnionidTaken, UserStore
from passport.wechat.client import WeChatSession

log = logging.getLogger("wxpassport.users")

Profile = Mapping[str, str | int]


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
        now: the clock.
    """

    def __init__(self, *, store: UserStore, now: Now) -> None:
        self._store, self._now = store, now

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

    async def register(self, appid: str, session: WeChatSession, profile: Profile) -> tuple[User, bool]:
        """The account of this person and whether it was made now. Registering again changes nothing.

        Raises:
            StoreUnavailable: the outcome is unknown; the same call again is safe.
        """
        user = await self._store.insert(
            Identity(appid, session.openid), unionid=session.unionid, profile=profile, at=self._now()
        )
        if user is not None:
            return user, True
        # Majority reads can lag a moment behind the write we lost to.
        for pause in (0, 0.02, 0.1, 0.5):
            await asyncio.sleep(pause)
            user = await self.find_by_session(appid, session)
            if user is not None:
                return user, False
        raise StoreUnavailable

    async def record_sign_in(
        self, user: User, session: WeChatSession, profile: Profile, at: datetime
    ) -> None:
        """Note the sign-in, durably, with what it newly told: a unionid that appears later is filled in."""
        unionid = session.unionid if user.unionid is None else None
        try:
            await self._store.record_sign_in(user.user_id, at=at, profile=profile, unionid=unionid)
        except UnionidTaken:
            # Two accounts turn out to be one person. Neither is harmed: this one goes on without the unionid.
            log.warning("two accounts share a unionid", extra={"account_id": user.user_id})
            await self._store.record_sign_in(user.user_id, at=at, profile=profile, unionid=None)

    async def ban(
        self,
        user_id: str,
        *,
        reason: str,
        by: str,
        lasting: timedelta | None = None,
        shown: bool = False,
    ) -> bool:
        """Disable the account, for a time or until lifted. False when there is no such user."""
        at = self._now()
        until = at + lasting if lasting is not None else None
        return await self._store.set_ban(user_id, Ban(reason=reason, by=by, at=at, until=until, shown=shown))

    async def unban(self, user_id: str) -> bool:
        """Lift the ban. False when there is no such user."""
        return await self._store.set_ban(user_id, None)
