"""Forget the source files that making a client of MongoDB reads."""

from __future__ import annotations

import linecache


def forget_sources() -> None:
    """Call it when a client was made.

    The driver keeps the stack that made it, in case of a fork, and Python all lines of each file on it: 1.5 MB.
    """
    linecache.clearcache()
