"""The permits of one window of one limit, as one process sees them. Pure rules: no clock, no store.

A limit is kept over all processes by a shared counter, which would cost every request an operation of MongoDB. So a
process takes permits from the counter in batches, a part of what is left, and those get smaller as the limit comes
near. It gives away the first few without asking and reports them when it asks for more; most addresses and users
never come that far, so they cost nothing.

What it gives away unasked is the only way to exceed a limit: an eightieth for each process, 5 % with four of them,
and less than that where one host has more.
What other processes hold and do not need is lost to us: an eighth of what was left when they took it, at most.
"""

from __future__ import annotations

from dataclasses import dataclass, field

UNASKED_SHARE = 80
# So much is a twentieth in all, however many processes a host has.
_UNASKED_BY_ALL = 20
BATCH_SHARE = 8


def unasked_share(processes: int) -> int:
    """The part that each of so many processes of this host may give away unasked, as its denominator."""
    return max(UNASKED_SHARE, _UNASKED_BY_ALL * processes)


@dataclass(eq=False, slots=True)
class Window:
    """One window of one limit.

    Args:
        amount: how many requests all processes may admit in it.
        number: which window it is.
        ends_at: when it ends, in milliseconds of Unix time.
        share: which part of the amount is given away unasked, as its denominator.
    """

    amount: int
    number: int
    ends_at: int
    share: int = UNASKED_SHARE
    _held: int = field(init=False)
    _left: int = field(init=False)
    _unreported: int = 0
    _reports: bool = True

    def __post_init__(self) -> None:
        self._held, self._left = self.amount // self.share, self.amount

    def admit(self) -> bool:
        """Use a permit; False when none is held, and then some may be `left` to ask for."""
        if not self._held:
            return False
        self._held -= 1
        self._unreported += self._reports
        return True

    def give_back(self) -> None:
        """A permit was not used after all."""
        self._held += 1
        self._unreported -= self._reports

    @property
    def spent(self) -> bool:
        """Whether nobody will get a permit from us before the window ends."""
        return not self._held and self._left <= 0

    def request(self, waiting: int) -> tuple[int, int]:
        """What to ask for: (the permits given away unasked, those wanted now for this many who wait)."""
        wanted = min(self._left, max(1, waiting) + self._left // BATCH_SHARE)
        return self._unreported, wanted

    def receive(self, request: tuple[int, int], count: int) -> None:
        """The shared counter came to `count` when both numbers were added to it."""
        unreported, wanted = request
        before = count - wanted
        self._held += max(0, min(wanted, self.amount - before))
        self._left = max(0, self.amount - count)
        self._unreported -= unreported
        # From here on each permit was counted when it was taken.
        self._reports = False
