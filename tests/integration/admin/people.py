"""Users as the list's tests need them, written as the server would have."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId

from passport.store.search import search_fields
from tests.conftest import APPID

Database = pymongo.database.Database[dict[str, Any]]

BEGAN = datetime.fromisoformat("2026-11-01T00:00:00+00:00")


def person(number: int, nickname: str | None = None, **members: Any) -> dict[str, Any]:
    """The document of a user, the higher the number the later registered."""
    user_id = ObjectId(f"{number:024x}")
    at = members.pop("created_at", BEGAN + timedelta(hours=number))
    profile = {"nickname": nickname} if nickname else {}
    return {
        "_id": user_id,
        "identities": [{"appid": APPID, "openid": f"o{number:027d}"}],
        "profile": profile,
        "status": "active",
        "created_at": at,
        "last_seen_at": at,
        "sign_ins": 1,
        **search_fields(str(user_id), nickname),
        **members,
    }


def id_of(number: int) -> str:
    """The account id of that person."""
    return f"{number:024x}"
