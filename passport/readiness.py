"""Whether requests can be served: the first preparation of the database, and its state from then on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from passport.errors import StartupError, StoreUnavailable, TemporarilyUnavailable
from passport.keys import KeyRing
from passport.store import Store

log = logging.getLogger("wxpassport.readiness")

_PING_DEADLINE = 1.0
_PING_CACHED = 1.0
_RETRY = 0.5


class Readiness:
    """Prepares the database, however late it appears, and answers readiness probes.

    Args:
        store: the database to prepare and to ask.
        keys: loaded as part of the preparation.
        then: called when all is prepared.
    """

    def __init__(self, *, store: Store, keys: KeyRing, then: tuple[Callable[[], None], ...] = ()) -> None:
        self._store, self._keys, self._then = store, keys, then
        self._clock = asyncio.get_running_loop().time
        self._prepared = asyncio.Event()
        self._problem: str | None = "the database has not been prepared yet"
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[str | None] | None = None
        self.draining = False

    async def prepare(self) -> None:
        """Make the indexes and load the keys; tries again until it succeeds, since the database may come later."""
        while not self._prepared.is_set():
            try:
                await self._store.make_indexes()
                await self._store.settle()
                await self._keys.open()
            except (StoreUnavailable, StartupError) as error:
                self._note(_reason(error))
                await asyncio.sleep(_RETRY)
            except Exception:
                # Whatever it is, a server that gave up here would never serve and never say why.
                log.exception("the preparation failed")
                self._note("the preparation of the database failed; the log has the cause")
                await asyncio.sleep(_RETRY)
            else:
                self._prepared.set()
                for begin in self._then:
                    begin()
                log.info("ready to serve")

    def require(self) -> None:
        """Raise TemporarilyUnavailable until the unique indexes and the keys are there."""
        if not self._prepared.is_set():
            raise TemporarilyUnavailable

    async def prepared(self) -> None:
        """Wait until the preparation has succeeded."""
        await self._prepared.wait()

    async def problem(self) -> str | None:
        """Why no request can be served now; None when all is well. Asks MongoDB at most once a second."""
        if self.draining:
            return "the server is shutting down"
        if not self._prepared.is_set():
            return self._problem
        if self._asking is None and self._clock() - self._asked_at >= _PING_CACHED:
            self._asking = asyncio.create_task(self._ask())
        if self._asking is not None:
            return await asyncio.shield(self._asking)
        return self._problem

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(_PING_DEADLINE):
                await self._store.ping()
            self._problem = None
        except (TimeoutError, StoreUnavailable) as error:
            self._problem = _reason(error)
        self._asked_at, self._asking = self._clock(), None
        return self._problem

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("not ready", extra={"problem": problem})
        self._problem = problem


def _reason(error: Exception) -> str:
    if isinstance(error, StartupError):
        return str(error)
    # The kind alone: the driver's text names hosts, and this answer is public.
    kind = type(error.__cause__ if isinstance(error, StoreUnavailable) else error).__name__
    return f"MongoDB does not answer ({kind}): check mongodb.uri and that MongoDB runs"
