"""The rules of a signing key's life: who signs, who is published and until when, and when a rotation is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from passport.errors import StartupError
from passport.key_life import (
    MARGIN,
    PUBLISHED_AHEAD,
    KeyState,
    lives_of,
    rotation_is_due,
    signer,
    state_of,
    successor,
)
from passport.key_pairs import is_kid, make_pair, open_pair
from passport.records import StoredKey
from passport.sealing import Sealer
from passport.tokens import LEEWAY

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JWKS_CACHED = timedelta(minutes=5)


def key(generation: int, signs_from: datetime, **ends: Any) -> StoredKey:
    """`k1`, `k2` …, whose tokens live for an hour."""
    return StoredKey(f"k{generation}", generation, b"", NOON, signs_from, HOUR, **ends)


def states(now: datetime, *keys: StoredKey) -> dict[str, str]:
    lives = lives_of(keys)
    return {life.key.kid: state_of(life, lives, now).value for life in lives}


def test_a_lone_key_signs_and_is_published_for_good() -> None:
    (life,) = lives_of([key(1, NOON)])
    assert signer([life], NOON + 900 * DAY) == life
    assert life.published_until is None


def test_a_successor_is_known_before_it_signs_and_the_predecessor_after_it_signed() -> None:
    first, second = key(1, NOON - DAY), key(2, NOON)
    last_token_ends = NOON + HOUR
    seen = {
        NOON - timedelta(seconds=1): ("signing", "published"),
        NOON: ("verifying", "signing"),
        last_token_ends + LEEWAY: ("verifying", "signing"),
        last_token_ends + MARGIN - timedelta(seconds=1): ("verifying", "signing"),
        last_token_ends + MARGIN: ("retired", "signing"),
    }
    assert {at: tuple(states(at, first, second).values()) for at in seen} == seen


def test_the_order_of_the_documents_is_of_no_account() -> None:
    first, second = key(1, NOON - DAY), key(2, NOON)
    assert lives_of([second, first]) == lives_of([first, second])


def test_the_times_are_longer_than_what_they_have_to_cover() -> None:
    assert PUBLISHED_AHEAD > JWKS_CACHED
    assert MARGIN > LEEWAY


def test_a_key_is_published_for_the_longest_token_that_it_signed() -> None:
    first = StoredKey("k1", 1, b"", NOON, NOON - DAY, timedelta(hours=24))
    assert lives_of([first, key(2, NOON)])[0].published_until == NOON + DAY + MARGIN


def test_a_revoked_key_is_gone_whatever_the_clock_says() -> None:
    first = key(1, NOON - DAY, revoked_at=NOON)
    slow = NOON - timedelta(minutes=3)
    assert states(slow, first, key(2, NOON)) == {"k1": "retired", "k2": "signing"}


def test_a_successor_that_is_withdrawn_leaves_the_key_that_signs_where_it_is() -> None:
    second = key(2, NOON + DAY, retired_at=NOON)
    assert states(NOON + 2 * DAY, key(1, NOON), second) == {"k1": "signing", "k2": "retired"}


def test_a_key_that_ended_does_not_come_back_when_its_successor_is_revoked() -> None:
    keys = key(1, NOON - 9 * DAY), key(2, NOON - 8 * DAY, revoked_at=NOON)
    assert signer(lives_of(keys), NOON) is None
    assert states(NOON, *keys, key(3, NOON)) == {"k1": "retired", "k2": "retired", "k3": "signing"}


def test_with_every_key_at_its_end_nobody_signs_so_that_one_is_made() -> None:
    assert signer(lives_of([key(1, NOON, revoked_at=NOON)]), NOON) is None
    assert signer([], NOON) is None


@pytest.mark.parametrize(
    ("age", "due"),
    [(timedelta(0), False), (90 * DAY - HOUR, False), (90 * DAY, True), (400 * DAY, True)],
)
def test_a_rotation_is_due_when_the_key_is_old_enough(age: timedelta, due: bool) -> None:
    lives = lives_of([key(1, NOON)])
    assert rotation_is_due(lives, NOON + age, 90 * DAY) is due
    assert rotation_is_due(lives, NOON + age, None) is False


def test_no_rotation_is_due_while_a_successor_waits() -> None:
    now = NOON + 100 * DAY
    lives = lives_of([key(1, NOON), key(2, now + DAY)])
    assert successor(lives, now) == lives[1]
    assert not rotation_is_due(lives, now, 90 * DAY)
    assert state_of(lives[1], lives, now) is KeyState.PUBLISHED


def test_a_pair_has_a_public_half_without_any_private_member() -> None:
    sealer = Sealer(b"k" * 32, "keys")
    kid, sealed = make_pair(sealer)
    pair = open_pair(sealer, kid, sealed)
    assert pair.public_jwk.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert is_kid(kid)
    assert "private" not in repr(pair)
    with pytest.raises(StartupError, match="Restore that secret_key"):
        open_pair(Sealer(b"x" * 32, "keys"), kid, sealed)


def test_no_key_id_reads_as_an_option_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-" * 43, "-" + "a" * 42, "b" * 43])
    monkeypatch.setattr("passport.key_pairs._thumbprint", lambda _: next(drawn))
    assert make_pair(Sealer(b"k" * 32, "keys"))[0] == "b" * 43


@pytest.mark.parametrize("odd", ["a" * 42, "a" * 44, "a" * 42 + "/", "a" * 43 + "\n", {"$ne": 1}, None, 1])
def test_nothing_else_is_a_key_id(odd: object) -> None:
    assert not is_kid(odd)
