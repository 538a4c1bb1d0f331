"""One value, one sequence of bytes: what is authenticated must not depend on how it was stored or sent.

This is RFC 8785 (JSON Canonicalization Scheme) for the values that acts are made of: text, whole numbers, truth values,
null, lists, and objects with plain ASCII names. For these the standard library writes what the RFC asks for: no white
space, the shortest escapes, text in UTF-8. Its order of names differs only beyond ASCII, and its numbers only for
fractions, so neither is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

# The whole numbers that every reader of JSON has exactly (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2).
MOST = 2**53 - 1
NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}", re.ASCII)


def canonical(value: object) -> bytes:
    """The bytes of the value. Raises ValueError for a value that has no such form here."""
    _check(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate


def _check(value: object) -> None:
    match value:
        case str() | bool() | None:
            pass
        case int() if -MOST <= value <= MOST:
            pass
        case list():
            for each in value:
                _check(each)
        case dict() as members:
            _check_members(members)
        case _:
            raise ValueError(f"no canonical form for {type(value).__name__}")


def _check_members(members: Mapping[object, object]) -> None:
    for name, each in members.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError("no canonical form for the name of a member")
        _check(each)
