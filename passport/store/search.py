"""What a user is found by in the search box: set by every write that changes what they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passport.directory.grams import comparable, grams_of
from passport.views.handles import handle_keys_of


def search_fields(user_id: str, nickname: object) -> dict[str, Any]:
    """The members `search` and `search_text` of the user: the pieces of the nickname, or of the handle without one."""
    text = comparable(nickname) if isinstance(nickname, str) else ""
    pieces = grams_of(text)
    return {"search": list(pieces or handle_keys_of(user_id)), "search_text": text}


def shown_nickname(document: Mapping[str, Any]) -> object:
    """What they are called: their own word, where None is no name, before WeChat's."""
    entered = document.get("entered", {})
    return entered["nickname"] if "nickname" in entered else document.get("profile", {}).get("nickname")
