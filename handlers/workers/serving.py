"""Serve as one of several workers that share the listening sockets."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tornado.iostream import IOStream

from handlers.serving import Server, drain, make_http_server, unless_failed, warm
from handlers.workers.children import RETIRE, watch_parent
from handlers.workers.tally import Share
from passport.config import Settings
from passport.services import Services

log = logging.getLogger("wxpassport")

# Seconds for which connections may wait for a worker to get ready, rather than be refused.
_PATIENCE = 1.0
# Seconds that a connection waits for a worker that has fewer, and how many are taken then.
_COURTESY = 0.005
_LEFT_AT_ONCE = 4


@dataclass(frozen=True)
class Orders:
    """What the parent wants of a worker.

    Args:
        settings: to serve with.
        greets: whether it is the one that tells the first operator how to get in.
        renews: whether it takes the place of one that serves until this one is ready.
        share: its connections, beside the other workers'.
    """

    settings: Settings
    greets: bool
    renews: bool
    share: Share


class Leave:
    """How the parent wants this worker to leave: `told` at all, and then `in_haste` or not."""

    def __init__(self) -> None:
        self.told, self.in_haste = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(RETIRE, self.told.set)
        # As often as it comes, since the whole group may be told, and then the parent tells us, too.
        loop.add_signal_handler(signal.SIGTERM, self._hurry)

    def _hurry(self) -> None:
        self.in_haste.set()
        self.told.set()


class Doors:
    """Accepts connections one at a time, between which it serves, and leaves them to workers that have fewer.

    Tornado accepts all that wait at once, so of two workers the first one awake would get them all, and keep them.
    """

    def __init__(self, server: Server, sockets: list[socket.socket], share: Share) -> None:
        self._server, self._sockets, self._share = server, sockets, share
        self._loop = asyncio.get_running_loop()

    def open(self) -> None:
        """Accept from now on."""
        self._share.open()
        for each in self._sockets:
            self._loop.add_reader(each, self._knocked, each)

    def close(self) -> None:
        """Accept no more; what waits is another worker's."""
        self._share.close()
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        self._sockets = []

    def _knocked(self, listening: socket.socket) -> None:
        if self._share.is_ahead():
            self._loop.remove_reader(listening)
            self._loop.call_later(_COURTESY, self._take_what_was_left, listening)
        else:
            self._accept(listening)

    def _take_what_was_left(self, listening: socket.socket) -> None:
        """Several, or a worker that hangs would slow down the others."""
        if listening in self._sockets:
            for _ in range(_LEFT_AT_ONCE):
                self._accept(listening)
            self._loop.add_reader(listening, self._knocked, listening)

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was quicker, or the client is gone
        connection.setblocking(False)
        self._server.handle_stream(IOStream(connection), address)


async def serve_as_worker(
    sockets: list[socket.socket],
    services: Services,
    starting: asyncio.Task[None],
    leave: Leave,
    ready: Callable[[], None],
    orders: Orders,
) -> None:
    """Accept until told to leave; then finish what is in flight, within server.shutdown_grace.

    Args:
        sockets: shared with the other workers.
        services: of this worker alone.
        starting: makes the services ready.
        leave: when to.
        ready: called when requests are served.
        orders: what the parent wants; when others serve until it is ready, no connection is taken before.

    Raises:
        StartupError: the start failed for good.
    """
    server = make_http_server(services)
    server.connections = orders.share
    doors = Doors(server, sockets, orders.share)
    opening = _open(doors, services, ready, patience=None if orders.renews else _PATIENCE)
    beside = [asyncio.create_task(each) for each in (warm(server), watch_parent(), opening)]
    try:
        await unless_failed(starting, leave.told)
    finally:
        for task in beside:
            task.cancel()
        doors.close()
        await see_out(server, services, leave)
        await drain(server, services)


async def _open(
    doors: Doors, services: Services, ready: Callable[[], None], *, patience: float | None
) -> None:
    """Open the doors when requests are served, or after some patience, to tell clients that they are not."""
    prepared = asyncio.create_task(services.readiness.prepared())
    await asyncio.wait({prepared}, timeout=patience)
    doors.open()
    log.info("listening", extra={"url": services.settings.listening_url})
    await prepared
    ready()


async def see_out(server: Server, services: Services, leave: Leave) -> None:
    """Let each connection that is open have one more answer, which closes it, unless there is haste.

    A client that reuses a connection while we close it would never know whether its request was served. Others serve
    by now, so there is time: server.shutdown_grace.
    """
    server.conn_params.no_keep_alive = True
    haste, empty = (asyncio.create_task(each) for each in (leave.in_haste.wait(), server.connections.idle()))
    grace = services.settings.server.shutdown_grace.total_seconds()
    await asyncio.wait({haste, empty}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
    haste.cancel()
    empty.cancel()


async def keep_running(
    start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]], ready: Callable[[], None]
) -> None:
    """Have something run beside the workers, and outlive them: it ends by RETIRE alone, not when the group is told to.

    Args:
        start: cancelled when it is told to end before it is ready.
        stop: ends what has started.
        ready: called when it is.

    Raises:
        StartupError: it does not start.
    """
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(RETIRE, told.set)
    loop.add_signal_handler(signal.SIGTERM, lambda: None)

    async def begin() -> None:
        await start()
        ready()

    starting, watching = asyncio.create_task(begin(), name="start"), asyncio.create_task(watch_parent())
    try:
        await unless_failed(starting, told)
    finally:
        watching.cancel()
        starting.cancel()
        await asyncio.wait({starting})
        await stop()
