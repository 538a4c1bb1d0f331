"""How hard the tests try where trying longer finds more: all of it by `make thorough`, a part of it in each run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

THOROUGH = bool(os.environ.get("WXPASSPORT_THOROUGH"))
_SHARE = 4

Item = TypeVar("Item")


def sample(items: Sequence[Item]) -> list[Item]:
    """Which of them to try: all, or every fourth in an ordinary run."""
    return list(items) if THOROUGH else list(items[::_SHARE])


def halved(items: Sequence[Item]) -> list[Item]:
    """The same where the first half has one of each."""
    return list(items) if THOROUGH else list(items[: (len(items) + 1) // 2])


def examples(number: int) -> int:
    """How many examples to try: this many, or a quarter of them in an ordinary run."""
    return number if THOROUGH else max(1, number // _SHARE)
