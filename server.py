"""wxpassport: the command line and the composition root.

python server.py [--config FILE]         serve
python server.py --demo                  serve with a WeChat stand-in and throw-away data; needs nothing
python server.py check                   report every fault of the configuration, then try MongoDB and WeChat
python server.py keys list|rotate|retire the keys that sign access tokens
python server.py audit verify|export     the log of what operators did
python server.py operator add|list|…     those who use the dashboard
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import logging
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

from tornado.netutil import bind_sockets

from commands import audit as audit_command
from commands import keys as keys_command
from commands.arguments import parse_arguments
from commands.operators import OperatorCommand, OperatorRefusal, first_link, first_link_block
from handlers.serving import serve_on, stop_signal
from handlers.workers.serving import Leave, Orders, keep_running, serve_as_worker
from handlers.workers.supervisor import Mains, Supervisor
from passport.admin_services import make_audit, make_staff
from passport.check import Finding, check_app, check_mongodb
from passport.config import Settings, cores
from passport.config_sources import ConfigError, Key, load_settings, secret_key_of
from passport.demo_data import write_past
from passport.errors import StartupError, StoreUnavailable
from passport.logs import configure_logging
from passport.reloading import read_again
from passport.services import Services, make_services, make_signing_keys
from passport.signing_keys import KeyRefusal
from passport.store import Store
from passport.store.embedded import EmbeddedMongo
from passport.wechat.client import WeChatClient
from sandbox.demo import APPID, block, demo_stand_in, register_people
from sandbox.history import invent
from sandbox.server import StandIn

log = logging.getLogger("wxpassport")

HERE = Path(__file__).resolve().parent
EXIT_FAILED, EXIT_MISCONFIGURED = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit status is 0, 1 when it failed, 2 when the configuration is wrong."""
    options = parse_arguments(arguments, config=HERE / "config.yaml")
    os.umask(0o077)
    configure_logging(sys.stderr)
    overrides: dict[Key, object] = {} if options.port is None else {("server", "port"): options.port}
    try:
        if options.demo:
            return asyncio.run(demo(options.config, overrides))
        settings = load_settings(options.config, os.environ, overrides)
        if options.command == "keys":
            return asyncio.run(manage_keys(settings, options))
        if options.command == "audit":
            return asyncio.run(manage_audit(settings, options))
        if options.command == "operator":
            return asyncio.run(manage_operators(settings, options))
        if options.command == "check":
            return asyncio.run(report(settings))
        if settings.server.processes > 1:
            return supervise(settings, lambda: load_settings(options.config, os.environ, overrides))
        return asyncio.run(serve(settings))
    except ConfigError as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return EXIT_MISCONFIGURED
    except (StartupError, KeyRefusal, audit_command.LogBroken, OperatorRefusal) as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except asyncio.CancelledError:
        log.warning("ended at once, by a second signal")
        return EXIT_FAILED


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


async def demo(config: Path, overrides: dict[Key, object]) -> int:
    """Serve against a WeChat stand-in, with data that is gone afterwards; on loopback only."""
    stopped = stop_signal()
    stand_in = demo_stand_in()
    stand_in.start()
    try:
        with tempfile.TemporaryDirectory(prefix="wxpassport-demo-") as folder:
            settings = demo_settings(config, overrides, stand_in, folder)
            sockets, settings = listen(settings)
            async with running_services(settings) as (services, starting):
                welcoming = asyncio.create_task(welcome(stand_in, services))
                await serve_on(sockets, services, starting, stopped)
                welcoming.cancel()
    finally:
        await stand_in.stop()
    return 0


async def report(settings: Settings) -> int:
    """Try everything the configuration names and print what was found."""
    processes = Finding(True, f"processes: {settings.server.processes}, and {cores()} cores to use")
    findings = [Finding(True, "configuration: no fault"), processes, await find_mongodb(settings)]
    async with aclosing(WeChatClient(settings.wechat)) as wechat:
        findings += [await check_app(wechat, app) for app in settings.wechat.apps]
    for finding in findings:
        print("ok   " if finding.works else "FAULT", finding.text)
    return 0 if all(finding.works for finding in findings) else EXIT_FAILED


async def find_mongodb(settings: Settings) -> Finding:
    """Ask MongoDB whether it answers."""
    async with database_beside_servers(settings) as (store, not_started):
        finding = await check_mongodb(store)
    return Finding(False, f"MongoDB: {not_started}") if not_started and not finding.works else finding


async def manage_keys(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out a `keys` command and print what came of it.

    Raises:
        KeyRefusal: it cannot be done.
        StartupError: MongoDB does not answer, or secret_key is another than the servers'.
    """
    secret_key = secret_key_of(settings)
    async with prepared_database(settings) as store:
        keys = make_signing_keys(settings, store=store, secret_key=secret_key)
        async with aclosing(make_audit(settings, store=store, secret_key=secret_key)) as audit:
            print(await keys_command.run(options, keys, audit))
    return 0


async def manage_operators(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out an `operator` command and print what came of it.

    Raises:
        OperatorRefusal: it cannot be done.
        StartupError: MongoDB does not answer.
    """
    secret_key = secret_key_of(settings)
    async with (
        prepared_database(settings) as store,
        aclosing(make_staff(settings, store=store, secret_key=secret_key)) as staff,
    ):
        print(await OperatorCommand(staff, settings, sys.stdin).run(options))
    return 0


async def manage_audit(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out an `audit` command.

    Raises:
        LogBroken: the log is not what was written.
        StartupError: MongoDB does not answer.
    """
    secret_key = secret_key_of(settings)
    async with prepared_database(settings) as store:
        audit = make_audit(settings, store=store, secret_key=secret_key)
        if options.action == "verify":
            print(await audit_command.verify(options, audit))
        else:
            await audit_command.export(options, audit, sys.stdout.buffer)
    return 0


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


def demo_settings(config: Path, overrides: dict[Key, object], stand_in: StandIn, folder: str) -> Settings:
    """The configured server section, with everything else made for the demo."""
    agreed = stand_in.people.push_secrets
    push = {"token": agreed.token, "encoding_aes_key": agreed.encoding_aes_key}
    app = {"appid": APPID, "secret": stand_in.people.apps[APPID], "name": "demo", "push": push}
    made: dict[Key, object] = {
        ("mongodb",): {"data_dir": folder},
        ("wechat",): {"base_url": stand_in.base_url, "apps": [app]},
        ("secret_key",): None,
    }
    settings = load_settings(config, os.environ, {**overrides, **made})
    if not is_loopback(settings.server.host):
        raise ConfigError(
            [
                f"server.host: --demo signs anybody in, so it listens on loopback only, not on {settings.server.host}; "
                "set server.host to 127.0.0.1"
            ]
        )
    return settings


async def welcome(stand_in: StandIn, services: Services) -> None:
    """Once requests are served: register the demo's people and print what to paste."""
    await services.readiness.prepared()
    await write_past(
        services, invent(services.admin.now(), appid=APPID, zone=services.settings.dashboard.zone)
    )
    url = services.settings.listening_url
    await register_people(stand_in, url)
    link = await first_link(services.admin, services.settings)
    print(block(url, stand_in.base_url, set_up=link or f"{url}/admin"), flush=True)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
