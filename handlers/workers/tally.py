"""How many connections each worker holds, in memory that all of them share, so that none takes more than its part.

A kept connection stays with the worker that accepted it. Without this, whoever happens to be awake first takes most of
those that come together, and the other cores have nothing to do for as long as they last.
"""

from __future__ import annotations

import mmap

from passport.traffic import Traffic

# Workers at once, those included that are leaving.
_PLACES = 1024
_CLOSED = -1
# So many more than another has is still even.
_SLACK = 3


class Tally:
    """Made by the parent before it forks; each worker writes its own place."""

    def __init__(self) -> None:
        # Anonymous and shared; a number of four bytes is read and written at once.
        self._counts = memoryview(mmap.mmap(-1, 4 * _PLACES)).cast("i")
        for place in range(_PLACES):
            self._counts[place] = _CLOSED
        self._free = set(range(_PLACES))

    def take(self) -> Share:
        """A place for another worker. Raises KeyError when there is none."""
        return Share(self._counts, self._free.pop())

    def give_back(self, share: Share) -> None:
        """Its worker has ended, however it did."""
        share.close()
        self._free.add(share.place)


class Share(Traffic):
    """The connections of one worker, beside those of the others."""

    def __init__(self, counts: memoryview[int], place: int) -> None:
        super().__init__()
        self._counts, self.place = counts, place
        self._open = False

    def open(self) -> None:
        """It accepts from now on, so others may leave some to it."""
        self._open = True
        self._tell()

    def close(self) -> None:
        """It accepts no more."""
        self._open = False
        self._counts[self.place] = _CLOSED

    def enter(self) -> None:
        """A connection was accepted."""
        super().enter()
        self._tell()

    def leave(self) -> None:
        """A connection is over."""
        super().leave()
        self._tell()

    def is_ahead(self) -> bool:
        """Whether some other worker that accepts has clearly fewer."""
        return any(_CLOSED < count < self.count - _SLACK for count in self._counts)

    def _tell(self) -> None:
        if self._open:
            self._counts[self.place] = self.count
