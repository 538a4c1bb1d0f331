"""When to start a child again that ended, and when to give up. Pure rules: no clock, no process."""

from __future__ import annotations

from collections import deque

# So many that ended within so many seconds, and none got ready in between: the next one will not either.
MOST, WITHIN = 5, 60.0
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5.0
# Seconds after which a child that was ready did not fail to start.
_STEADY = 1.0


class Restarts:
    """The budget of restarts. It has no total: what gets ready and is killed again and again comes back for ever."""

    def __init__(self) -> None:
        self._failures: deque[float] = deque(maxlen=MOST)
        self._pause = _FIRST_PAUSE

    def ready(self) -> None:
        """A child got ready."""
        self._failures.clear()

    def pause(self, *, ready_for: float | None) -> float:
        """Seconds to wait before the next start, after a child that was ready so long, or never (None)."""
        if ready_for is not None and ready_for >= _STEADY:
            self._pause = _FIRST_PAUSE
            return 0.0
        pause, self._pause = self._pause, min(2 * self._pause, _LAST_PAUSE)
        return pause

    def hopeless(self, *, at: float) -> bool:
        """Count a child that ended at this time and never was ready; True when it is time to give up."""
        self._failures.append(at)
        return len(self._failures) == MOST and at - self._failures[0] <= WITHIN
