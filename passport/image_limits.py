"""What `passport.images` may do, and how it says what came of it. Imports no decoder, so the server can."""

from __future__ import annotations

from enum import IntEnum

SIDE = 512
# What an iPhone takes today (24 million); a picture of more would take hundreds of MB to decode.
MOST_PIXELS = 25_000_000
CPU_SECONDS = 5
MEMORY = 512 * 1024 * 1024  # address space; a WebP of so many pixels needs most of it


class Outcome(IntEnum):
    """The exit status. None of Python's own, which are 1 and 2."""

    DONE = 0
    UNSUPPORTED = 10
    TOO_LARGE = 11
    UNREADABLE = 12
