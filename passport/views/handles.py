"""Tell people apart whom WeChat calls by one name: a handle of two words, and a pattern for their picture.

Since 2022 WeChat tells of most users that they are called 微信用户 and look grey. Both are made of the account's id
alone, so they are the same for every operator and on every day, and tell nothing about the person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

_WORDS = Path(__file__).with_name("handles.txt")
_NUMBERS = 100
# Told apart by hue and readable on light and dark alike; the pattern carries the rest.
_COLOURS = ("#2f7d5b", "#3273b8", "#8a5cb8", "#b8553a", "#a06a1d", "#237f86", "#b04a78", "#5d6f2c")
_SIDE, _HALF = 5, 3
_PART = re.compile(r"(.*?)[- ]?([0-9]{0,2})")
# Handles that more pairs of words hold tell nobody apart, and MongoDB merges no more than 200 ranges of an index.
_TELLING = 195


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


def handle_keys_of(user_id: str) -> tuple[str, str]:
    """What the account is found by when it has no name, in either language: `@quiet-heron` and `#27`."""
    words, _, number = handle_of(user_id, "en").rpartition("-")
    return f"@{words}", f"#{number}"


@lru_cache(maxsize=1024)
def handle_keys_like(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of the handles that hold this part of one: those of its words and, if it has a number, those of that.

    Args:
        text: in small letters, with no more than one blank in a row. None match one without a word, nor one that is
            part of so many handles that it tells nobody apart.
    """
    part = _PART.fullmatch(text)
    words, digits = part.groups() if part else ("", "")
    words = words.replace(" ", "-")
    found = [f"@{spelt[0]}" for spelt in _pairs() if _holds(spelt, words, at_the_end=bool(digits))]
    if not words or not 0 < len(found) <= _TELLING:
        return (), ()
    numbers = [f"{number:02}" for number in range(_NUMBERS) if digits]
    return tuple(found), tuple(f"#{number}" for number in numbers if number.startswith(digits))


def _holds(spelt: tuple[str, str], words: str, *, at_the_end: bool) -> bool:
    return any(each.endswith(words) if at_the_end else words in each for each in spelt)


@cache
def _pairs() -> list[tuple[str, str]]:
    """The words of every handle there can be, in (English, Chinese)."""
    how, who = _words()
    return [
        (f"{trait}-{creature}", f"{zh_trait}{zh_creature}")
        for trait, zh_trait in how
        for creature, zh_creature in who
    ]


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
