"""Who somebody is: by name and password, and by a second factor where there is one. Knows no HTTP.

An unknown name, a wrong password, a locked name and a disabled operator are one answer, after the same work (R-055).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum

from passport.clock import Now
from passport.limits import Limiter, network_of
from passport.models import Member, Operator
from passport.operators.guessing import Guessing
from passport.operators.known_devices import KnownDevices
from passport.operators.names import canonical_name
from passport.operators.passwords import Passwords
from passport.operators.second_factor import SecondFactors, matching_step
from passport.sealing import SealBroken, Sealer
from passport.store.operator_members import MemberStore

# How long the way from the password to the second factor may take.
PATIENCE = timedelta(minutes=10)
_LONGEST_TICKET = 512


class Proof(Enum):
    """What came of a second factor."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True)
class Attempt:
    """What came of a name and a password.

    Args:
        member: whose they are; None whatever is wrong with them.
        tried: whose password was tried in vain, for the audit log alone.
    """

    member: Member | None
    tried: Operator | None = None


class SignIn:
    """The way in.

    Args:
        members: what operators sign in by.
        passwords: verifies.
        password_guesses: counts tries at passwords, by name or by device.
        code_guesses: counts tries at second factors.
        second_factors: opens seeds.
        devices: knows browsers again.
        limits: how often an address may try.
        sealer: seals what is remembered between password and second factor.
        now: the clock.
    """

    def __init__(
        self,
        *,
        members: MemberStore,
        passwords: Passwords,
        password_guesses: Guessing,
        code_guesses: Guessing,
        second_factors: SecondFactors,
        devices: KnownDevices,
        limits: Limiter,
        sealer: Sealer,
        now: Now,
    ) -> None:
        self._members, self._passwords = members, passwords
        self._password_guesses, self._code_guesses = password_guesses, code_guesses
        self._second_factors, self._devices = second_factors, devices
        self._limits, self._sealer, self._now = limits, sealer, now

    async def by_password(self, name: str, password: str, *, ip: str, device: str | None) -> Attempt:
        """Whose name and password these are.

        Args:
            name: as typed.
            password: as typed.
            ip: where from.
            device: the cookie of `KnownDevices`, which keeps strangers from locking the owner out.

        Raises:
            SlowDown: the address tried too often.
            SignInBusy: too many wait.
            StoreUnavailable: MongoDB does not answer.
        """
        await self._limits.admit("sign_in", ip=ip)
        self._passwords.require_room()
        member = await self._members.find_by_name(canonical_name(name))
        subject = self._subject(name, member, device)
        evaluated = await self._password_guesses.may_try(*subject)
        enabled = member is not None and member.operator.disabled_at is None
        stored = member.password_hash if member and enabled and evaluated else None
        right = await self._passwords.verify(stored, password)
        if member is None or stored is None or not right:
            return Attempt(None, tried=member.operator if member and evaluated else None)
        await self._password_guesses.succeeded(*subject)
        return Attempt(await self._with_current_hash(member, stored, password))

    def _subject(self, name: str, member: Member | None, device: str | None) -> tuple[str, ...]:
        """By what the try is counted: the name, known or not, unless the owner's own browser makes it."""
        known = self._devices.recognise(device, member) if member else None
        if member and known:
            return "device", member.operator.operator_id, known
        return "name", canonical_name(name).casefold()

    async def _with_current_hash(self, member: Member, stored: str, password: str) -> Member:
        """Now that the password is known: hash it anew when that is done with other parameters today."""
        if not self._passwords.is_outdated(stored):
            return member
        renewed = await self._passwords.hash(password)
        await self._members.rehash(member.operator.operator_id, old=stored, new=renewed)
        return replace(member, password_hash=renewed)

    async def welcome(self, member: Member) -> str:
        """They are in: note when, and make the cookie by which the browser is known again."""
        await self._members.note_signed_in(member.operator.operator_id, at=self._now())
        return self._devices.cookie(member)

    async def confirm(self, operator: Operator, session: bytes, password: str) -> bool:
        """Whether whoever is signed in there knows the password, too. Guesses are counted for that session alone.

        Raises:
            SignInBusy, StoreUnavailable: as `by_password`.
        """
        self._passwords.require_room()
        member = await self._members.find(operator.operator_id)
        subject = ("session", session.hex())
        evaluated = await self._password_guesses.may_try(*subject)
        right = await self._passwords.verify(member.password_hash if member and evaluated else None, password)
        if right:
            await self._password_guesses.succeeded(*subject)
        return right

    # Between password and second factor

    def ticket(self, member: Member) -> str:
        """What the browser shows to say whose password it knew; it opens nothing without a second factor."""
        until = self._now() + PATIENCE
        content = [member.operator.operator_id, member.operator.epoch, until.timestamp()]
        return self._sealer.seal(json.dumps(content).encode()).hex()

    async def of_ticket(self, ticket: str | None) -> Member | None:
        """Whose ticket it is; None when it is none, too old, or the operator changed since."""
        try:
            sealed = bytes.fromhex((ticket or "")[:_LONGEST_TICKET])
            operator_id, epoch, until = json.loads(self._sealer.unseal(sealed))
        except (ValueError, SealBroken):
            return None
        if self._now().timestamp() >= until:
            return None
        member = await self._members.find(operator_id)
        current = member is not None and member.operator.epoch == epoch
        return member if current and member and member.operator.disabled_at is None else None

    async def by_code(self, member: Member, code: str, *, device: str | None) -> Proof:
        """Try a code of the authenticator app. A right one is used up for everybody.

        Guesses are counted for each browser that the owner signed in from with this factor, and together for all
        others: whoever knows the password alone can lock them, and has five in a quarter of an hour.
        """
        operator_id = member.operator.operator_id
        known = self._devices.recognise_factor(device, member)
        subject = ("code", operator_id, known) if known else ("code", operator_id)
        if not await self._code_guesses.may_try(*subject):
            return Proof.LOCKED
        step = self._step_of(member, code)
        if step is None or not await self._members.use_step(operator_id, step):
            return Proof.WRONG
        # Others' guesses stay counted, or the owner would give them five more each time.
        await self._code_guesses.take_back(*subject)
        return Proof.RIGHT

    async def by_recovery_code(self, member: Member, code: str, *, ip: str) -> Proof:
        """Try a recovery code; a right one is gone.

        Guesses are counted by where they come from: nobody guesses 80 bits, and with one count for all whoever knows
        the password could keep the owner from the way in that is left to them.
        """
        operator_id = member.operator.operator_id
        subject = ("recovery", operator_id, network_of(ip))
        if not await self._code_guesses.may_try(*subject):
            return Proof.LOCKED
        digest = self._second_factors.digest(code, operator_id)
        if not await self._members.use_recovery_code(operator_id, digest):
            return Proof.WRONG
        await self._code_guesses.take_back(*subject)
        return Proof.RIGHT

    def device(self, member: Member) -> str:
        """The cookie by which the browser is known again, in which they have just proved who they are."""
        return self._devices.cookie(member)

    def _step_of(self, member: Member, code: str) -> int | None:
        """The step of the app that the code is right for; None when it is wrong."""
        factor = member.second_factor
        if factor is None:
            return None
        seed = self._second_factors.open(factor.sealed_seed, member.operator.operator_id, "signing in")
        return matching_step(seed, code, self._now()) if seed else None
