"""Sign-ins of the same moment, carried out together: five statements of MongoDB for all of them.

Each is answered when all that it promises is durable: when they were seen, the session, and that the code is spent. One
who is refused leaves the round at that step, and the others go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from passport.attempts import learnt
from passport.clock import Now
from passport.codes import CodeLedger, Redemption
from passport.errors import PassportError, TemporarilyUnavailable, Unregistered
from passport.models import Device, User
from passport.sessions import Sessions, TokenPair
from passport.store.rounds import Rounds
from passport.users import Profile, Users, Visit, ensure_active

Answer = dict[str, Any]


@dataclass(eq=False, slots=True)
class Arrival:
    """Somebody whose code was redeemed, on the way to their tokens; the members below the line are filled in there.

    Args:
        redemption: our turn with their code.
        appid: the mini-program.
        profile: what WeChat told of them.
        device: where they are.
    """

    redemption: Redemption
    appid: str
    profile: Profile
    device: Device

    user: User | None = None
    pair: TokenPair | None = None
    refusal: Exception | None = None

    @property
    def person(self) -> User:
        """Whom they were found to be."""
        assert self.user is not None, "they are found first"
        return self.user

    @property
    def answer(self) -> Answer:
        """What they are told."""
        assert self.pair is not None, "they have a session first"
        return self.pair.answer


class SignIns:
    """Signs people in.

    Args:
        codes, users, sessions: what a sign-in reads and writes.
        deadline: how long one may take at MongoDB.
        now: the clock.
    """

    def __init__(
        self, *, codes: CodeLedger, users: Users, sessions: Sessions, deadline: timedelta, now: Now
    ) -> None:
        self._codes, self._users, self._sessions, self._now = codes, users, sessions, now
        self._rounds = Rounds(self._carry_out, deadline=deadline.total_seconds())

    async def sign_in(self, arrival: Arrival) -> Answer:
        """The token answer, with the code spent.

        Raises:
            Unregistered: they have no account.
            AccountDisabled: they are banned.
            TemporarilyUnavailable: we were so slow that another took the turn with the code.
            StoreUnavailable: the outcome is unknown; the same call again is safe.
        """
        try:
            return await self._rounds.join(arrival)
        finally:
            if arrival.user is not None:
                learnt(account_id=arrival.user.user_id)

    async def _carry_out(self, arrivals: list[Arrival]) -> Sequence[Answer | Exception]:
        # The sign-in is noted before there is a session, so that a closed account is left none.
        steps: tuple[Callable[[list[Arrival]], Awaitable[None]], ...] = (
            self._find,
            self._note,
            self._start,
            self._consume,
        )
        for step in steps:
            if under_way := [each for each in arrivals if each.refusal is None]:
                await step(under_way)
        return [each.refusal or each.answer for each in arrivals]

    async def _find(self, arrivals: list[Arrival]) -> None:
        found = await self._users.find_by_sessions(
            [(each.appid, each.redemption.session) for each in arrivals]
        )
        for each, user in zip(arrivals, found, strict=True):
            try:
                each.user = _known(user)
                ensure_active(each.user, self._now())
            except Exception as refusal:
                each.refusal = refusal

    async def _note(self, arrivals: list[Arrival]) -> None:
        visits = [Visit(each.person, each.appid, each.redemption.session, each.profile) for each in arrivals]
        for each, refusal in zip(arrivals, await self._users.record_sign_ins(visits), strict=True):
            each.refusal = refusal

    async def _start(self, arrivals: list[Arrival]) -> None:
        started = await self._sessions.start_all(
            [(each.person, each.appid, each.device) for each in arrivals]
        )
        for each, outcome in zip(arrivals, started, strict=True):
            if isinstance(outcome, PassportError):
                each.refusal = outcome
            else:
                each.pair = outcome

    async def _consume(self, arrivals: list[Arrival]) -> None:
        spent = await self._codes.consume_all([(each.redemption, each.answer) for each in arrivals])
        for each, ours in zip(arrivals, spent, strict=True):
            if not ours:
                # One code must not give two tokens, so ours is not told.
                each.refusal = TemporarilyUnavailable()


def _known(found: User | Exception | None) -> User:
    if found is None:
        raise Unregistered
    if isinstance(found, Exception):
        raise found
    return found
