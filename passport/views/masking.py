"""Show enough of an identifier to tell it from another, and too little to use it."""

from __future__ import annotations

_SHOWN = 4
_MASK = "…"


def masked(text: str) -> str:
    """`oGZU…VJJE`: the first and the last four characters; of a short text fewer, never more than half of it."""
    shown = min(_SHOWN, len(text) // 4)
    return f"{text[:shown]}{_MASK}{text[len(text) - shown :]}"


def masked_phone(number: str) -> str:
    """`+86138…5678`: of an E.164 number the first six characters and the last four digits."""
    return f"{number[:6]}{_MASK}{number[-_SHOWN:]}" if len(number) > 10 else masked(number)
