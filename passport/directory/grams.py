"""Short pieces of a name, by which an index finds those that hold a part of one. Pure rules.

A Chinese name has two or three characters, and no blanks to part words, so pieces are of one and of two characters:
小明明 is found by 小, 明, 小明 and 明明. Of letters, one says little, so they have pieces of two, and the first of
each word by itself: Mei Li is found by ^m, me, ei, ^l and li. Everything is compared without case, width and what is
not seen (Unicode NFKC, UAX 15; format characters, R-039).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# A nickname has at most 64 code points, and some become several when they are made comparable.
_LONGEST = 96
# Of a long search text, so many pieces are asked for; the text itself is compared anyway.
_ASKED = 6


def comparable(text: str) -> str:
    """The text without case, width, what is not seen, and more than one blank in a row."""
    folded = unicodedata.normalize("NFKC", text).lower()
    # Cf: zero-width and direction marks. Cc: control characters. The variation selectors choose how an emoji looks.
    seen = (" " if each.isspace() else each for each in folded if each.isspace() or not _is_unseen(each))
    return " ".join("".join(seen).split())[:_LONGEST].rstrip()


@lru_cache(maxsize=4096)
def grams_of(text: str) -> tuple[str, ...]:
    """The pieces that a comparable text is kept under; none of an empty one."""
    pairs = [text[at : at + 2] for at in range(len(text) - 1)]
    starts = [text[at] for at in range(len(text)) if not _is_wide(text[at]) and _begins_a_word(text, at)]
    wide = [each for each in text if _is_wide(each)]
    return tuple(dict.fromkeys([*wide, *(f"^{each}" for each in starts), *(p for p in pairs if _is_pair(p))]))


def grams_to_find(text: str) -> tuple[str, ...]:
    """The pieces that whatever holds this comparable text is kept under, the telling ones; none when it says nothing.

    A single letter finds the words that begin with it.
    """
    if len(text) == 1:
        return (text if _is_wide(text) else f"^{text}",)
    pairs = [pair for pair in (text[at : at + 2] for at in range(len(text) - 1)) if _is_pair(pair)]
    singles = [each for each in text if _is_wide(each)]
    # What stands before the first character is not known, so it begins a word only if a blank is before it.
    starts = [f"^{text[at]}" for at in range(1, len(text)) if text[at - 1] == " " and not _is_wide(text[at])]
    return tuple(_spread(list(dict.fromkeys(pairs or singles or starts)), _ASKED))


def is_told_by_its_grams(text: str) -> bool:
    """Whether whatever is kept under the pieces holds the comparable text, so that it need not be compared."""
    return len(text) <= 1 or (len(text) == 2 and _is_pair(text))


def _spread(items: Sequence[str], most: int) -> list[str]:
    """At most so many, from all over."""
    if len(items) <= most:
        return list(items)
    return [items[number * (len(items) - 1) // (most - 1)] for number in range(most)]


def _begins_a_word(text: str, at: int) -> bool:
    return text[at] != " " and (at == 0 or text[at - 1] == " " or _is_wide(text[at - 1]))


def _is_pair(pair: str) -> bool:
    """Two characters that are kept as one piece: neither a blank, and both wide or neither."""
    return " " not in pair and _is_wide(pair[0]) == _is_wide(pair[1])


def _is_wide(character: str) -> bool:
    """Han, kana, hangul and emoji: whatever says something by itself (UAX 11)."""
    return unicodedata.east_asian_width(character) in "WF"


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc", "Cs") or "\ufe00" <= character <= "\ufe0f"
