"""How often somebody may guess: counted in MongoDB, so over all processes and across restarts (R-017, R-056).

A try is counted before it is looked at, in one statement, so of any number at once no more are looked at than may be.
Addresses are limited apart from this, by `passport.limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from passport.clock import Now
from passport.sealing import Sealer
from passport.store.operator_guesses import GuessStore


@dataclass(frozen=True)
class LockRule:
    """How failures lock.

    Args:
        locks: for how long after the first failure in a row, the second, …; the last one holds for all that follow.
        forgiven_after: how long after a failure nothing of all this counts any more.
    """

    locks: tuple[timedelta, ...]
    forgiven_after: timedelta


_NOT_AT_ALL = (timedelta(0),) * 4
# 30 s after five failures, then twice as long each time: nine guesses in a quarter of an hour, four in the next hour.
PASSWORD = LockRule(
    locks=(
        *_NOT_AT_ALL,
        *(timedelta(seconds=30 * 2**doubling) for doubling in range(5)),
        timedelta(minutes=15),
    ),
    forgiven_after=timedelta(hours=12),
)
# One of a million codes is right for half a minute, so five tries in a quarter of an hour are all there are.
CODE = LockRule(locks=(*_NOT_AT_ALL, timedelta(minutes=15)), forgiven_after=timedelta(minutes=15))


class Guessing:
    """The tries of everybody under one rule.

    Args:
        rule: how failures lock.
        store: where they are counted.
        sealer: digests what is counted by, so that no typed name is kept.
        now: the clock.
    """

    def __init__(self, rule: LockRule, *, store: GuessStore, sealer: Sealer, now: Now) -> None:
        self._rule, self._store, self._sealer, self._now = rule, store, sealer, now

    async def may_try(self, *subject: str) -> bool:
        """Count a try as if it failed; False when it must not be looked at, and then nothing changes.

        Args:
            subject: whose secret, and from where if that matters.

        Raises:
            StoreUnavailable: nobody can tell, so nobody gets in.
        """
        return await self._store.take(
            self._sealer.digest(*subject),
            locks=self._rule.locks,
            forgiven_after=self._rule.forgiven_after,
            now=self._now(),
        )

    async def take_back(self, *subject: str) -> None:
        """The try was right, yet others may guess at the same: it is not counted, and theirs still are."""
        await self._store.take_back(self._sealer.digest(*subject), now=self._now())

    async def succeeded(self, *subject: str) -> None:
        """The try was right: forget the failures before it."""
        await self._store.forget(self._sealer.digest(*subject))
