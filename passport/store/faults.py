"""What all stores share: a collection, reads that no election turns back, a deadline, and errors of the domain's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import PyMongoError

from passport.errors import StoreUnavailable
from passport.store.elections import settle_election

P = ParamSpec("P")
T = TypeVar("T")


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

    async def _find_one(
        self, wanted: dict[str, Any], projection: dict[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The one document with this unique key, with all that anybody was told of it, whoever is primary."""
        document = await self._collection.find_one(wanted, projection)
        if await settle_election(self._collection.database):
            document = await self._collection.find_one(wanted, projection)
        return document

    async def _find_all(
        self, wanted: dict[str, Any], projection: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The documents with these unique keys, with all that anybody was told of them, whoever is primary."""
        documents = await self._collection.find(wanted, projection).to_list(None)
        if await settle_election(self._collection.database):
            documents = await self._collection.find(wanted, projection).to_list(None)
        return documents


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
