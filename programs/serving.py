"""Serve, by one process or by several: the composition root of the servers."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tornado.netutil import bind_sockets

from commands.operators import first_link, first_link_block
from handlers.serving import serve_on, stop_signal
from handlers.workers.serving import Leave, Orders, keep_running, serve_as_worker
from handlers.workers.supervisor import Mains, Supervisor
from passport.config import Settings
from passport.config_sources import secret_key_of
from passport.errors import StartupError, StoreUnavailable
from passport.logs import configure_logging
from passport.reloading import read_again
from passport.services import Services, make_services
from programs.database import embedded_or_not

log = logging.getLogger("wxpassport")


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, then drain."""
    stopped = stop_signal()
    sockets, settings = listen(settings)
    async with running_services(settings) as (services, starting):
        greeting = asyncio.create_task(greet(services))
        await serve_on(sockets, services, starting, stopped)
        greeting.cancel()
    return 0


def supervise(configured: Settings, load: Callable[[], Settings]) -> int:
    """Serve by several processes until SIGTERM or SIGINT; SIGHUP renews them one by one."""
    configure_logging(sys.stderr, shared=True)
    secret_key_of(configured)  # made before there are two who would make it
    sockets, running = listen(configured)
    mains = Mains(
        worker=lambda orders: lambda ready: asyncio.run(work(orders, sockets, ready)),
        mongod=(lambda ready: asyncio.run(keep_mongod(running, sockets, ready)))
        if running.mongodb.embedded
        else None,
    )
    return Supervisor(
        running, sockets, mains, lambda: read_again(load, configured=configured, running=running)
    ).run()


async def work(orders: Orders, sockets: list[socket.socket], ready: Callable[[], None]) -> int:
    """Serve as one of several processes until the parent says otherwise."""
    leave = Leave()
    async with running_services(orders.settings, runs_mongod=False) as (services, starting):
        greeting = asyncio.create_task(greet(services)) if orders.greets else None
        await serve_as_worker(sockets, services, starting, leave, ready, orders)
        if greeting is not None:
            greeting.cancel()
    return 0


async def keep_mongod(settings: Settings, sockets: list[socket.socket], ready: Callable[[], None]) -> int:
    """Run the embedded mongod for the workers until the parent says that nobody needs it any more."""
    for each in sockets:
        each.close()  # or the door would look open for as long as mongod runs
    mongo, _ = embedded_or_not(settings, server_pid=os.getppid())
    assert mongo is not None, "only for an embedded MongoDB"
    await keep_running(mongo.start, mongo.stop, ready)
    return 0


async def greet(services: Services) -> None:
    """Once requests are served: print how the first operator gets in, while there is none."""
    await services.readiness.prepared()
    try:
        link = await first_link(services.admin, services.settings)
    except StoreUnavailable:
        log.warning("no link for the first operator was made; restart for one, or use: operator add")
        return
    if link is not None:
        print(first_link_block(link), flush=True)


def listen(settings: Settings) -> tuple[list[socket.socket], Settings]:
    """Take the port, before anything slow, and note it in the settings in case any free one was asked for.

    Raises:
        StartupError: the address cannot be had.
    """
    host, port = settings.server.host, settings.server.port
    try:
        sockets = bind_sockets(port, host)
    except (OSError, UnicodeError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        cure = (
            "is in use; stop what uses it, or choose another with --port"
            if taken
            else f"is not to be had: {error}"
        )
        raise StartupError(f"server.host, server.port: {host}:{port} {cure}") from error
    bound = settings.server.model_copy(update={"port": sockets[0].getsockname()[1]})
    return sockets, settings.model_copy(update={"server": bound})


@asynccontextmanager
async def running_services(
    settings: Settings, *, runs_mongod: bool = True
) -> AsyncIterator[tuple[Services, asyncio.Task[None]]]:
    """The services, and the task that makes them ready: it starts the embedded mongod and prepares the database.

    Requests can be taken meanwhile, and are told to wait. At the end all is stopped, MongoDB last.
    """
    secret_key = secret_key_of(settings)
    mongo, uri = embedded_or_not(settings)
    if not runs_mongod:
        mongo = None
    services = make_services(settings, mongodb_uri=uri, secret_key=secret_key)

    async def start() -> None:
        if mongo is not None:
            await mongo.start()
        # Once, before anybody waits: the collector would hold all requests for as long as it looks through what is
        # imported by now, 50 ms and more each time, although none of it ever becomes garbage. Nor is there any
        # to be collected first: it would cost the start as much, and finds nothing.
        gc.freeze()
        await services.readiness.prepare()
        services.admin.jobs.worker.start()

    starting = asyncio.create_task(start(), name="start")
    try:
        yield services, starting
    finally:
        starting.cancel()
        await asyncio.wait({starting})
        await services.close()
        if mongo is not None:
            await mongo.stop()
