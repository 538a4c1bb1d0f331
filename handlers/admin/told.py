"""What an operator is told once, on the page after an act: a key of this table and its parameters, in a cookie.

The texts are ours, and the parameters are escaped like everything else, so a forged cookie says nothing of its own.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from handlers.translations import N_

COOKIE = "__Host-told"
_LONGEST_PARAMETER = 100

TOLD: dict[str, str] = {
    "preferences.saved": N_("Saved."),
}


def encode_told(key: str, parameters: Mapping[str, str]) -> str:
    """The cookie's value."""
    assert key in TOLD, f"add {key} to TOLD"
    clipped = {name: value[:_LONGEST_PARAMETER] for name, value in parameters.items()}
    return urlsafe_b64encode(json.dumps([key, clipped]).encode()).decode()


def decode_told(cookie: str) -> tuple[str, dict[str, str]] | None:
    """The key and the parameters; None for what is not ours."""
    try:
        key, parameters = json.loads(urlsafe_b64decode(cookie.encode()))
        clean = {str(name): str(value) for name, value in parameters.items()}
        _ = TOLD[key] % clean
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return key, clean
