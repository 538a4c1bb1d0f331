"""What happens to one code of wx.login: redeemed at WeChat once, kept for the first visit, consumed by success.

A code works once at WeChat, yet a new user's client sends it three times (token → 401 → register → token), and double
taps and retries send it at once. So each code has a record under a keyed digest, in one of four states:

    busy      somebody has the turn, until `busy_until`; others wait for it
    kept      WeChat's answer, sealed, for at most five minutes; the next call takes the turn again
    consumed  a sign-in succeeded; its answer is repeated to the same request for a few seconds, then `code_used`
    failed    WeChat's verdict; repeated without asking WeChat again, until `retry_at` where the fault may pass

Knows nothing of users. The record decides between processes, a lock within one.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from passport.clock import Now
from passport.config import App
from passport.errors import (
    CodeUsed,
    InvalidCode,
    PassportError,
    StoreUnavailable,
    TemporarilyUnavailable,
    UserBlocked,
    catalogue,
)
from passport.locks import KeyedLocks
from passport.records import PendingLogin
from passport.sealing import Sealer
from passport.store.pending_logins import Ending, PendingLoginStore
from passport.wechat.client import Unanswered, WeChatClient, WeChatSession

KEPT = timedelta(minutes=5)
REPEATED = timedelta(seconds=10)
# A code lives five minutes at WeChat; its record must outlive it, so that no code reaches WeChat twice.
REMEMBERED = timedelta(minutes=10)
_NEVER = timedelta(days=1)
_POLL = 0.05
# How many turns are remembered that began without our knowing, for when MongoDB stalls.
_UNUSED_TURNS = 10_000
# MongoDB has just taken a whole deadline without an answer; the record is worth a moment more, not another deadline.
_HURRY = timedelta(milliseconds=500)
# WeChat's words about this very code: they will not change, however often it is sent.
_VERDICTS = (InvalidCode, CodeUsed, UserBlocked)


@dataclass(frozen=True, slots=True)
class _Turn:
    digest: bytes
    owner: str
    request: bytes


@dataclass(eq=False, slots=True)
class Redemption:
    """Our turn with one code.

    `answer` is set when this same request was answered moments ago and has only to be told again. Otherwise
    `session` is what WeChat said of the user.
    """

    turn: _Turn
    kept_until: datetime
    known_session: WeChatSession | None = None
    answer: dict[str, Any] | None = None
    is_consumed: bool = False

    @property
    def session(self) -> WeChatSession:
        """What code2session said."""
        assert self.known_session is not None, "a repeated answer has no session"
        return self.known_session


class CodeLedger:
    """Redeems codes, each at most once at WeChat.

    Args:
        wechat: makes the exchange.
        store: the records, shared by all processes.
        sealer: seals what is kept; digests the codes.
        patience: how long to wait for the turn while others have it.
        longest_turn: after how long a turn is taken to belong to a process that died.
        now: the clock.
    """

    def __init__(
        self,
        *,
        wechat: WeChatClient,
        store: PendingLoginStore,
        sealer: Sealer,
        patience: timedelta,
        longest_turn: timedelta,
        now: Now,
    ) -> None:
        self._wechat, self._store, self._sealer, self._now = wechat, store, sealer, now
        self._patience, self._longest_turn = patience.total_seconds(), longest_turn
        self._process = secrets.token_hex(8)
        self._locks = KeyedLocks()
        self._unused_turns: OrderedDict[str, None] = OrderedDict()

    @asynccontextmanager
    async def redeem(self, app: App, code: str, *payload: bytes) -> AsyncIterator[Redemption]:
        """Hold this code's turn: `async with ledger.redeem(app, code, encrypted_data, iv) as redemption`.

        Leaving keeps WeChat's answer for the next call, unless the code was consumed.

        Args:
            app: the mini-program the code is from.
            code: the code of wx.login.
            payload: what else was sent; a consumed code repeats its answer to the same payload alone.

        Raises:
            InvalidCode, CodeUsed, UserBlocked, SlowDown, ServerMisconfigured, TemporarilyUnavailable: as WeChat or
                the code's record says.
        """
        turn = _Turn(
            self._sealer.digest(app.appid, code),
            owner=secrets.token_hex(8),
            request=self._sealer.digest(app.appid, code, *payload),
        )
        give_up = asyncio.get_running_loop().time() + self._patience
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._locks.hold(turn.digest, until=give_up))
            except TimeoutError:
                raise TemporarilyUnavailable from None
            before = await self._take(turn, until=give_up)
            if before is not None and before.status == "consumed":
                yield Redemption(turn, kept_until=self._now(), answer=self._repeat(turn, before))
                return
            redemption = await self._open(turn, before, app, code)
            within = None
            try:
                yield redemption
            except StoreUnavailable:
                within = _HURRY
                raise
            finally:
                if not redemption.is_consumed:
                    await self._store.end(self._kept(redemption), within=within)

    async def consume_all(self, answers: Sequence[tuple[Redemption, dict[str, Any]]]) -> list[bool]:
        """Spend the codes of sign-ins that succeeded with these answers; the same request has its answer repeated.

        Only this must survive: forgotten, a code would give a second token.

        Returns:
            For each, in their order: False when we were so slow that another took the turn.
        """
        spent = await self._store.consume_all([self._consumed(*each) for each in answers])
        for (redemption, _), ours in zip(answers, spent, strict=True):
            redemption.is_consumed = ours
        return list(spent)

    async def consume(self, redemption: Redemption, answer: dict[str, Any]) -> None:
        """Spend one code. Raises TemporarilyUnavailable when another took the turn."""
        if not all(await self.consume_all([(redemption, answer)])):
            raise TemporarilyUnavailable

    async def _take(self, turn: _Turn, *, until: float) -> PendingLogin | None:
        """Get the turn and say what the record was; None for a new code. Waits while another has the turn.

        A consumed record is returned without the turn, and a failed one is raised.
        """
        clock = asyncio.get_running_loop().time
        while True:
            now = self._now()
            try:
                ours, record = await self._store.take(
                    turn.digest,
                    owner=turn.owner,
                    process=self._process,
                    now=now,
                    busy_until=now + self._longest_turn,
                    expires_at=now + REMEMBERED,
                )
            except StoreUnavailable:
                # MongoDB may yet give us the turn, after we have gone. Then nobody has asked WeChat in it.
                self._unused_turns[turn.owner] = None
                while len(self._unused_turns) > _UNUSED_TURNS:
                    self._unused_turns.popitem(last=False)
                raise
            if ours or (record is not None and record.status == "consumed"):
                return record
            if record is not None and record.status == "failed":
                raise self._recorded_failure(record)
            if clock() >= until:
                raise TemporarilyUnavailable
            await asyncio.sleep(_POLL)

    async def _open(self, turn: _Turn, before: PendingLogin | None, app: App, code: str) -> Redemption:
        now = self._now()
        unasked = before is None or before.status == "failed" or before.owner in self._unused_turns
        if before is None or (unasked and before.sealed_session is None):
            return await self._exchange(turn, app, code)
        if before.sealed_session is None or before.kept_until is None or before.kept_until <= now:
            # Too old, or a process died between asking WeChat and noting the answer: the code may be spent.
            await self._fail(turn, CodeUsed(), _NEVER)
            raise CodeUsed
        opened = json.loads(self._sealer.unseal(before.sealed_session, context=turn.digest))
        return Redemption(turn, before.kept_until, WeChatSession(*opened))

    async def _exchange(self, turn: _Turn, app: App, code: str) -> Redemption:
        try:
            session = await self._wechat.code2session(app, code)
        except Unanswered:
            # WeChat may have spent the code on an answer we never got, so it must not be sent again.
            await self._fail(turn, CodeUsed(), _NEVER)
            raise
        except PassportError as error:
            patience = _NEVER if isinstance(error, _VERDICTS) else timedelta(seconds=error.retry_after or 2)
            await self._fail(turn, error, patience)
            raise
        return Redemption(turn, self._now() + KEPT, session)

    def _consumed(self, redemption: Redemption, answer: dict[str, Any]) -> Ending:
        turn, now = redemption.turn, self._now()
        outcome = {
            "status": "consumed",
            "sealed_answer": self._sealer.seal(json.dumps(answer).encode(), context=turn.digest),
            "answered_at": now,
            "request": turn.request,
            "expires_at": now + REMEMBERED,
        }
        return Ending(turn.digest, turn.owner, outcome)

    def _kept(self, redemption: Redemption) -> Ending:
        turn, session = redemption.turn, redemption.session
        kept = json.dumps([session.openid, session.unionid, session.session_key]).encode()
        outcome = {
            "status": "kept",
            "sealed_session": self._sealer.seal(kept, context=turn.digest),
            "kept_until": redemption.kept_until,
            # The record goes with the session_key in it; the code itself has expired at WeChat by then.
            "expires_at": redemption.kept_until,
        }
        return Ending(turn.digest, turn.owner, outcome)

    async def _fail(self, turn: _Turn, error: PassportError, patience: timedelta) -> None:
        now = self._now()
        outcome = {
            "status": "failed",
            "error": error.code,
            "wechat_errcode": error.wechat_errcode,
            "retry_at": now + patience,
            "expires_at": now + REMEMBERED,
        }
        await self._store.end(Ending(turn.digest, turn.owner, outcome))

    def _repeat(self, turn: _Turn, record: PendingLogin) -> dict[str, Any]:
        fresh = record.answered_at is not None and self._now() - record.answered_at <= REPEATED
        if not fresh or record.request != turn.request or record.sealed_answer is None:
            raise CodeUsed
        answer: dict[str, Any] = json.loads(self._sealer.unseal(record.sealed_answer, context=turn.digest))
        return answer

    def _recorded_failure(self, record: PendingLogin) -> PassportError:
        refusal = catalogue()[record.error or CodeUsed.code]
        wait = (record.retry_at or self._now()) - self._now()
        return refusal(
            wechat_errcode=record.wechat_errcode,
            retry_after=max(1, round(wait.total_seconds())) if wait < _NEVER / 2 else None,
        )
