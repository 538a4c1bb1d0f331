"""The key ring of this process: which key signs now, which verify, and how the ring follows what others change.

It reads the keys again on a short interval and when a token names a key that is unknown here, so that a rotation, or
an emergency retirement, by any process or by the command line holds everywhere within seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from passport.clock import Now
from passport.errors import StartupError, StoreUnavailable
from passport.key_life import KeyLife, rotation_is_due, signer, successor
from passport.key_pairs import SigningKey, is_kid
from passport.signing_keys import SigningKeys

log = logging.getLogger("wxpassport.keys")

RELOAD_EVERY = 15.0
LOOK_PAUSE = 3.0


@dataclass(frozen=True)
class RingState:
    """The signing key as an operator wants to know it.

    Args:
        kid: of the key that signs.
        signs_from: since when.
        rotates_at: when the next one signs, or is published if none is yet; None when it never does by itself.
        next_kid: the successor that is published.
        problem: why the ring may be out of date.
    """

    kid: str
    signs_from: datetime
    rotates_at: datetime | None
    next_kid: str | None
    problem: str | None


class KeyRing:
    """The signing keys, in memory and kept up to date from open() to close(). Made inside the running event loop.

    Args:
        signing_keys: what all processes share.
        rotate_every: how long a key signs before its successor is published; None never publishes one.
        now: the clock.
    """

    def __init__(self, *, signing_keys: SigningKeys, now: Now, rotate_every: timedelta | None = None) -> None:
        self._signing_keys, self._now, self._rotate_every = signing_keys, now, rotate_every
        self._clock = asyncio.get_running_loop().time
        self._turn = asyncio.Lock()
        self._known: frozenset[str] = frozenset()
        self._lives: dict[str, KeyLife] = {}
        self._pairs: dict[str, SigningKey] = {}
        self._problem: str | None = None
        self._next_look = float("-inf")
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Load the keys, making the first one when there is none, and follow their changes from then on.

        Raises:
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer.
        """
        await self.reload()
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="signing keys")

    async def close(self) -> None:
        """Stop following."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    async def reload(self) -> None:
        """Take over what is kept now, all of it or nothing.

        Raises:
            StartupError: the keys do not open with this secret_key.
            StoreUnavailable: MongoDB does not answer.
        """
        kept, now = await self._signing_keys.usable(), self._now()
        lives = {life.key.kid: life for life in kept if life.is_published(now)}
        pairs = {
            kid: self._pairs.get(kid) or self._signing_keys.open(life.key) for kid, life in lives.items()
        }
        if lives.keys() != self._lives.keys():
            log.info("signing keys", extra={"published": list(lives), "gone": [*self._lives.keys() - lives]})
        self._known = frozenset(life.key.kid for life in kept)
        self._lives, self._pairs = lives, pairs

    async def look_for(self, kid: str) -> None:
        """Read the keys again for one that is unknown here, at most once in a few seconds, whoever asks (R-004).

        Raises:
            StoreUnavailable: the keys cannot be read, so nobody knows whether it exists.
        """
        async with self._turn:
            if kid in self._known:
                return
            if self._clock() >= self._next_look:
                await self._try_reload()
                self._next_look = self._clock() + LOOK_PAUSE
            if self._problem is not None:
                raise StoreUnavailable

    @property
    def signer(self) -> SigningKey:
        """The key to sign with."""
        signing = signer(list(self._lives.values()), self._now())
        assert signing is not None, "open() comes first"
        return self._pairs[signing.key.kid]

    def find(self, kid: object) -> SigningKey | None:
        """None for a key id that is not believed; looked up in memory alone (R-004)."""
        life = self._lives.get(kid) if isinstance(kid, str) else None
        return self._pairs[life.key.kid] if life and life.is_published(self._now()) else None

    def is_news(self, kid: object) -> bool:
        """Whether this may be the id of a key that another process has made since this one looked."""
        return is_kid(kid) and kid not in self._known

    @property
    def state(self) -> RingState:
        """What signs, and what will."""
        lives, now = list(self._lives.values()), self._now()
        signing, next_one = signer(lives, now), successor(lives, now)
        assert signing is not None, "open() comes first"
        due = signing.key.signs_from + self._rotate_every if self._rotate_every else None
        return RingState(
            kid=signing.key.kid,
            signs_from=signing.key.signs_from,
            rotates_at=next_one.key.signs_from if next_one else due,
            next_kid=next_one.key.kid if next_one else None,
            problem=self._problem,
        )

    def jwks(self) -> dict[str, list[Mapping[str, str]]]:
        """The public halves as a JWK Set (RFC 7517 section 5)."""
        now = self._now()
        return {
            "keys": [
                self._pairs[kid].public_jwk for kid, life in self._lives.items() if life.is_published(now)
            ]
        }

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_EVERY)
            async with self._turn:
                await self._try_reload()

    async def _try_reload(self) -> None:
        """Reload and rotate when it is time; on trouble keep the keys, and say so once."""
        try:
            await self.reload()
            if rotation_is_due(list(self._lives.values()), self._now(), self._rotate_every):
                await self._signing_keys.rotate()
                await self.reload()
        except (StoreUnavailable, StartupError) as error:
            self._note(str(error) if isinstance(error, StartupError) else "MongoDB does not answer")
        except Exception as error:
            # A ring that gave up would never learn that a key was retired.
            log.debug("reading the signing keys failed", exc_info=error)
            self._note(f"{type(error).__name__}: {error}")
        else:
            self._note(None)

    def _note(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            log.warning("the signing keys are not up to date", extra={"problem": problem})
        self._problem = problem
