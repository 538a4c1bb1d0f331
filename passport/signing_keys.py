"""The signing keys of the deployment, shared by all its processes: make, rotate, withdraw, revoke.

Each change is one atomic write, and all may be asked for by several processes at once. What a process does with the
keys is `passport.keys`; the rules of their life are `passport.key_life`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from passport.clock import Now, utc_now
from passport.config import Settings
from passport.errors import CommandFailed, StoreUnavailable
from passport.key_life import PUBLISHED_AHEAD, KeyLife, KeyState, lives_of, signer, state_of, successor
from passport.key_pairs import SigningKey, make_pair, open_pair
from passport.records import StoredKey
from passport.sealing import Sealer
from passport.store import Store
from passport.store.signing_keys import SigningKeyStore

_ATTEMPTS = 20
_PAUSE = 0.05


class KeyRefusal(CommandFailed):
    """What was asked cannot be done with this key; the text says why and names the cure."""


class SigningKeys:
    """What is kept of the keys, and every change to it.

    Args:
        store: where they are kept.
        sealer: seals the private halves.
        token_ttl: how long a token lives that this deployment signs.
        now: the clock.
    """

    def __init__(self, *, store: SigningKeyStore, sealer: Sealer, token_ttl: timedelta, now: Now) -> None:
        self._store, self._sealer, self._token_ttl, self._now = store, sealer, token_ttl, now

    async def lives(self) -> list[KeyLife]:
        """All keys ever made, oldest first."""
        return lives_of(await self._store.list())

    async def usable(self) -> list[KeyLife]:
        """All keys, one of which signs: it is made when there is none.

        Raises:
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer.
        """
        lives = await self.lives()
        if signer(lives, self._now()) is None:
            self._require_our_secret(lives)
            # Of processes that start together one insert wins; all read that one back.
            await self._insert(lives, signs_from=self._now())
            lives = await self.lives()
        if signer(lives, self._now()) is None:
            # Majority reads can lag a moment behind the insert that won.
            raise StoreUnavailable
        return await self._with_our_ttl(lives)

    async def check_secret(self) -> None:
        """Raises StartupError when the keys do not open with this secret_key, StoreUnavailable without MongoDB."""
        self._require_our_secret(await self.lives())

    async def rotate(self) -> tuple[KeyLife, bool]:
        """The successor of the key that signs, published ahead of its time, and whether it was made by this call.

        A successor that waits already is the answer, so that rotations at once, or one repeated, are one.

        Raises:
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer.
        """
        for _ in range(_ATTEMPTS):
            lives, now = await self.lives(), self._now()
            if waiting := successor(lives, now):
                return waiting, False
            self._require_our_secret(lives)
            begins = now + PUBLISHED_AHEAD if signer(lives, now) else now
            if made := await self._insert(lives, signs_from=begins):
                return made, True
            # Another process was first with this generation; a majority read shows its key in a moment.
            await asyncio.sleep(_PAUSE)
        raise StoreUnavailable

    async def retire(self, kid: str) -> KeyLife:
        """Let the key end in order, and tell its life: one that waits is withdrawn, the others end by themselves.

        Raises:
            KeyRefusal: there is no such key, or it signs and nobody is to follow it.
            StoreUnavailable: MongoDB does not answer.
        """
        lives, now = await self.lives(), self._now()
        life = _find(lives, kid)
        state = state_of(life, lives, now)
        if state is KeyState.SIGNING and successor(lives, now) is None:
            raise KeyRefusal(
                f"{kid} is the only key that signs. Publish its successor first: keys rotate. "
                f"If its private half may be known to others: keys retire {kid} --now"
            )
        if state is KeyState.PUBLISHED:
            await self._store.withdraw(kid, now)
            life = _find(await self.lives(), kid)
        return life

    async def revoke(self, kid: str) -> KeyLife:
        """End the key at once: every process stops believing it at its next look. The key that signs from now on.

        A successor that waits signs at once; without one, a new key does.

        Raises:
            KeyRefusal: there is no such key.
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer; repeat the call.
        """
        lives = await self.lives()
        _find(lives, kid)
        self._require_our_secret(lives)
        # The successor first: a crash in between leaves two keys rather than none, and the call can be repeated.
        heir = await self._heir_of(kid)
        await self._store.revoke(kid, self._now())
        return heir

    def open(self, key: StoredKey) -> SigningKey:
        """The key pair. Raises StartupError when it does not open with this secret_key."""
        return open_pair(self._sealer, key.kid, key.sealed_private_key)

    def _require_our_secret(self, lives: list[KeyLife]) -> None:
        """Before a key is made: one under another secret_key would stop every other process."""
        for life in lives:
            if life.is_published(self._now()):
                self.open(life.key)

    async def _heir_of(self, kid: str) -> KeyLife:
        """Who signs once this key is gone, from now on."""
        for _ in range(_ATTEMPTS):
            now = self._now()
            keys = [life.key for life in await self.lives()]
            lives = lives_of(
                replace(key, revoked_at=key.revoked_at or now) if key.kid == kid else key for key in keys
            )
            heir = signer(lives, now)
            if heir is None:
                await self._insert(lives, signs_from=now)
            elif heir.key.signs_from <= now:
                return heir
            else:
                await self._store.advance(heir.key.kid, signs_from=now)
            # Read again: another process may have been first, with a key or with an end for this one.
            await asyncio.sleep(_PAUSE)
        raise StoreUnavailable

    async def _insert(self, lives: list[KeyLife], *, signs_from: datetime) -> KeyLife | None:
        """The next key; None when another process was first with this generation."""
        kid, sealed = make_pair(self._sealer)
        generation = 1 + max((life.key.generation for life in lives), default=0)
        key = StoredKey(kid, generation, sealed, self._now(), signs_from, self._token_ttl)
        return KeyLife(key, None) if await self._store.insert(key) else None

    async def _with_our_ttl(self, lives: list[KeyLife]) -> list[KeyLife]:
        """Keep with each key that may sign the longest life of a token that it signs, whoever is configured so."""
        now = self._now()
        shorter = [
            life.key.kid for life in lives if life.may_sign(now) and life.key.token_ttl < self._token_ttl
        ]
        if not shorter:
            return lives
        await self._store.lengthen(shorter, token_ttl=self._token_ttl)
        return await self.lives()


def _find(lives: list[KeyLife], kid: str) -> KeyLife:
    for life in lives:
        if life.key.kid == kid:
            return life
    raise KeyRefusal(f"there is no key {kid}; these are the keys: keys list")


def make_signing_keys(
    settings: Settings, *, store: Store, secret_key: bytes, now: Now = utc_now
) -> SigningKeys:
    """The signing keys of the deployment, for the services and for the command line."""
    return SigningKeys(
        store=store.signing_keys,
        sealer=Sealer(secret_key, "signing-keys"),
        token_ttl=settings.tokens.access_ttl,
        now=now,
    )
