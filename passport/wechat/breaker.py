"""Stop calling a WeChat that does not answer: a circuit breaker, pure rules with time as an argument."""

from __future__ import annotations


class Breaker:
    """Opens after `threshold` failures in a row; then lets one call through every `pause` seconds to try.

    Times are monotonic seconds. `name` is what it holds back, for people.
    """

    def __init__(self, *, threshold: int = 5, pause: float = 5.0, name: str = "") -> None:
        self.name = name
        self._threshold, self._pause = threshold, pause
        self._failures = 0
        self._try_at = 0.0

    def admits(self, now: float) -> bool:
        """Whether a call may be made now. While open, the one that is admitted is the trial."""
        if self._failures < self._threshold:
            return True
        if now < self._try_at:
            return False
        self._try_at = now + self._pause
        return True

    def succeeded(self) -> None:
        """WeChat answered as it should, be it with a refusal."""
        self._failures = 0

    def failed(self, now: float) -> None:
        """WeChat did not answer, or not with its JSON."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._try_at = now + self._pause

    @property
    def is_open(self) -> bool:
        """Whether calls are being held back."""
        return self._failures >= self._threshold
