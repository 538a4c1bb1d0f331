"""Show text that somebody else wrote: clipped by what people call characters, and with nothing in it left unseen.

A nickname, a device, WeChat's errmsg: any of them may hold characters that turn the line around, hide, or pile up
(R-039; Unicode TR 36 section 2.11, TR 55). Those are replaced by their names; escaping markup is the template's work.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby

import regex

LINE = 64
# Marks on one letter beyond this are a tower (the Vietnamese alphabet and Hebrew points need four).
_MOST_MARKS = 4
# No emoji of today is longer: a family of four with skin tones has eleven code points, a flag of a region seven.
_LONGEST_GRAPHEME = 16
_GRAPHEME = regex.compile(r"\X")
# Default ignorable (UAX 44) is what a renderer leaves out; fillers and the empty Braille cell it draws as nothing.
_UNSEEN = regex.compile(r"[\p{DI}\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2800\u1680]")
_MARK = regex.compile(r"\p{M}")
# An emoji is put together with joiners, selectors and tags (UTS 51), and is seen for what it is.
_EMOJI = regex.compile(
    r"\p{Extended_Pictographic}[\p{Extended_Pictographic}\p{EMod}\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]*|"
    r"[0-9#*]\ufe0f?\u20e3|\p{RI}{2}"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text as it is, or the name of what cannot be seen, such as `U+202E`, and what it is called."""

    text: str
    unseen: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text for a page: `{% from "admin/_hostile.html" import told %}` … `{{ told(view.nickname) }}`.

    Args:
        pieces: in order.
        clipped: more of it was left out at the end.
    """

    pieces: tuple[Piece, ...]
    clipped: bool = False

    @property
    def strange(self) -> bool:
        """Whether something in it cannot be seen; an operator should look twice."""
        return any(piece.unseen for piece in self.pieces)

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def __str__(self) -> str:
        """As plain text of one line, for a title, an export or a text to forward."""
        shown = "".join(f"⟨{piece.text}⟩" if piece.unseen else piece.text for piece in self.pieces)
        return f"{shown}…" if self.clipped else shown


def shown_text(text: str, *, most: int = LINE) -> ShownText:
    """The text as it may be shown; never raises, whatever is in it.

    Args:
        text: anything, half a surrogate pair included.
        most: so many graphemes at most.
    """
    # Before any matching, so that the work does not grow with what was sent.
    head = text[: most * _LONGEST_GRAPHEME]
    graphemes = _GRAPHEME.findall(head)
    # What was cut in the middle of a grapheme goes as a whole; one that alone is longer than all this is kept.
    clipped = len(head) < len(text) or len(graphemes) > most
    pieces = [piece for each in graphemes[:most] for piece in _pieces(each)]
    return ShownText(tuple(_joined(pieces)), clipped)


def _pieces(grapheme: str) -> list[Piece]:
    if _EMOJI.fullmatch(grapheme) and len(grapheme) <= _LONGEST_GRAPHEME:
        return [Piece(grapheme)]
    marks, pieces = 0, []
    for character in grapheme:
        marks += bool(_MARK.match(character))
        if _UNSEEN.match(character):
            pieces.append(_named(character))
        elif marks <= _MOST_MARKS or not _MARK.match(character):
            pieces.append(Piece(character))
        else:
            pieces.append(_named(character))
    return pieces


def _named(character: str) -> Piece:
    return Piece(f"U+{ord(character):04X}", True, unicodedata.name(character, "").capitalize())


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours that are seen as one piece; the same unseen one again and again as one with a count."""
    joined = []
    for (unseen, text), group in groupby(
        pieces, key=lambda piece: (piece.unseen, piece.text if piece.unseen else "")
    ):
        same = list(group)
        if unseen:
            count = f" ×{len(same)}" if len(same) > 1 else ""
            joined.append(Piece(text + count, True, same[0].name))
        else:
            joined.append(Piece("".join(piece.text for piece in same)))
    return joined
