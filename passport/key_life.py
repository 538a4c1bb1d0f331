"""The life of a signing key, as pure rules over the times kept with it: published, signing, verifying, retired.

A rotation is one insert: the successor says from when it signs, and that moment is the predecessor's last. So there is
no second write that a crash could leave out, and every process comes to the same answer from the same documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from passport.records import StoredKey

# Far beyond the five minutes for which our JWKS may be cached: some verifiers cache longer than they are told.
PUBLISHED_AHEAD = timedelta(hours=24)
# What verifiers allow for clocks that differ, and what a process that reads the keys late may sign meanwhile.
MARGIN = timedelta(minutes=5)


class KeyState(StrEnum):
    """Where a key is in its life."""

    PUBLISHED = "published"  # verifiers learn it; it signs nothing yet
    SIGNING = "signing"
    VERIFYING = "verifying"  # signs no more; tokens it signed are still good
    RETIRED = "retired"  # neither published nor believed


@dataclass(frozen=True, slots=True)
class KeyLife:
    """One key and what the other keys mean for it.

    Args:
        key: as it is kept.
        stops_at: when it signs no more; None while nothing ends it.
    """

    key: StoredKey
    stops_at: datetime | None

    @property
    def published_until(self) -> datetime | None:
        """When the last token it may have signed has expired; at once for a revoked key; None while it may sign."""
        if self.key.revoked_at is not None:
            return self.key.revoked_at
        return None if self.stops_at is None else self.stops_at + self.key.token_ttl + MARGIN

    def is_published(self, now: datetime) -> bool:
        """Whether it is in the JWKS, and its tokens are believed."""
        # A revoked key is dead whatever this host's clock says.
        until = self.published_until
        return self.key.revoked_at is None and (until is None or now < until)

    def may_sign(self, now: datetime) -> bool:
        """Whether it is not at its end, whenever it begins."""
        if self.key.revoked_at is not None or self.key.retired_at is not None:
            return False
        return self.stops_at is None or now < self.stops_at


def lives_of(keys: Iterable[StoredKey]) -> list[KeyLife]:
    """The lives of all keys of a deployment, oldest first. It takes all, retired ones too: they ended others."""
    ordered = sorted(keys, key=lambda key: key.generation)
    return [KeyLife(key, _stops_at(key, ordered[position + 1 :])) for position, key in enumerate(ordered)]


def signer(lives: Sequence[KeyLife], now: datetime) -> KeyLife | None:
    """The key to sign with now. None when every key is at its end, and a new one has to be made."""
    able = [life for life in lives if life.may_sign(now)]
    begun = [life for life in able if life.key.signs_from <= now]
    if begun:
        return max(begun, key=lambda life: life.key.generation)
    # Only a clock that is behind sees no key's time come; the next one signs then, since somebody must.
    return min(able, key=lambda life: life.key.signs_from, default=None)


def successor(lives: Sequence[KeyLife], now: datetime) -> KeyLife | None:
    """The key that is published and waits for its time. None when there is none."""
    waiting = [life for life in lives if state_of(life, lives, now) is KeyState.PUBLISHED]
    return waiting[-1] if waiting else None


def state_of(life: KeyLife, lives: Sequence[KeyLife], now: datetime) -> KeyState:
    """Where the key is in its life."""
    if not life.is_published(now):
        return KeyState.RETIRED
    if life == signer(lives, now):
        return KeyState.SIGNING
    waits = life.may_sign(now) and now < life.key.signs_from
    return KeyState.PUBLISHED if waits else KeyState.VERIFYING


def rotation_is_due(lives: Sequence[KeyLife], now: datetime, every: timedelta | None) -> bool:
    """Whether the key that signs has done so for long enough and no successor is published. Never for None."""
    signing = signer(lives, now)
    if every is None or signing is None or successor(lives, now) is not None:
        return False
    return now >= signing.key.signs_from + every


def _stops_at(key: StoredKey, later: Sequence[StoredKey]) -> datetime | None:
    ends = [each.signs_from for each in later if _begins(each)]
    ends += [end for end in (key.retired_at, key.revoked_at) if end is not None]
    return min(ends, default=None)


def _begins(key: StoredKey) -> bool:
    """Whether it signs at some time; a key that was withdrawn or revoked before its time ends nobody."""
    return all(end is None or key.signs_from < end for end in (key.retired_at, key.revoked_at))
