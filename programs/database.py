"""MongoDB for a short command: it works beside running servers, and starts the embedded mongod when none runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from passport.check import check_mongodb
from passport.config import Settings
from passport.errors import StartupError, StoreUnavailable
from passport.store import Store
from passport.store.embedded import EmbeddedMongo


@asynccontextmanager
async def prepared_database(settings: Settings) -> AsyncIterator[Store]:
    """The store with its indexes, for a short command that may be repeated.

    Raises:
        StartupError: MongoDB does not answer.
    """
    async with database_beside_servers(settings) as (store, not_started):
        try:
            await store.make_indexes()
            yield store
        except StoreUnavailable as error:
            found = not_started or (await check_mongodb(store)).text
            raise StartupError(f"{found}\nThe command can be repeated safely") from error


@asynccontextmanager
async def database_beside_servers(settings: Settings) -> AsyncIterator[tuple[Store, StartupError | None]]:
    """The store for a short command: an embedded mongod is started for it, unless a server runs it already.

    Beside it: why no mongod was started, which matters only when the store does not answer.
    """
    mongo, uri = embedded_or_not(settings)
    not_started: StartupError | None = None
    try:
        if mongo is not None:
            await mongo.start()
    except StartupError as error:
        not_started = error
    try:
        async with aclosing(Store(uri, settings.mongodb.database, timeout=settings.mongodb.timeout)) as store:
            yield store, not_started
    finally:
        if mongo is not None:
            await mongo.stop()


def embedded_or_not(settings: Settings, *, server_pid: int | None = None) -> tuple[EmbeddedMongo | None, str]:
    """The mongod to start, if it is to be our own, and where MongoDB will be; server_pid when it is not this one."""
    if not settings.mongodb.embedded:
        return None, settings.mongodb.uri.get_secret_value()
    mongo = EmbeddedMongo(
        settings.mongodb.data_dir / "mongodb",
        binary=settings.mongodb.binary,
        cache_mb=settings.mongodb.cache_mb,
        server_pid=server_pid,
    )
    return mongo, mongo.uri
