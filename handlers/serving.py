"""Accept connections until told to stop, then finish what is in flight."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Sequence
from typing import Any, get_args

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.routing import URLSpec

from handlers import make_app
from handlers.language import Language
from passport.services import Services
from passport.traffic import Traffic

log = logging.getLogger("wxpassport")


class Server(HTTPServer):
    """Tornado's server, which also counts its open connections."""

    def initialize(self, *args: Any, **options: Any) -> None:
        """Tornado's own way to construct."""
        super().initialize(*args, **options)
        self.connections: Traffic = Traffic()

    @property
    def dashboard_opened(self) -> asyncio.Event:
        """Set once somebody asked for a page of it."""
        application: Any = self.request_callback
        opened: asyncio.Event = application.settings["dashboard_opened"]
        return opened

    def handle_stream(self, stream: IOStream, address: tuple[object, ...]) -> None:
        """A connection was accepted."""
        self.connections.enter()
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        """A connection is over."""
        self.connections.leave()
        super().on_close(server_conn)


def make_http_server(services: Services, more_urls: Sequence[URLSpec] = ()) -> Server:
    """The server with limits on what a client may hold open or send."""
    return Server(
        make_app(services, more_urls),
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
    more_urls: Sequence[URLSpec] = (),
) -> None:
    """Accept until told to stop; then finish what is in flight, within server.shutdown_grace.

    Raises:
        StartupError: the start failed for good.
    """
    server = make_http_server(services, more_urls)
    server.add_sockets(sockets)
    log.info("listening", extra={"url": services.settings.listening_url})
    warming = asyncio.create_task(warm(server), name="warm")
    try:
        await unless_failed(starting, stopped)
    finally:
        warming.cancel()
        await drain(server, services)


async def warm(server: Server) -> None:
    """Once somebody opens the dashboard, compile its templates beside the requests, so that no other page waits for it.

    Before that it would cost a second and ten megabytes, and on many hosts for nothing.
    """
    await server.dashboard_opened.wait()
    for language in get_args(Language):
        await asyncio.to_thread(_compile, language)
    # They stay for good, so the collector need not look through them while requests wait.
    gc.freeze()


def _compile(language: Language) -> None:
    from handlers.templating import compile_templates, templates

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
    """Set by the first SIGTERM or SIGINT, or when our terminal is closed; a second one ends everything at once."""
    stopped, loop, main_task = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if stopped.is_set() and main_task is not None:
            main_task.cancel()
        stopped.set()

    terminal = Terminal()

    def hang_up() -> None:
        if terminal.is_closed():
            stop()
        else:
            log.warning(
                "SIGHUP changes nothing with one process; restart, or set server.processes to 2 or more"
            )

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    return stopped


class Terminal:
    """The terminal that we were started in, if any. SIGHUP means that it is closed, or that somebody sent it."""

    def __init__(self) -> None:
        # Whoever starts us by nohup wants us to outlive it.
        self._ours = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _has_terminal()

    def is_closed(self) -> bool:
        """Whether it is there no longer."""
        return self._ours and not _has_terminal()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
