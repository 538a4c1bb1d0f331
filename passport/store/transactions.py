"""Several writes that happen together or not at all. They need a replica set, as retried writes do anyway."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo.errors import PyMongoError

from passport.errors import StoreUnavailable

T = TypeVar("T")
Steps = Callable[[AsyncIOMotorClientSession], Coroutine[Any, Any, T]]

# How long a transaction is tried to be ended, in seconds between the attempts.
_ATTEMPTS, _PAUSE = 10, 1.0
# Of the deadline, for how long a further attempt is begun.
_TRYING = 0.7
# The event loop keeps no reference to its tasks.
_running: set[asyncio.Task[Any]] = set()


async def transaction(
    collection: AsyncIOMotorCollection[dict[str, Any]],
    steps: Steps[T],
    *,
    deadline: float,
    session: AsyncIOMotorClientSession | None = None,
) -> T:
    """Carry the steps out as one; what they return. Any collection of the client will do.

    Repeated by the driver when somebody else changed the same documents meanwhile, and after faults, for as long as
    somebody may be waiting. Durable as all our writes are: a transaction has the client's concerns. In a task of its
    own, so that our deadline cannot leave it open.

    Args:
        collection: one of the client's.
        steps: what to do, with the session that makes it one.
        deadline: how many seconds the caller waits.
        session: to do it in, one transaction at a time, where others know its id; a new one otherwise.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + deadline * _TRYING

    async def attempt(session: AsyncIOMotorClientSession) -> T:
        # The driver would go on for two minutes, long after the caller was told that it failed.
        if clock() >= until:
            raise StoreUnavailable
        return await steps(session)

    running = asyncio.create_task(_commit(collection.database.client, attempt, session))
    _running.add(running)
    running.add_done_callback(_ended)
    return await asyncio.shield(running)


def session_id_of(session: Any) -> bytes:
    """By which MongoDB and other processes know the session."""
    session_id: bytes = session.session_id["id"]
    return session_id


async def end_transaction(client: Any, session_id: bytes) -> None:
    """End the transaction, if any, that is open in the session, such as one whose process was killed.

    MongoDB would keep it open for more than a minute, and with it its documents locked to every other write.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    await client.admin.command("killSessions", [{"id": session_id}])


async def _commit(client: Any, steps: Steps[T], given: AsyncIOMotorClientSession | None) -> T:
    if given is not None:
        return await _committed(client, steps, given)
    async with await client.start_session() as session:
        return await _committed(client, steps, session)


async def _committed(client: Any, steps: Steps[T], session: AsyncIOMotorClientSession) -> T:
    try:
        done: T = await session.with_transaction(steps)
    except PyMongoError:
        await _abandon(client, session)
        raise
    return done


async def _abandon(client: Any, session: AsyncIOMotorClientSession) -> None:
    """End a transaction that failed at its commit, as soon as MongoDB answers again."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(PyMongoError):
            await end_transaction(client, session_id_of(session))
            return
        await asyncio.sleep(_PAUSE)


def _ended(running: asyncio.Task[Any]) -> None:
    _running.discard(running)
    # Whoever waited was told already, and if nobody did, nobody misses it.
    if not running.cancelled():
        running.exception()
