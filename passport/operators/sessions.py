"""The operators' sessions: a random token in a cookie, its digest in MongoDB. Knows nothing of passwords or HTTP."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from passport.clock import Now
from passport.models import Device, Operator, OperatorSession
from passport.store.operator_sessions import OperatorSessionStore
from passport.store.operators import OperatorStore

# OWASP ASVS 5.0.0, 7.3.1 and 7.3.2: an end by idleness and one that nothing puts off.
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
# For how long a dangerous act needs no new proof of who acts.
FRESH = timedelta(minutes=5)
MOST = 5
_TOKEN_BYTES = 32
# A session in use is written at most this often.
_NOTED = timedelta(minutes=1)


class OperatorSessions:
    """Who is signed in to the dashboard.

    Args:
        store: where sessions are kept.
        operators: whose they are; one who is disabled has none.
        now: the clock.
    """

    def __init__(self, *, store: OperatorSessionStore, operators: OperatorStore, now: Now) -> None:
        self._store, self._operators, self._now = store, operators, now

    async def start(self, operator: Operator, device: Device) -> str:
        """Sign the operator in; the token for their cookie, which is kept nowhere. The oldest beyond five end."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._now()
        session = OperatorSession(
            digest=_digest(token),
            operator_id=operator.operator_id,
            created_at=now,
            confirmed_at=now,
            last_used_at=now,
            ends_at=now + LONGEST,
            ip=device.ip,
            user_agent=device.user_agent,
            epoch=operator.epoch,
        )
        await self._store.insert(session)
        await self._store.keep_newest(operator.operator_id, MOST)
        return token

    async def find(self, token: str) -> tuple[Operator, OperatorSession] | None:
        """Whose token this is; None when nobody's, or the session is over, or they are disabled."""
        session, now = await self._store.find(_digest(token)), self._now()
        if session is None or session.ends_at <= now or session.last_used_at + IDLE <= now:
            return None
        operator = await self._operators.find(session.operator_id)
        # The epoch was read when the sign-in began, so one that a new password or role overtook opens nothing.
        if operator is None or operator.disabled_at is not None or operator.epoch != session.epoch:
            return None
        if session.last_used_at + _NOTED <= now:
            await self._store.touch(session.digest, at=now)
            session = replace(session, last_used_at=now)
        return operator, session

    def is_fresh(self, session: OperatorSession) -> bool:
        """Whether they proved who they are a moment ago."""
        return session.confirmed_at + FRESH > self._now()

    async def confirm(self, session: OperatorSession) -> None:
        """They have just proved again who they are."""
        await self._store.confirm(session.digest, at=self._now())

    async def list_of(self, operator_id: str) -> list[OperatorSession]:
        """Where they are signed in, newest first."""
        now = self._now()
        found = await self._store.list_of(operator_id)
        return [each for each in found if each.ends_at > now and each.last_used_at + IDLE > now]

    async def end(self, session: OperatorSession) -> None:
        """Sign out."""
        await self._store.delete(session.digest)

    async def end_all(self, operator_id: str, *, but: OperatorSession | None = None) -> None:
        """Sign out everywhere, or everywhere else."""
        await self._store.delete_all(operator_id, but=but.digest if but else None)


def _digest(token: str) -> bytes:
    # Random enough that no salt or slowness is needed.
    return sha256(token.encode()).digest()
