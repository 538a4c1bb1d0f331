"""The language that a view speaks: handed in by the page, since the domain has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Tongue:
    """How to say things.

    Args:
        translate: a text of ours in the operator's language.
        chinese: whether that is Chinese.
        exact: a time in their zone.
    """

    translate: Callable[[str], str]
    chinese: bool
    exact: Callable[[datetime], str]
