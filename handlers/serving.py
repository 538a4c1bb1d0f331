"""Accept connections until told to stop, then finish what is in flight."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import get_args

from tornado.httpserver import HTTPServer

from handlers import make_app
from handlers.language import Language
from handlers.pages import compile_templates, templates
from passport.services import Services

log = logging.getLogger("wxpassport")

# Seconds after which a server that was started has done what comes first.
_SETTLED = 3.0


def make_http_server(services: Services) -> HTTPServer:
    """Tornado's server with limits on what a client may hold open or send."""
    return HTTPServer(
        make_app(services),
        idle_connection_timeout=30,
        body_timeout=10,
        max_header_size=16 * 1024,
        # The handlers refuse far earlier, in our own words; this is the wall behind them.
        max_body_size=1024 * 1024,
    )


async def serve_on(
    sockets: list[socket.socket],
    services: Services,
    starting: asyncio.Task[None],
    stopped: asyncio.Event,
) -> None:
    """Accept until told to stop; then finish what is in flight, within server.shutdown_grace.

    Raises:
        StartupError: the start failed for good.
    """
    server = make_http_server(services)
    server.add_sockets(sockets)
    log.info("listening", extra={"url": services.settings.listening_url})
    warming = asyncio.create_task(warm(), name="warm")
    try:
        await unless_failed(starting, stopped)
    finally:
        warming.cancel()
        await drain(server, services)


async def warm() -> None:
    """Compile the templates beside the first requests, so that no page waits for it and neither does the start."""
    await asyncio.sleep(_SETTLED)
    for language in get_args(Language):
        await asyncio.to_thread(_compile, language)


def _compile(language: Language) -> None:
    compile_templates(templates(language))


async def unless_failed(starting: asyncio.Task[None], stopped: asyncio.Event) -> None:
    """Wait until told to stop, or raise what made the start fail."""
    told = asyncio.create_task(stopped.wait())
    await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and not told.done():
        starting.result()
        await told
    told.cancel()


async def drain(server: HTTPServer, services: Services) -> None:
    """Accept nothing more, finish what is in flight, close the rest."""
    log.info("stopping", extra={"in_flight": services.traffic.count})
    services.readiness.draining = True
    server.stop()
    # From here on each answer closes its connection, or a busy client could hold the shutdown open.
    server.conn_params.no_keep_alive = True
    try:
        async with asyncio.timeout(services.settings.server.shutdown_grace.total_seconds()):
            await services.traffic.idle()
    except TimeoutError:
        log.warning("cut off after server.shutdown_grace", extra={"in_flight": services.traffic.count})
    await server.close_all_connections()


def stop_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; a second one ends everything at once."""
    stopped, loop, main_task = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if stopped.is_set() and main_task is not None:
            main_task.cancel()
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    return stopped
