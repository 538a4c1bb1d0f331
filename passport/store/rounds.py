"""Group commit: callers that wait at the same moment share one statement of MongoDB.

A statement costs the driver and the server nearly the same for one document as for fifty, and a durable one waits for
the journal however much it holds. So while a round is on its way, whoever comes waits for the next one, which takes
them all. Nobody waits for company: a lone caller has a round at once, and when so many wait that a round is full, or
the one before takes long, it begins beside that one. Each is answered when its own document is done; one that fails,
fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

from passport.errors import StoreUnavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class Rounds(Generic[Item, Outcome]):
    """Rounds of one kind of statement.

    Args:
        carry_out: does what all items ask for; an outcome, or an exception, for each and in their order. What it raises
            itself is the outcome of all.
        deadline: in seconds; a caller waits no longer, and is told that the outcome is unknown.
        most: items of a round, so that no round takes much longer than another.
        patience: in seconds; a round that takes longer holds up nobody else.
        under_way: rounds at the same time; what they do may happen in any order.
        waiting: callers that may wait. Beyond, one is told at once that the store is busy, and none piles up.
    """

    def __init__(
        self,
        carry_out: Callable[[list[Item]], Awaitable[Sequence[Outcome | Exception]]],
        *,
        deadline: float,
        most: int = 50,
        patience: float = 0.05,
        under_way: int = 8,
        waiting: int = 1_000,
    ) -> None:
        self._carry_out, self._deadline = carry_out, deadline
        self._most, self._waiting = most, waiting
        self._free = self._under_way = under_way
        self._patience, self._began_at = patience, 0.0
        self._reminder: asyncio.TimerHandle | None = None
        self._queue: deque[tuple[Item, asyncio.Future[Outcome]]] = deque()
        # The event loop keeps no reference to its tasks.
        self._rounds: set[asyncio.Task[None]] = set()

    async def join(self, item: Item) -> Outcome:
        """Have this done in the next round; its outcome.

        Whoever is cancelled before it begins is left out of it. After that it is done, and nobody hears of it.

        Raises:
            StoreUnavailable: too many are waiting, or the deadline has passed.
            Exception: what `carry_out` gave or raised.
        """
        if len(self._queue) >= self._waiting:
            raise StoreUnavailable
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((item, told))
        self._begin()
        try:
            async with asyncio.timeout(self._deadline):
                return await told
        except TimeoutError as error:
            raise StoreUnavailable from error

    def _begin(self) -> None:
        """Start a round when it is time. It takes its items when it runs, after all who come just now."""
        if not self._queue or not self._free:
            return
        loop = asyncio.get_running_loop()
        waits = self._began_at + self._patience - loop.time()
        if self._free < self._under_way and len(self._queue) < self._most and waits > 0:
            self._reminder = self._reminder or loop.call_later(waits, self._look_again)
            return
        self._free, self._began_at = self._free - 1, loop.time()
        task = asyncio.create_task(self._round())
        self._rounds.add(task)
        task.add_done_callback(self._rounds.discard)

    def _look_again(self) -> None:
        self._reminder = None
        self._begin()

    async def _round(self) -> None:
        joined = self._next()
        try:
            if joined:
                outcomes = await self._carry_out([item for item, _ in joined])
                for (_, told), outcome in zip(joined, outcomes, strict=True):
                    _tell(told, outcome)
        except Exception as error:
            for _, told in joined:
                _tell(told, error)
        finally:
            # Only when the loop is being closed is anybody left without an outcome.
            for _, told in joined:
                told.cancel()
            self._free += 1
            self._begin()

    def _next(self) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        joined: list[tuple[Item, asyncio.Future[Outcome]]] = []
        while self._queue and len(joined) < self._most:
            item, told = self._queue.popleft()
            if not told.done():
                joined.append((item, told))
        return joined


def each_made(make: Callable[[Item], Outcome], items: Iterable[Item]) -> list[Outcome | Exception]:
    """What is made of each, in their order; where that fails the exception, so that one fails alone."""
    made: list[Outcome | Exception] = []
    for item in items:
        try:
            made.append(make(item))
        except Exception as error:
            made.append(error)
    return made


def _tell(told: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if told.done():
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
