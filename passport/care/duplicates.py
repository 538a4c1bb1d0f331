"""Accounts that may be one person: found, and settled by an operator.

They are never merged. Whose the orders, the coins and the chats are that other services keep under either account_id
is known to those services alone, and a wrong merge hands one person's data to another for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from passport.clock import Now
from passport.models import Conflict, User
from passport.store.care import CareStore
from passport.store.conflicts import ConflictStore
from passport.store.users import UserStore

Ground = Literal["unionid", "phone"]
_LISTED = 20


@dataclass(frozen=True)
class Duplicate:
    """Another account that may be the same person's.

    Args:
        other: the account.
        grounds: why: a sign-in came with the other's unionid, or both have one phone number.
        conflict: the sign-in, where that is the ground.
        settled_by: who said that it needs no more looking at.
    """

    other: User
    grounds: tuple[Ground, ...]
    conflict: Conflict | None
    settled_by: str | None


@dataclass(frozen=True)
class Doubts:
    """What is not sure about who a user is: other accounts, and unionids that a sign-in told and no account has."""

    duplicates: tuple[Duplicate, ...] = ()
    new_unionids: tuple[Conflict, ...] = field(default=(), repr=False)


class Duplicates:
    """Finds and settles them.

    Args:
        conflicts: what sign-ins told.
        care: finds users by their phone number.
        users: the accounts.
        now: the clock.
    """

    def __init__(self, *, conflicts: ConflictStore, care: CareStore, users: UserStore, now: Now) -> None:
        self._conflicts, self._care, self._users, self._now = conflicts, care, users, now

    async def of(self, user: User) -> Doubts:
        """Every doubt about this user, settled or not. Two accounts never have one unionid: an index sees to that."""
        noted, same_phone = await asyncio.gather(
            self._conflicts.list_of(user.user_id, limit=4 * _LISTED), self._with_same_phone(user)
        )
        alone = tuple(each for each in noted if each.unionid is not None and each.settled_at is None)
        pairs = [each for each in noted if each.unionid is None]
        others = await self._others(user, pairs, same_phone)
        phones = {other.user_id for other in same_phone}
        duplicates = (_duplicate(other, pairs, other.user_id in phones) for other in others)
        return Doubts(tuple(each for each in duplicates if each is not None), alone)

    async def compare(self, user: User, other_id: str) -> Duplicate | None:
        """What speaks for the two being one person; None when nothing does."""
        doubts = await self.of(user)
        return next((each for each in doubts.duplicates if each.other.user_id == other_id), None)

    async def settle(self, user: User, other_id: str, *, by: str | None) -> None:
        """Take the pair off both accounts' pages, for good; with `by` None, put it back."""
        await self._conflicts.settle(user.user_id, other_id, by=by, at=self._now())

    async def find_new_unionid(self, user: User, conflict_id: str) -> Conflict | None:
        """The sign-in of this user that told a unionid of nobody; None when there is no such."""
        found = await self._conflicts.find(conflict_id)
        if found is None or found.unionid is None or user.user_id not in found.account_ids:
            return None
        return found

    async def settle_unionid(self, user: User, conflict: Conflict, *, by: str) -> None:
        """Leave the account's unionid as it is, and say no more of this one."""
        await self._conflicts.settle_alone(conflict.conflict_id, user.user_id, by=by, at=self._now())

    async def forget(self, conflict: Conflict) -> None:
        """The unionid was taken, so there is no doubt any more."""
        await self._conflicts.forget(conflict.conflict_id)

    async def _with_same_phone(self, user: User) -> list[User]:
        if user.phone is None:
            return []
        return await self._care.with_phone(user.phone.number, but=user.user_id, limit=_LISTED)

    async def _others(self, user: User, pairs: Sequence[Conflict], same_phone: Sequence[User]) -> list[User]:
        known = {other.user_id: other for other in same_phone}
        named = {each for pair in pairs for each in pair.account_ids} - {user.user_id} - known.keys()
        found = await asyncio.gather(*(self._users.find(each) for each in sorted(named)[:_LISTED]))
        return [*known.values(), *(other for other in found if other is not None)]


def _duplicate(other: User, pairs: Sequence[Conflict], same_phone: bool) -> Duplicate | None:
    ours = [each for each in pairs if other.user_id in each.account_ids]
    # The mark that a pair was settled is noted like a sign-in, and is none.
    told = max((each for each in ours if each.sign_ins), key=lambda each: each.last_seen_at, default=None)
    grounds: list[Ground] = [*(["unionid"] if told else []), *(["phone"] if same_phone else [])]  # type: ignore[list-item]
    if not grounds:
        return None
    settled = next((each.settled_by for each in ours if each.settled_at is not None), None)
    return Duplicate(other, tuple(grounds), told, settled)
