"""Hash and verify the operators' passwords: argon2id (RFC 9106), off the event loop, a few at once.

Which passwords are taken is `passport.operators.password_rules`; who may try how often, `passport.operators.guessing`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from passport.errors.dashboard import SignInBusy

log = logging.getLogger("wxpassport")

T = TypeVar("T")

# OWASP's floor for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19456, 2, 1
# What a hash may ask for that is read back. Beyond it somebody else wrote it, to make a sign-in cost gigabytes.
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 256 * 1024, 10, 4
# Ours are 97 characters long.
_LONGEST_HASH = 512
AT_ONCE, QUEUE = 2, 32


def canonical(password: str) -> bytes:
    """The same bytes for the same characters, however the keyboard composed them (NFC, RFC 8265 section 4.2)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


class Passwords:
    """Where passwords are hashed.

    Args:
        at_once: how many; each takes a core for 25 ms and 19 MiB.
        queue: how many more may wait.
    """

    def __init__(self, *, at_once: int = AT_ONCE, queue: int = QUEUE) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        # argon2 lets go of the interpreter's lock while it works, so threads are enough.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._most, self._inside = at_once + queue, 0
        self._nobodys = _nobodys_hash()
        self.verified = 0

    async def hash(self, password: str) -> str:
        """The hash to keep, with its parameters and salt. Raises SignInBusy when too many wait."""
        return await self._run(lambda: self._hasher.hash(canonical(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; the same work is done when there is none to compare with.

        Args:
            stored: what `hash` made; None for an unknown name or a locked one, and the answer is False.
            password: what was typed.

        Raises:
            SignInBusy: too many wait.
        """
        usable = stored if stored is not None and self._is_bearable(stored) else None
        right = await self._run(lambda: self._matches(usable or self._nobodys, password))
        return right and usable is not None

    def require_room(self) -> None:
        """Raise SignInBusy when too many wait; before a try is counted that nobody will look at."""
        if self._inside >= self._most:
            raise SignInBusy

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash, which was just verified, has other parameters than today's and should be made anew."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Take nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, stored: str, password: str) -> bool:
        self.verified += 1
        try:
            return self._hasher.verify(stored, canonical(password))
        except (VerificationError, InvalidHashError):
            return False

    def _is_bearable(self, stored: str) -> bool:
        """Whether the hash is argon2id within the caps; read before any of it is believed."""
        cost = _cost_of(stored)
        if (
            cost is not None
            and cost.type is Type.ID
            and cost.memory_cost <= MOST_MEMORY_KIB
            and cost.time_cost <= MOST_PASSES
            and cost.parallelism <= MOST_LANES
        ):
            return True
        log.warning("a password hash in the database is none of ours; reset that operator's password")
        return False

    async def _run(self, work: Callable[[], T]) -> T:
        self.require_room()
        self._inside += 1
        working = asyncio.get_running_loop().run_in_executor(self._threads, work)
        working.add_done_callback(self._left)
        # Shielded, since a thread goes on with its work when the client went away, and so keeps its place.
        return await asyncio.shield(working)

    def _left(self, working: asyncio.Future[T]) -> None:
        self._inside -= 1
        # Whoever waited was told already, and if nobody did, nobody misses it.
        if not working.cancelled():
            working.exception()


def _cost_of(stored: str) -> Parameters | None:
    """None when it is no hash of argon2 at all."""
    try:
        return extract_parameters(stored) if len(stored) <= _LONGEST_HASH else None
    except (InvalidHashError, ValueError):
        return None


def _nobodys_hash() -> str:
    """A hash of today's cost that no password has, so that an unknown name takes as long as a known one."""
    salt, digest = (b64encode(secrets.token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"
