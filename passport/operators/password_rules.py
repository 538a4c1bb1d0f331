"""Which passwords an operator may choose (OWASP ASVS 5.0, 6.2; NIST SP 800-63B-4, 3.1.1.2). Pure rules.

Length alone counts, and that it is not among what is guessed first; no mix of character classes is asked for. The
least length is the one for a password that stands alone, since the second factor is optional and can be turned off.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files

SHORTEST, LONGEST = 15, 128
# Four unrelated words are enough, so three easy pieces are not: `password`, `2024`, `!`.
LEAST_PIECES = 4
_LEAST_WORD, _LEAST_CONTEXT_WORD, _LEAST_RUN = 4, 3, 3
_LONGEST_WORD = 24
_KEYBOARD = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()",
)
# As in `p@ssw0rd`; each stands for one character, so that places in the text stay the same.
_DISGUISES = str.maketrans("@4301!$57", "aaeoiisst")
# What people put between words and at the end.
_ORNAMENTS = frozenset(" -_.,!?@#*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_REPEATED = re.compile(r"(.)\1{2,}")
# What people here would write: the program, what it is for, and the numbers that sound like "I love you".
_OUR_WORDS = (
    "wxpassport", "passport", "wechat", "weixin", "miniprogram", "xiaochengxu", "operator", "admin", "administrator",
    "guanliyuan", "dashboard", "houtai", "woaini", "aini", "zhongguo", "beijing", "shanghai", "shenzhen", "5201314",
    "1314520", "520", "1314", "888", "666", "管理员", "管理員", "微信", "密码", "小程序", "后台",
)  # fmt: skip


class Weakness(StrEnum):
    """Why a password is not taken."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNPRINTABLE = "unprintable"
    EASILY_GUESSED = "easily_guessed"


def weakness_of(password: str, context: Iterable[str] = ()) -> Weakness | None:
    """Why the password is refused; None when it may be used.

    Args:
        password: as it was typed.
        context: what a guesser would try for this person, such as the name and the server's domain.
    """
    text = unicodedata.normalize("NFC", password)
    if len(text) < SHORTEST:
        return Weakness.TOO_SHORT
    if len(text) > LONGEST:
        return Weakness.TOO_LONG
    if any(unicodedata.category(character) in ("Cc", "Cs", "Cn") for character in text):
        return Weakness.UNPRINTABLE
    if len(set(pieces(text, context)) - _ORNAMENTS) < LEAST_PIECES:
        return Weakness.EASILY_GUESSED
    return None


def pieces(password: str, context: Iterable[str] = ()) -> Iterator[str]:
    """The password as a guesser puts it together: words, runs of the keyboard, years, repetitions, and the rest."""
    plain = password.casefold()
    undisguised = plain.translate(_DISGUISES)
    words = _common_words() | _context_words(context)
    place = 0
    while place < len(plain):
        in_disguise = _word_at(undisguised, place, words)
        length = max(_word_at(plain, place, words), in_disguise, _run_at(plain, place), 1)
        # A disguised word is the same piece as the word itself.
        yield (undisguised if length == in_disguise else plain)[place : place + length]
        place += length


def _word_at(text: str, place: int, words: frozenset[str]) -> int:
    """How long the longest word is that begins here; 0 for none."""
    lengths = range(min(_LONGEST_WORD, len(text) - place), _LEAST_CONTEXT_WORD - 2, -1)
    return next((length for length in lengths if text[place : place + length] in words), 0)


def _run_at(text: str, place: int) -> int:
    """How long what needs no thought goes on from here: one character again and again, a year, a row of keys."""
    found = _REPEATED.match(text, place) or _YEAR.match(text, place)
    return max(found.end() - place if found else 0, *(_row_at(text, place, row) for row in _rows()))


def _row_at(text: str, place: int, row: str) -> int:
    length = _LEAST_RUN
    if text[place : place + length] not in row or place + length > len(text):
        return 0
    while place + length < len(text) and text[place : place + length + 1] in row:
        length += 1
    return length


@cache
def _rows() -> tuple[str, ...]:
    return tuple(row for forward in _KEYBOARD for row in (forward, forward[::-1]))


@cache
def _common_words() -> frozenset[str]:
    text = files("passport.operators").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    listed = [line for line in text.splitlines() if not line.startswith("# ")]
    return frozenset(word for word in listed if len(word) >= _LEAST_WORD) | frozenset(_OUR_WORDS)


def _context_words(context: Iterable[str]) -> frozenset[str]:
    """The words of a name or a domain, each alone, and the whole as it is."""
    texts = [text.casefold() for text in context]
    words = [word for text in texts for word in (text, *re.split(r"[\W_]+", text))]
    return frozenset(
        word for word in words if len(word) >= _LEAST_CONTEXT_WORD or (not word.isascii() and word)
    )
