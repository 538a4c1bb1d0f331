"""A database that an earlier version prepared: its indexes give way to those that took their place."""

from __future__ import annotations

import asyncio
from typing import Any

import pymongo
import pytest

from passport.services import Services
from passport.store.indexes import INDEXES, RETIRED

Database = pymongo.database.Database[dict[str, Any]]

_BANNED = {"partialFilterExpression": {"status": "banned"}}
_TAGGED = {"partialFilterExpression": {"tags": {"$type": "string"}}}
# As they were made.
EARLIER: dict[str, tuple[list[str], dict[str, Any]]] = {
    "users_last_seen_at": (["last_seen_at", "_id"], {}),
    "users_sign_ins": (["sign_ins", "created_at", "_id"], {}),
    "users_banned_created_at": (["status", "created_at", "_id"], _BANNED),
    "users_banned_last_seen_at": (["status", "last_seen_at", "_id"], _BANNED),
    "users_banned_sign_ins": (["status", "sign_ins", "created_at", "_id"], _BANNED),
    "users_tags": (["tags", "created_at", "_id"], _TAGGED),
}


@pytest.fixture
def earlier(services: Services, database: Database) -> Database:
    """What that version left behind."""
    for name in names(database) - {"_id_"}:
        database.users.drop_index(name)
    for name, (fields, options) in EARLIER.items():
        database.users.create_index([(field, 1) for field in fields], name=name, **options)
    return database


def names(database: Database) -> set[str]:
    return set(database.users.index_information())


def ours() -> set[str]:
    return {index.document["name"] for index in INDEXES["users"]} | {"_id_"}


async def test_retired_indexes_are_dropped_once_their_successors_are_there(
    services: Services, earlier: Database
) -> None:
    assert names(earlier) == {"_id_", *EARLIER}
    await services.store.make_indexes()
    assert names(earlier) == ours()


async def test_processes_that_start_together_do_not_mind_that_another_dropped_them(
    services: Services, earlier: Database
) -> None:
    await asyncio.gather(*(services.store.make_indexes() for _ in range(8)))
    assert names(earlier) == ours()


def test_every_retired_index_was_tried_and_none_is_made_again() -> None:
    assert set(RETIRED["users"]) == EARLIER.keys()
    assert not ours() & EARLIER.keys()
