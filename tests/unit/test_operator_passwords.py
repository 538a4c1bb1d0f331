"""Which passwords operators may choose, and what a stored hash may cost to read."""

from __future__ import annotations

import asyncio

import pytest
from argon2 import PasswordHasher

from passport.errors.dashboard import SignInBusy
from passport.operators.password_rules import LONGEST, SHORTEST, Weakness, weakness_of
from passport.operators.passwords import AT_ONCE, QUEUE, Passwords

GOOD = "correct horse battery staple"
CONTEXT = ("lin", "login.example.com", "水果店")


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "correcthorsebatterystaple",
        "dragon monkey shadow master",
        "x7#Kq9!vLm2@pZw4",
        "我家的猫昨天偷吃了三条小黄鱼呢",
        "  spaces are kept  ",
    ],
)
def test_unrelated_words_and_random_characters_are_taken(password: str) -> None:
    assert weakness_of(password, CONTEXT) is None


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword", "password1234567", "P@ssw0rd2024!!!", "Admin123456789!", "admin@2024#8888",
        "qwertyuiop12345", "1q2w3e4r5t6y7u8i", "1qaz2wsx3edc4rfv", "123456789987654321", "aaaaaaaaaaaaaaaaaaa",
        "linlinlinlinlin", "Lin-Lin-2026-888", "liverpool1987abc", "woaini5201314520", "login.example.com",
        "wxpassport-admin-2025", "水果店水果店水果店水果店水果店", "iloveyou iloveyou", "mailcreated5240",
        "12345678900987654321",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert weakness_of(password, CONTEXT) is Weakness.EASILY_GUESSED


def test_the_length_is_counted_in_characters() -> None:
    assert weakness_of("我" * (SHORTEST - 1)) is Weakness.TOO_SHORT
    assert weakness_of(GOOD[: SHORTEST - 1]) is Weakness.TOO_SHORT
    assert weakness_of(GOOD[:SHORTEST]) is None
    assert weakness_of("correct horse battery staple " * 5) is Weakness.TOO_LONG
    assert weakness_of(("correct horse battery staple " * 5)[:LONGEST]) is None


def test_what_cannot_be_seen_is_refused() -> None:
    assert weakness_of("correct horse\0 battery staple") is Weakness.UNPRINTABLE


async def test_a_password_is_verified_however_its_letters_are_composed() -> None:
    passwords = Passwords()
    stored = await passwords.hash("caf\u00e9 horse battery staple")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "cafe\u0301 horse battery staple")
    assert not await passwords.verify(stored, "cafe horse battery staple")
    passwords.close()


POISONED = {
    "8 GiB": "$argon2id$v=19$m=8388608,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA",
    "too many passes": "$argon2id$v=19$m=19456,t=4294967295,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA",
    "too many lanes": "$argon2id$v=19$m=19456,t=2,p=255$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA",
    "another function": "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA",
    "scrypt": "$scrypt$ln=31,r=8,p=1$c29tZXNhbHQ$aGFzaA",
    "a megabyte": "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 1_000_000,
    "no salt": "$argon2id$v=19$m=19456,t=2,p=1$$",
    "nothing": "",
    "plain": GOOD,
}


@pytest.mark.parametrize("stored", POISONED.values(), ids=POISONED)
async def test_a_poisoned_row_opens_nothing_and_costs_what_any_other_does(stored: str) -> None:
    passwords = Passwords()
    before = passwords.verified
    assert not await passwords.verify(stored, GOOD)
    # One verification, and it was of the hash that nobody has.
    assert passwords.verified == before + 1
    passwords.close()


async def test_a_hash_at_the_caps_is_still_verified() -> None:
    passwords = Passwords()
    stored = PasswordHasher(time_cost=1, memory_cost=256 * 1024, parallelism=4).hash(GOOD.encode())
    assert await passwords.verify(stored, GOOD)
    assert passwords.is_outdated(stored)
    passwords.close()


async def test_beyond_the_queue_nobody_waits() -> None:
    passwords = Passwords()
    waiting = [asyncio.create_task(passwords.verify(None, GOOD)) for _ in range(AT_ONCE + QUEUE + 3)]
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each for each in ended if each is not False and not isinstance(each, SignInBusy)] == []
    assert sum(isinstance(each, SignInBusy) for each in ended) == 3
    assert not await passwords.verify(None, GOOD)
    passwords.close()


async def test_the_event_loop_runs_while_passwords_are_hashed() -> None:
    passwords = Passwords()
    hashing = asyncio.create_task(passwords.hash(GOOD))
    turns = 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0)
    # On the loop itself it would be one turn.
    assert turns > 10
    passwords.close()
