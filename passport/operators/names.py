"""What an operator may be called. Pure rules."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 40
# Letters of any script, digits, and what people put between them; so a name is safe to print and to log.
_NAME = re.compile(r"[^\W_](?:[\w .@'-]*[\w.])?")


def canonical_name(text: str) -> str:
    """One spelling for what looks the same (NFKC): full-width letters are letters, and spaces are single."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def is_name(text: str) -> bool:
    """Whether a canonical name may be used."""
    return len(text) <= LONGEST and _NAME.fullmatch(text) is not None
