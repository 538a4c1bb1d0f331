"""Kill something again and again while people are served. WXPASSPORT_KILLS says how often."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.fault.running import ServerProcess, until
from tests.fault.visitors import Ledger

KILLS = int(os.environ.get("WXPASSPORT_KILLS", "2"))
# Seconds for a whole test.
LIMIT = 120 + 40 * KILLS
# Seconds from recovery to the next kill; a mongod that dies younger is started again more slowly.
_STEADY = 1.5


async def kill_again_and_again(
    ledger: Ledger, server: ServerProcess, kill: Callable[[], Any], *, between: int
) -> list[float]:
    """Kill whenever so many more have signed in; the seconds until the next success, for each."""
    recoveries: list[float] = []
    for _ in range(KILLS):
        seen, steady_at = len(ledger.sessions), time.monotonic() + _STEADY

        def steady(seen: int = seen, at: float = steady_at) -> bool:
            return len(ledger.sessions) >= seen + between and time.monotonic() >= at

        await until(steady, "people sign in", seconds=60)
        kill()
        killed_at = time.monotonic()
        # An answer that was on its way may still arrive, so the first success well after the kill counts.
        try:
            await until(lambda at=killed_at: ledger.last_success > at + 0.1, "service returns", seconds=60)
        except AssertionError as error:
            error.add_note(server.errors[-3000:])
            raise
        recoveries.append(ledger.last_success - killed_at)
    seen = len(ledger.sessions)
    await until(lambda: len(ledger.sessions) >= seen + between, "people sign in again", seconds=60)
    return recoveries


def restarting(server: ServerProcess) -> Callable[[], None]:
    """Kill the server and start it again at once."""

    def kill_and_start_again() -> None:
        server.signal(signal.SIGKILL)
        server.process.wait()
        server.start()

    return kill_and_start_again
