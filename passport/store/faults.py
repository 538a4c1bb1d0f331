"""What all stores share: a collection, reads that no election turns back, a deadline, and errors of the domain's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from passport.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

_LINEARIZABLE = ReadConcern("linearizable")


class Deadlined:
    """Whatever asks MongoDB; `deadline` is how many seconds one call may take."""

    deadline: float


class CollectionStore(Deadlined):
    """The reads and atomic writes of one collection. Methods raise StoreUnavailable when MongoDB does not answer.

    Args:
        collection: with the guarantees that its documents need.
        deadline: in seconds.
    """

    def __init__(self, collection: AsyncIOMotorCollection[dict[str, Any]], *, deadline: float) -> None:
        self._collection, self.deadline = collection, deadline
        self._settled: Any = None

    async def _find_one(
        self, wanted: dict[str, Any], projection: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The one document with this unique key, with all that anybody was told of it.

        A primary that has just been elected has every acknowledged write, but learns only from its own first write
        that a majority has them. Until then its majority reads may be older than what people were told: a token that
        was just issued would be unknown, and one that was just revoked would count. A linearizable read waits for
        that moment (MongoDB, read concern "linearizable"), so one is made after each election.
        """
        document = await self._collection.find_one(wanted, projection)
        election = self._election()
        if election != self._settled:
            latest = self._collection.with_options(read_concern=_LINEARIZABLE)
            document = await latest.find_one(wanted, projection)
            self._settled = election
        return document

    def _election(self) -> Any:
        """What made the present primary one, as the driver knew it before it sent anything there.

        None for a standalone and behind a mongos, where we cannot know.
        """
        servers = self._collection.database.client.topology_description.server_descriptions().values()
        return next((each.election_id for each in servers if each.is_writable), None)


S = TypeVar("S", bound=Deadlined)


def translated(
    method: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Awaitable[T]]:
    """Raise StoreUnavailable for a passed deadline and for whatever the driver raises and the method did not handle.

    Such an error means that the outcome is unknown, so callers must be safe to repeat. The driver has the same deadline
    (timeoutMS), but its clock starts when one of its threads is free, and behind a frozen mongod none is.
    """

    @wraps(method)
    async def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self.deadline):
                return await method(self, *args, **kwargs)
        except (PyMongoError, TimeoutError) as error:
            raise StoreUnavailable from error

    return wrapper
