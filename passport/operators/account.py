"""What an operator does with their own way in: another password, the second factor on and off, recovery codes."""

from __future__ import annotations

from dataclasses import dataclass, field

from passport.clock import Now
from passport.models import Operator, SecondFactor
from passport.operators.second_factor import SecondFactors, matching_step, picture_of, uri_of
from passport.store.operator_members import MemberStore

_LONGEST_SEALED = 512


class WrongCode(Exception):
    """The code is not one that the app shows now for this seed."""


@dataclass(frozen=True)
class Enrolment:
    """A seed that waits for its first code.

    Args:
        sealed: the seed, for the form to carry: sealed for this operator.
        seed: to be typed where a camera is no help.
        picture: the QR code as a `data:` URI.
    """

    sealed: str = field(repr=False)
    seed: str = field(repr=False)
    picture: str = field(repr=False)


class OwnAccount:
    """The second factor of whoever is signed in.

    Args:
        members: what they sign in by.
        second_factors: makes and seals seeds and codes.
        now: the clock.
    """

    def __init__(self, *, members: MemberStore, second_factors: SecondFactors, now: Now) -> None:
        self._members, self._second_factors, self._now = members, second_factors, now

    def begin(self, operator: Operator, sealed: str | None = None) -> Enrolment:
        """A new seed, or the one that the form brought back if it is this operator's."""
        seed = self._opened(operator, sealed) or self._second_factors.new_seed()
        return Enrolment(
            sealed=self._second_factors.seal(seed, operator.operator_id, "turning on").hex(),
            seed=seed,
            picture=picture_of(uri_of(seed, operator.name)),
        )

    async def turn_on(self, operator: Operator, sealed: str, code: str) -> tuple[Operator, tuple[str, ...]]:
        """Turn it on once the app shows a right code: the operator in their new epoch, and ten recovery codes.

        No try is counted: whoever has the form has the seed.

        Raises:
            WrongCode: the code is wrong, or it is on already.
        """
        seed = self._opened(operator, sealed)
        step = matching_step(seed, code, self._now()) if seed else None
        if seed is None or step is None:
            raise WrongCode
        codes = self._second_factors.new_recovery_codes()
        factor = SecondFactor(
            sealed_seed=self._second_factors.seal(seed, operator.operator_id, "signing in"),
            since=self._now(),
            recovery=self._digests(operator, codes),
        )
        changed = await self._members.set_second_factor(operator.operator_id, factor, step=step)
        if changed is None:
            raise WrongCode
        return changed, codes

    async def turn_off(self, operator: Operator) -> Operator | None:
        """Turn it off: the operator in their new epoch; None when it was off."""
        return await self._members.remove_second_factor(operator.operator_id)

    async def renew_recovery_codes(self, operator: Operator) -> tuple[str, ...] | None:
        """Ten new ones; those before are worthless. None when there is no second factor."""
        codes = self._second_factors.new_recovery_codes()
        renewed = await self._members.renew_recovery_codes(
            operator.operator_id, self._digests(operator, codes)
        )
        return codes if renewed else None

    def _opened(self, operator: Operator, sealed: str | None) -> str | None:
        try:
            content = bytes.fromhex((sealed or "")[:_LONGEST_SEALED])
        except ValueError:
            return None
        return self._second_factors.open(content, operator.operator_id, "turning on")

    def _digests(self, operator: Operator, codes: tuple[str, ...]) -> tuple[bytes, ...]:
        return tuple(self._second_factors.digest(code, operator.operator_id) for code in codes)
