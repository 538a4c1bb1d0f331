"""One-time links: to make the first operator, or to set the password of one.

Whoever holds a link may use it, once and for an hour; the database has its digest alone.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256

from passport.clock import Now
from passport.models import LinkPurpose, OperatorLink
from passport.store.operator_links import OperatorLinkStore
from passport.store.operator_members import MemberStore

VALID_FOR = timedelta(hours=1)
_TOKEN_BYTES = 32
_LONGEST = 64


class Links:
    """The links that are out.

    Args:
        store: where their digests are.
        members: who is there already.
        now: the clock.
    """

    def __init__(self, *, store: OperatorLinkStore, members: MemberStore, now: Now) -> None:
        self._store, self._members, self._now = store, members, now

    async def for_first_operator(self) -> str | None:
        """A link's token; None when there is an operator. Each process has one of its own, and one of them works."""
        if await self._members.any():
            return None
        return await self._make("first_operator", None)

    async def for_password(self, operator_id: str) -> str:
        """A link's token, in the place of those that this operator had."""
        await self.withdraw(operator_id)
        return await self._make("password", operator_id)

    async def withdraw(self, operator_id: str) -> None:
        """Make those of this operator worthless."""
        await self._store.withdraw(operator_id)

    async def find(self, token: str) -> OperatorLink | None:
        """What the link is for; None when it is worth nothing (any more). Looking at it does not use it up."""
        if len(token) > _LONGEST:
            return None
        link = await self._store.find(digest_of(token), now=self._now())
        if link is not None and link.purpose == "first_operator" and await self._members.any():
            return None
        return link

    async def _make(self, purpose: LinkPurpose, operator_id: str | None) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        link = OperatorLink(purpose, operator_id, expires_at=self._now() + VALID_FOR)
        await self._store.insert(digest_of(token), link)
        return token


def digest_of(token: str) -> bytes:
    """How a link is kept: its secret is random enough that no salt or slowness is needed."""
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
