"""Sealing: what is sealed opens with its key, in its place, unaltered, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.sealing import SealBroken, Sealer

KEY, OTHER_KEY = b"a secret key of 32 bytes or more: 1", b"a secret key of 32 bytes or more: 2"
sealer = Sealer(KEY, "codes")


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_in_its_place(plain: bytes, context: bytes) -> None:
    assert sealer.unseal(sealer.seal(plain, context=context), context=context) == plain


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_is_refused_wherever_it_is(position: int, change: int) -> None:
    sealed = bytearray(sealer.seal(b"session_key", context=b"here"))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        sealer.unseal(bytes(sealed), context=b"here")


@pytest.mark.parametrize("opener", [Sealer(OTHER_KEY, "codes"), Sealer(KEY, "signing-keys")])
def test_another_key_and_another_purpose_do_not_open_it(opener: Sealer) -> None:
    with pytest.raises(SealBroken):
        opener.unseal(sealer.seal(b"session_key"))


def test_a_copy_in_another_document_does_not_open() -> None:
    with pytest.raises(SealBroken):
        sealer.unseal(sealer.seal(b"session_key", context=b"one"), context=b"two")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 28])
def test_what_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(SealBroken):
        sealer.unseal(sealer.seal(b"session_key")[:length])


def test_the_same_text_is_sealed_differently_each_time_and_is_not_in_it() -> None:
    sealed = {sealer.seal(b"session_key") for _ in range(100)}
    assert len(sealed) == 100
    assert not any(b"session_key" in each for each in sealed)


def test_a_digest_is_the_same_for_the_same_parts_alone() -> None:
    digests = [
        sealer.digest("wx1", "code"),
        sealer.digest("wx1c", "ode"),
        sealer.digest("wx1code"),
        sealer.digest("wx1", "code", ""),
        sealer.digest("code", "wx1"),
        Sealer(OTHER_KEY, "codes").digest("wx1", "code"),
        Sealer(KEY, "signing-keys").digest("wx1", "code"),
    ]
    assert len(set(digests)) == len(digests)
    assert (
        sealer.digest("wx1", "code")
        == sealer.digest(b"wx1", b"code")
        == Sealer(KEY, "codes").digest("wx1", "code")
    )
