"""Record the attempts that were refused, beside the requests and never in their way. Knows no HTTP.

A note is made in memory after the answer is written, so the answer and its time do not depend on it (R-021); a task
writes them in batches. In a flood, the first of a kind in a minute are kept, and then one in a hundred that stands for
a hundred, so that the database does not grow with the noise (R-058) and the counts stay true.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from passport.attempts import Attempt
from passport.clock import Now
from passport.errors import PassportError, PushRefused, StoreUnavailable, catalogue
from passport.models import Device, Refusal, User
from passport.refusal_filter import Place, RefusalFilter
from passport.sealing import Sealer
from passport.store.refusals import RefusalStore, new_refusal_id

log = logging.getLogger("wxpassport.refusals")

FLUSH_EVERY = 1.0
FIRST_KEPT, THEN_ONE_IN = 100, 100
MOST_QUEUED = 10_000
_BATCH = 500
_FAREWELL = 2.0
_MINUTE = 60
_DESCRIPTION = 300
# Whatever WeChat quotes of a call of ours has been blotted out by then; this is for what looks like it.
_TELLTALE = re.compile(r"(?i)\b(secret|access_token|js_code|code|session_key)(\s*[=:]\s*)[^\s&,;]+")
_HINTS = {code: refusal.hint for code, refusal in catalogue().items()}


@dataclass(slots=True)
class _Kind:
    """The refusals of one error at one operation within one minute."""

    minute: int
    seen: int = 0
    # Of those that were not kept: how many, and the last of them.
    skipped: int = 0
    last: _Noted | None = None


@dataclass(slots=True)
class _Noted:
    """A refusal in the queue: its openid is digested when it is written."""

    refusal: Refusal
    openid: str | None


class Refusals:
    """The record of refused attempts. Made inside the running event loop.

    Args:
        store: where they are kept.
        sealer: digests openids.
        kept: for how long.
        now: the clock.
    """

    def __init__(self, *, store: RefusalStore, sealer: Sealer, kept: timedelta, now: Now) -> None:
        self._store, self._sealer, self._kept, self._now = store, sealer, kept, now
        self._queue: deque[_Noted] = deque()
        self._kinds: dict[tuple[str, str], _Kind] = {}
        self._flushing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._closed = self._failing = False
        # Refusals that no document stands for: the queue was full while MongoDB was away.
        self.dropped = 0

    # Noting: synchronous, in memory, bounded

    def note(
        self, error: PassportError, *, operation: str, request_id: str, device: Device, attempt: Attempt
    ) -> None:
        """Record it soon.

        Args:
            error: what the client was told.
            operation: the method and the pattern of the path, never the path itself.
            request_id: what the client was told it by.
            device: where it came from.
            attempt: what was learnt of who tried.
        """
        now = self._now()
        noted = _Noted(self._record(error, operation, request_id, device, attempt, now), attempt.openid)
        kind = self._kind(error.code, operation, now)
        kind.seen += 1
        if kind.seen <= FIRST_KEPT:
            self._enqueue(noted, 1)
            return
        kind.skipped, kind.last = kind.skipped + 1, noted
        if kind.skipped == THEN_ONE_IN:
            self._settle(kind)

    def _kind(self, error: str, operation: str, now: datetime) -> _Kind:
        minute = int(now.timestamp()) // _MINUTE
        kind = self._kinds.get((error, operation))
        if kind is None or kind.minute != minute:
            if kind is not None:
                self._settle(kind)
            kind = self._kinds[error, operation] = _Kind(minute)
        return kind

    def _settle(self, kind: _Kind) -> None:
        """Let the last one that was not kept stand for all that were not."""
        if kind.last is not None:
            self._enqueue(kind.last, kind.skipped)
            kind.skipped, kind.last = 0, None

    def _enqueue(self, noted: _Noted, weight: int) -> None:
        if weight != 1:
            noted.refusal = replace(noted.refusal, weight=weight)
        while len(self._queue) >= MOST_QUEUED:
            self.dropped += self._queue.popleft().refusal.weight
        self._queue.append(noted)
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._run(), name="refusals")

    def _record(
        self,
        error: PassportError,
        operation: str,
        request_id: str,
        device: Device,
        attempt: Attempt,
        now: datetime,
    ) -> Refusal:
        cause, hint = error.__cause__, error.hint
        return Refusal(
            refusal_id=new_refusal_id(),
            at=now,
            error=error.code,
            status=error.status,
            kind=type(error).__name__,
            operation=operation,
            request_id=request_id,
            ip=device.ip,
            user_agent=device.user_agent,
            expires_at=now + self._kept,
            appid=attempt.appid,
            account_id=attempt.account_id,
            wechat_errcode=error.wechat_errcode,
            rid=error.rid,
            errmsg=_cleared(error.errmsg) if error.errmsg else None,
            description=error.description[:_DESCRIPTION],
            hint=None if hint is _HINTS.get(error.code) else (hint.zh, hint.en),
            reason=error.reason if isinstance(error, PushRefused) else None,
            cause=type(cause).__name__ if cause is not None else None,
        )

    # Writing: in the background

    async def flush(self) -> None:
        """Write down all that is noted.

        Raises:
            StoreUnavailable: MongoDB does not answer; what was not written stays noted.
        """
        minute = int(self._now().timestamp()) // _MINUTE
        for key, kind in list(self._kinds.items()):
            if kind.minute != minute:
                self._settle(kind)
                del self._kinds[key]
        async with self._flushing:
            while self._queue:
                await self._write()

    async def _write(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
        try:
            await self._store.insert([self._kept_form(each) for each in batch])
        except (StoreUnavailable, asyncio.CancelledError):
            # The outcome is unknown, and the same ids again are no second documents.
            self._put_back(batch)
            raise
        except Exception:
            # One that cannot be written at all must not keep the others from it for ever.
            self.dropped += sum(each.refusal.weight for each in batch)
            raise

    def _put_back(self, batch: Sequence[_Noted]) -> None:
        room = MOST_QUEUED - len(self._queue)
        for each in reversed(batch):
            if room > 0:
                self._queue.appendleft(each)
                room -= 1
            else:
                self.dropped += each.refusal.weight

    def _kept_form(self, noted: _Noted) -> Refusal:
        refusal = noted.refusal
        if noted.openid is None or refusal.appid is None:
            return refusal
        return replace(refusal, openid=self.digest(refusal.appid, noted.openid))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            try:
                await self.flush()
            except StoreUnavailable:
                self._tell("refused attempts cannot be recorded now; they wait in memory")
            except Exception:
                # A task that ended here would let the queue fill and say nothing.
                log.exception("recording refused attempts failed")
                self._failing = True
            else:
                self._tell(None)

    def _tell(self, trouble: str | None) -> None:
        """Say once that it fails, and once that it works again, with what was lost."""
        if trouble is not None and not self._failing:
            log.warning(trouble)
        elif trouble is None and self._failing:
            log.info("refused attempts are recorded again", extra={"dropped": self.dropped})
        self._failing = trouble is not None

    async def close(self) -> None:
        """Write what is noted, for a moment, and stop."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        for kind in self._kinds.values():
            self._settle(kind)
        if not self._queue:
            return
        try:
            async with asyncio.timeout(_FAREWELL):
                await self.flush()
        except (StoreUnavailable, TimeoutError):
            log.warning("refused attempts were not recorded", extra={"attempts": self.waiting})

    @property
    def waiting(self) -> int:
        """How many attempts are noted and not written yet."""
        return sum(each.refusal.weight for each in self._queue) + sum(
            kind.skipped for kind in self._kinds.values()
        )

    # Reading

    def digest(self, appid: str, openid: str) -> bytes:
        """What a WeChat user is called in the record."""
        return self._sealer.digest(appid, openid)

    async def find(self, refusal_id: str) -> Refusal | None:
        """None when there is none of this id."""
        return await self._store.find(refusal_id)

    async def find_by_request_id(self, request_id: str) -> Refusal | None:
        """The refusal that the request ended in; None when none is kept."""
        return await self._store.find_by_request_id(request_id)

    async def find_by_rid(self, rid: str) -> Refusal | None:
        """A refusal by WeChat's request id; None when none is kept."""
        return await self._store.find_by_rid(rid)

    async def page(
        self, chosen: RefusalFilter, *, beyond: Place | None = None, newer: bool = False, limit: int = 50
    ) -> list[Refusal]:
        """Refusals next to a place, newest first; see `RefusalStore.page`."""
        return await self._store.page(chosen, beyond=beyond, newer=newer, limit=limit)

    async def counts(self, chosen: RefusalFilter, *, most: int) -> tuple[dict[str, int], bool]:
        """Attempts of each error among the newest `most` documents, and whether those are all."""
        return await self._store.counts(chosen, most=most)

    async def of_person(self, user: User, *, limit: int = 50) -> list[Refusal]:
        """What went wrong for this person, also before they had an account; newest first."""
        openids = [self.digest(each.appid, each.openid) for each in user.identities]
        return await self._store.of_person(user.user_id, openids, since=self._now() - self._kept, limit=limit)

    async def of_wechat_user(self, appid: str, openid: str, *, limit: int = 50) -> list[Refusal]:
        """What went wrong for a WeChat user who has no account."""
        return await self._store.of_person(
            None, [self.digest(appid, openid)], since=self._now() - self._kept, limit=limit
        )


def _cleared(errmsg: str) -> str:
    """WeChat's words without what looks like a secret, and without half a surrogate pair, which BSON cannot hold."""
    return _TELLTALE.sub(r"\1\2[secret]", errmsg).encode("utf-8", "replace").decode()
