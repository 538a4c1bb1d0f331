"""Tell people apart whom WeChat calls by one name: a handle of two words, and a pattern for their picture.

Since 2022 WeChat tells of most users that they are called 微信用户 and look grey. Both are made of the account's id
alone, so they are the same for every operator and on every day, and tell nothing about the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

_WORDS = Path(__file__).with_name("handles.txt")
_NUMBERS = 100
# Told apart by hue and readable on light and dark alike; the pattern carries the rest.
_COLOURS = ("#2f7d5b", "#3273b8", "#8a5cb8", "#b8553a", "#a06a1d", "#237f86", "#b04a78", "#5d6f2c")
_SIDE, _HALF = 5, 3


@dataclass(frozen=True)
class Pattern:
    """A picture of five by five cells, the right half the mirror of the left: (column, row) of each filled one."""

    colour: str
    cells: tuple[tuple[int, int], ...]


def handle_of(user_id: str, language: str) -> str:
    """`quiet-heron-27` or `安静苍鹭27`, of some six hundred thousand."""
    number, which = int.from_bytes(_digest(user_id)[:8]), 0 if language == "en" else 1
    chosen = []
    for words in _words():
        number, place = divmod(number, len(words))
        chosen.append(words[place][which])
    return ("-" if language == "en" else "").join([*chosen, f"{number % _NUMBERS:02}"])


def pattern_of(user_id: str) -> Pattern:
    """The picture of an account without one."""
    digest = _digest(user_id)
    bits = int.from_bytes(digest[8:12])
    filled = [divmod(place, _SIDE) for place in range(_HALF * _SIDE) if bits >> place & 1]
    mirrored = {(side, row) for column, row in filled for side in (column, _SIDE - 1 - column)}
    return Pattern(_COLOURS[digest[12] % len(_COLOURS)], tuple(sorted(mirrored)))


@cache
def _words() -> tuple[list[tuple[str, str]], ...]:
    """The two lists of (English, Chinese)."""
    _, how, who = re.split(r"^\[\w+\]$", _WORDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tuple([_pair(line) for line in part.split("\n") if line] for part in (how, who))


def _pair(line: str) -> tuple[str, str]:
    english, chinese = line.split(" ")
    return english, chinese


def _digest(user_id: str) -> bytes:
    return sha256(user_id.encode()).digest()
