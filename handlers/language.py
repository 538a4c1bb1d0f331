"""Which of our two languages a client prefers (RFC 9110 section 12.5.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

Language = Literal["zh", "en"]
_LONGEST = 200


@lru_cache(maxsize=256)
def preferred_language(accept_language: str) -> Language:
    """`zh` or `en`, whichever the header ranks higher; Chinese when it names neither."""
    best: Language = "zh"
    best_quality = 0.0
    for part in accept_language[:_LONGEST].split(","):
        tag, _, parameters = part.strip().lower().partition(";")
        language = tag.strip().split("-")[0]
        quality = _quality(parameters)
        if quality > best_quality and language in ("zh", "en"):
            best, best_quality = ("en" if language == "en" else "zh"), quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
