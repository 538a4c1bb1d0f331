"""Users who sign in again: written straight into MongoDB, as our server or a reference would have left them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import islice

import pymongo

from passport.models import Identity, User
from passport.store import Store
from sandbox.identities import openid_of, unionid_of
from sandbox.people import bench_name

_BATCH = 5_000
_YEARS = timedelta(days=3 * 365)
# Of the indexes of a million users.
_PATIENCE = timedelta(minutes=5)


def fill_ours(uri: str, database: str, number: int, *, appid: str) -> None:
    """So many users, and the indexes; of a kept database that has them already, nothing else is left."""
    asyncio.run(_fill_ours(uri, database, number, appid))


async def _fill_ours(uri: str, database: str, number: int, appid: str) -> None:
    if _emptied(uri, database) == number:
        return
    async with aclosing(Store(uri, database, timeout=_PATIENCE)) as store:
        waiting = _users(number, appid)
        while users := list(islice(waiting, _BATCH)):
            await store.users.import_all(users)
        # Made at once and last, which is many times quicker.
        await store.make_indexes()


def _emptied(uri: str, name: str) -> int:
    """How many users there are. All else goes: keys of a server that is no more, and sign-ins."""
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        database = client[name]
        for other in database.list_collection_names():
            if other != "users":
                database.drop_collection(other)
        return database["users"].estimated_document_count()


def _users(number: int, appid: str) -> Iterator[User]:
    """As registering left them, over three years, and then each signed in a few times."""
    began = datetime.now(UTC).replace(microsecond=0) - _YEARS
    for each in range(number):
        name = bench_name(each)
        created_at = began + _YEARS * (each / number)
        yield User(
            # What an ObjectId is: the time, and something of its own.
            user_id=f"{int(created_at.timestamp()):08x}{each:016x}",
            identities=(Identity(appid, openid_of(name, appid)),),
            unionid=unionid_of(name),
            created_at=created_at,
            last_seen_at=created_at,
            active_in={appid: created_at},
            sign_ins=each % 7,
        )


def fill_reference(uri: str, database: str, number: int, *, appid: str) -> None:
    """The same people for a server of benchmarks/reference."""
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        client.drop_database(database)
        users = client[database]["users"]
        users.insert_many([{"openid": openid_of(bench_name(each), appid)} for each in range(number)])
        users.create_index("openid", unique=True)


def sessions_on_record(uri: str, database: str) -> int:
    """How many sign-ins MongoDB has."""
    return _on_record(uri, database, "sessions")


def users_on_record(uri: str, database: str) -> int:
    """How many accounts MongoDB has."""
    return _on_record(uri, database, "users")


def _on_record(uri: str, database: str, collection: str) -> int:
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        return client[database][collection].count_documents({})
