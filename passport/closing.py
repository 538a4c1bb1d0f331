"""Close an account: erase what is known of the person, keep that there was an account, let no token of it count.

Source: PIPL article 47, Network Data Security Regulations article 24 (erasure after an account is cancelled). The
record of sign-ins (time, address, device; no openid) stays until it is 190 days old: Cybersecurity Law, article 21.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from passport.access import Bearer
from passport.clock import Now
from passport.codes import CodeLedger
from passport.config import App
from passport.errors import CodeUsed, InvalidToken, StoreUnavailable, WrongUser
from passport.models import Identity, User
from passport.store.closed_accounts import ClosedAccountStore
from passport.store.sessions import SessionStore

log = logging.getLogger("wxpassport.closing")

# The answer to a login is never repeated to a request that closes the account, nor the other way round.
_PURPOSE = b"close the account"


class Closing:
    """Ends accounts.

    Args:
        apps: the mini-programs by appid.
        codes: redeems the code that proves that the user is there.
        sessions: what is marked.
        tombstones: what is erased and kept.
        now: the clock.
    """

    def __init__(
        self,
        *,
        apps: Mapping[str, App],
        codes: CodeLedger,
        sessions: SessionStore,
        tombstones: ClosedAccountStore,
        now: Now,
    ) -> None:
        self._apps, self._codes, self._now = apps, codes, now
        self._sessions, self._tombstones = sessions, tombstones

    async def close_with_code(self, bearer: Bearer, code: str) -> datetime:
        """Close the bearer's account, proved by a fresh code of theirs; when it was closed.

        Raises:
            WrongUser: the code is somebody else's.
            PassportError: as `CodeLedger.redeem` says.
        """
        app = self._apps.get(bearer.claims.appid)
        if app is None:
            # The mini-program was taken out of the configuration, and with it the means to redeem its codes.
            raise InvalidToken
        async with self._codes.redeem(app, code, _PURPOSE) as redemption:
            if redemption.answer is not None:
                raise CodeUsed
            session, user = redemption.session, bearer.user
            same_person = session.unionid is not None and session.unionid == user.unionid
            if Identity(app.appid, session.openid) not in user.identities and not same_person:
                raise WrongUser
            closed_at = await self.close(user, by="user")
            await self._codes.consume(redemption, {"closed": user.user_id})
            return closed_at

    async def close(self, user: User, *, by: str) -> datetime:
        """Close the account; safe to repeat, also at the same time elsewhere.

        With the person's document every door closes. The marks on the sessions follow, for the history.

        Raises:
            StoreUnavailable: it may be done or not; the same call again is safe.
        """
        now = self._now()
        closed = await self._tombstones.close(
            user.user_id, registered_at=user.created_at, closed_at=now, by=by
        )
        try:
            await self._sessions.end_all(user.user_id, by="closed", at=now)
        except StoreUnavailable:
            # The account is closed and no token of it counts; that it is to be seen in the history is worth no 503.
            log.warning("the sessions of a closed account are not marked", extra={"account_id": user.user_id})
        if closed:
            log.info("an account was closed", extra={"account_id": user.user_id, "closed_by": by})
        return now
