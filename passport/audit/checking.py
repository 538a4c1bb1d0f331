"""Check the newest part of the log for an operator who waits: one check at a time, bounded, and itself an act."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace

from passport.audit.anchor import BadAnchor
from passport.audit.service import Audit
from passport.audit.verifier import Verdict
from passport.clock import Now
from passport.errors import PassportError
from passport.models import Act, ActFilter

log = logging.getLogger("wxpassport.audit")

# Entries that one check looks at, and seconds that it may take. `audit verify` looks at all, however long it takes.
NEWEST = 10_000
LONGEST = 60.0
KIND = "audit.verified"


class Checking:
    """Runs checks in the background.

    Args:
        audit: what is checked, and where the result is kept: then every process shows it, and nobody can forge it.
        now: the clock.
    """

    def __init__(self, audit: Audit, *, now: Now) -> None:
        self._audit, self._now = audit, now
        self._running: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a check is under way in this process."""
        return self._running is not None and not self._running.done()

    async def begin(self, act: Act, *, wait: float = 1.0) -> None:
        """Begin a check, unless one is under way, and wait for its end so many seconds at the most.

        Args:
            act: of the kind KIND, by whoever asks for it; what came of it is filled in.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._check(act), name="audit check")
        await asyncio.wait({self._running}, timeout=wait)

    async def last(self) -> Act | None:
        """The act that the last check was, in any process; None while there was none."""
        found = await self._audit.page(ActFilter(kind=KIND), limit=1)
        return found[0].act if found and found[0].genuine else None

    async def aclose(self) -> None:
        """Give up what is under way."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def _check(self, act: Act) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                outcome = _told(await self._verdict())
        except (BadAnchor, TimeoutError, PassportError) as error:
            log.warning("the audit log could not be verified", extra={"problem": str(error)})
            outcome = {"outcome": type(error).__name__}
        with contextlib.suppress(PassportError):  # MongoDB is away, and every page says so
            await self._audit.record(replace(act, after=outcome, at=self._now()))

    async def _verdict(self) -> Verdict:
        anchor = await asyncio.to_thread(self._audit.anchored)
        verdict = await self._audit.verify(anchor=anchor, newest=NEWEST)
        if not verdict.sound:
            log.error("the audit log is not sound", extra={"problem": verdict.text})
        return verdict


def _told(verdict: Verdict) -> dict[str, object]:
    if verdict.sound:
        return {"sound": True, "entries": verdict.checked}
    return {"sound": False, "entries": verdict.checked, "entry": verdict.seq, "fault": verdict.fault}
