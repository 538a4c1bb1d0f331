"""Several writes that happen together or not at all. They need a replica set, as retried writes do anyway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo.errors import PyMongoError

T = TypeVar("T")


async def transaction(
    collection: AsyncIOMotorCollection[dict[str, Any]],
    steps: Callable[[AsyncIOMotorClientSession], Coroutine[Any, Any, T]],
) -> T:
    """Carry the steps out as one; what they return. Any collection of the client will do.

    Repeated by the driver when somebody else changed the same documents meanwhile. Durable as all our writes are: a
    transaction has the client's concerns.
    """
    client = collection.database.client
    async with await client.start_session() as session:
        try:
            done: T = await session.with_transaction(steps)
        except PyMongoError:
            # One that failed at its commit would keep its documents locked for a minute.
            with contextlib.suppress(PyMongoError):
                await client.admin.command("killSessions", [session.session_id])
            raise
        return done
