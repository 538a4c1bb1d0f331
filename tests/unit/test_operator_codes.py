"""Codes of the authenticator app and recovery codes: RFC 6238 and what is sealed. And how failures lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from passport.operators.guessing import CODE, PASSWORD, LockRule
from passport.operators.names import canonical_name, is_name
from passport.operators.second_factor import SecondFactors, matching_step, picture_of, uri_of
from passport.sealing import Sealer

# RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
RFC_SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_ROWS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_ROWS)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    assert matching_step(RFC_SEED, code, at(seconds)) == seconds // 30
    assert matching_step(RFC_SEED, f"{code[:3]} {code[3:]}", at(seconds)) == seconds // 30


def test_a_code_is_right_in_its_step_and_five_seconds_longer() -> None:
    step, code = 1, "287082"
    right = [second for second in range(30, 150) if matching_step(RFC_SEED, code, at(second)) == step]
    assert right == list(range(30, 65))


@pytest.mark.parametrize(
    "typed", ["", "28708", "2870820", "abcdef", "２８７０８２", "287082\n1", "٢٨٧٠٨٢", "-28708", "\0"]
)
def test_what_is_no_code_is_wrong(typed: str) -> None:
    assert matching_step(RFC_SEED, typed, at(59)) is None


def test_a_seed_opens_for_its_operator_and_its_use_alone() -> None:
    factors = SecondFactors(Sealer(b"k" * 32, "x"))
    seed = factors.new_seed()
    sealed = factors.seal(seed, "one", "signing in")
    assert len(seed) == 32
    assert seed.encode() not in sealed
    assert factors.open(sealed, "one", "signing in") == seed
    assert factors.open(sealed, "two", "signing in") is None
    assert factors.open(sealed, "one", "turning on") is None
    assert SecondFactors(Sealer(b"j" * 32, "x")).open(sealed, "one", "signing in") is None


def test_recovery_codes_are_ten_of_eighty_bits_and_kept_as_keyed_digests() -> None:
    factors = SecondFactors(Sealer(b"k" * 32, "x"))
    codes = factors.new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(code.replace("-", "")) for code in codes} == {16}  # 5 bits each
    digest = factors.digest(codes[0], "one")
    assert factors.digest(f" {codes[0].lower().replace('-', ' ')} ", "one") == digest
    assert factors.digest(codes[0], "two") != digest
    assert SecondFactors(Sealer(b"j" * 32, "x")).digest(codes[0], "one") != digest


def test_the_qr_code_is_a_picture_without_a_script() -> None:
    uri = uri_of("A" * 32, "林 <script>")
    assert uri.startswith("otpauth://totp/wxpassport:%E6%9E%97%20%3Cscript%3E?secret=AAAA")
    assert picture_of(uri).startswith("data:image/svg+xml")
    assert "script" not in picture_of(uri)


def evaluated(rule: LockRule, *, within: timedelta) -> int:
    """How many guesses are looked at when one is made as soon as it may be."""
    passed, failures = timedelta(0), 0
    while passed <= within:
        failures += 1
        passed += rule.locks[min(failures, len(rule.locks)) - 1]
    return failures


def test_of_any_number_of_guesses_few_are_looked_at() -> None:
    assert evaluated(PASSWORD, within=timedelta(minutes=15)) <= 10
    assert [lock.total_seconds() for lock in PASSWORD.locks] == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900]
    assert evaluated(CODE, within=timedelta(minutes=14, seconds=59)) == 5


@pytest.mark.parametrize("name", ["Lin", "林小雨", "ada@shop", "Ｌｉｎ", "o'neil", "a", "lin-2.b", "小 雨"])
def test_what_an_operator_may_be_called(name: str) -> None:
    assert is_name(canonical_name(name))


@pytest.mark.parametrize(
    "name",
    ["", " ", "x" * 41, "<b>", "a\nb\x00", "_", "-a", "a\u202eb", "=cmd", "@x", "a\u200b", "a,b", "lin-"],
)
def test_what_an_operator_may_not_be_called(name: str) -> None:
    assert not is_name(canonical_name(name))
