"""Read JSON strictly (RFC 8259): what two parsers could understand differently is refused. Pure."""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 16
MOST_MEMBERS = 64

Members = dict[str, Any]


def parse_object(body: bytes) -> Members:
    """A JSON object in UTF-8: no byte order mark, no NaN, no name twice, no deep nesting.

    Raises:
        ValueError: it is something else; the text is a sentence for the sender.
    """
    try:
        # Decoded here, because json.loads would guess UTF-16 and UTF-32 from bytes.
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError("The body is not valid JSON in UTF-8.") from error
    if not isinstance(parsed, dict):
        raise ValueError("The body must be a JSON object.")
    if _is_deeper(parsed, DEEPEST):
        raise ValueError("The body is nested too deeply.")
    return parsed


def distinct(pairs: list[tuple[str, Any]]) -> Members:
    """The pairs as a mapping. Raises ValueError when a name comes twice or there are too many."""
    members = dict(pairs)
    if len(members) < len(pairs) or len(pairs) > MOST_MEMBERS:
        raise ValueError("a name twice, or too many")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)
