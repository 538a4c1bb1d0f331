"""The stage for every test: a real mongod, the WeChat stand-in, the server in this process, and a client.

One mongod for the run, one database for each test. Tests are coroutines on a fresh event loop (pytest-tornado).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import hypothesis
import pymongo
import pytest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from handlers.serving import make_http_server
from passport.config import Settings
from passport.services import Services, make_services
from passport.store.embedded import EmbeddedMongo
from passport.store.indexes import INDEXES
from sandbox import StandIn
from tests.client import API
from tests.effort import examples

# The same examples every time, so that a red run is about the change. The first text takes seconds on a fresh checkout
# (Hypothesis builds its tables), which says nothing of our strategies.
hypothesis.settings.register_profile(
    "project",
    max_examples=examples(160),
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("project")

Database = pymongo.database.Database[dict[str, Any]]

APPID = "wx4f4bc4dec97d474b"
APP_SECRET = "5f0c1e9ad8b7426e93d1c0a4b7e8f625"
SECRET_KEY = b"a secret key of the tests, 32 bytes or more: 7d1f"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every coroutine test runs on the io_loop; one that needs longer marks itself."""
    for item in items:
        if iscoroutinefunction(getattr(item, "function", None)) and not item.get_closest_marker("gen_test"):
            item.add_marker(pytest.mark.gen_test(timeout=200))


@pytest.fixture
def io_loop() -> Iterator[IOLoop]:
    """A fresh asyncio loop for each test, closed with nothing left on it."""
    asyncio_loop = asyncio.new_event_loop()
    asyncio.set_event_loop(asyncio_loop)
    loop = IOLoop.current()
    yield loop
    leftover = asyncio.all_tasks(asyncio_loop)
    for task in leftover:
        task.cancel()
    loop.run_sync(lambda: asyncio.sleep(0))
    asyncio_loop.run_until_complete(asyncio_loop.shutdown_asyncgens())
    asyncio_loop.run_until_complete(asyncio_loop.shutdown_default_executor())
    loop.close()
    asyncio.set_event_loop(None)


class Clock:
    """The real time, moved by as much as a test says."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def __call__(self) -> datetime:
        """An aware UTC datetime in whole milliseconds, as passport.clock.utc_now."""
        now = datetime.now(UTC) + self.offset
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def timestamp(self) -> float:
        """Unix time, for the stand-in."""
        return self().timestamp()

    def advance(self, **duration: float) -> None:
        """Let time pass: `clock.advance(minutes=5)`."""
        self.offset += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    """The time that server and stand-in believe in."""
    return Clock()


class _LoopThread:
    """An event loop of its own, for what outlives a test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


# What a mongod needs to write down there, with room for its journal.
_ROOM = 2 * 2**30


@contextlib.contextmanager
def quick_folder(usual: Path) -> Iterator[Path]:
    """A folder in memory where the system has one with room: each durable write waits for its disk."""
    memory = Path("/dev/shm")  # noqa: S108  made private below
    if not memory.is_dir() or shutil.disk_usage(memory).free < _ROOM:
        yield usual
        return
    made = Path(tempfile.mkdtemp(prefix="wxp-", dir=memory))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real mongod for the whole run; its fail points are open."""
    thread = _LoopThread()
    with quick_folder(tmp_path_factory.mktemp("mongodb")) as folder:
        mongo = EmbeddedMongo(folder, set_parameters={"enableTestCommands": "1"})
        thread.run(mongo.start())
        yield mongo.uri
        thread.run(mongo.stop())
    thread.close()


@pytest.fixture(scope="session")
def mongodb_uri(mongod_uri: str) -> str:
    """How the servers of the tests reach it; a test module overrides this fixture to change it."""
    return mongod_uri


@pytest.fixture(scope="session")
def mongodb(mongod_uri: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    """The run's own way to its mongod."""
    with pymongo.MongoClient(mongod_uri, tz_aware=True) as client:
        yield client


@pytest.fixture
def emptied_database(
    mongodb: pymongo.MongoClient[dict[str, Any]],
) -> Iterator[Database]:
    """One for all tests. Emptied and not dropped after each, since its indexes take half a second to make."""
    database = mongodb["test"]
    yield database
    names = set(database.list_collection_names())
    if not names <= set(INDEXES):
        database.command("profile", 0)
        for name in names - set(INDEXES):
            database.drop_collection(name)
    for name in not_empty(database):
        database[name].delete_many({})


@pytest.fixture
def database(
    emptied_database: Database,
) -> Database:
    """This test's database."""
    return emptied_database


def not_empty(database: Database) -> list[str]:
    """Which of our collections have any document, by one question."""
    first, *others = (
        [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}] for name in INDEXES
    )
    unions = [
        {"$unionWith": {"coll": name, "pipeline": pipeline}}
        for name, pipeline in zip(list(INDEXES)[1:], others, strict=True)
    ]
    return [each["name"] for each in database[next(iter(INDEXES))].aggregate([*first, *unions])]


@pytest.fixture
def fresh_database(mongodb_uri: str) -> Iterator[Database]:
    """A database that nobody prepared, for what happens before there are indexes; dropped afterwards."""
    with pymongo.MongoClient(mongodb_uri, tz_aware=True) as client:
        name = f"test_{uuid.uuid4().hex[:20]}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def stand_in(io_loop: IOLoop, clock: Clock) -> Iterator[StandIn]:
    """WeChat, as far as the server can tell."""

    async def start() -> StandIn:
        started = StandIn({APPID: APP_SECRET}, now=clock.timestamp)
        started.start()
        return started

    running = io_loop.run_sync(start)
    yield running
    io_loop.run_sync(running.stop)


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """The configuration as a mapping; a test module overrides this fixture to change it."""
    return {
        "wechat": {
            "base_url": stand_in.base_url,
            "timeout": "2s",
            "apps": [{"appid": APPID, "secret": APP_SECRET}],
        }
    }


_indexed: set[str] = set()


@contextlib.contextmanager
def indexes_made_once(services: Services, name: str) -> Iterator[None]:
    """Spare the tests to ask for indexes that an earlier test made in the database that they share."""
    with pytest.MonkeyPatch.context() as patch:
        if name in _indexed:
            patch.setattr(services.store, "make_indexes", lambda: asyncio.sleep(0))
        yield
    _indexed.add(name)


def running_services(
    io_loop: IOLoop, settings: Settings, mongodb_uri: str, clock: Clock
) -> Iterator[Services]:
    """Services that are ready to serve, for a fixture."""

    async def start() -> Services:
        made = make_services(settings, mongodb_uri=mongodb_uri, secret_key=SECRET_KEY, now=clock)
        with indexes_made_once(made, settings.mongodb.database):
            await made.readiness.prepare()
        return made

    running = io_loop.run_sync(start)
    yield running
    io_loop.run_sync(running.close)


def running_server(io_loop: IOLoop, services: Services, stand_in: StandIn) -> Iterator[API]:
    """A client of a server over these services, for a fixture."""

    async def start() -> tuple[Any, API]:
        server = make_http_server(services)
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        return server, API(f"http://127.0.0.1:{sockets[0].getsockname()[1]}", stand_in)

    server, client = io_loop.run_sync(start)
    yield client

    async def stop() -> None:
        await client.close()
        server.stop()
        await server.close_all_connections()

    io_loop.run_sync(stop)


@pytest.fixture
def services(
    io_loop: IOLoop,
    configuration: dict[str, Any],
    mongodb_uri: str,
    database: Any,
    clock: Clock,
    tmp_path: Path,
) -> Iterator[Services]:
    """The server's services over this test's database, ready to serve."""
    # Where a deadline is not what is tested, a busy machine must not reach one.
    own = {"database": database.name, "data_dir": tmp_path / "data"}
    mongodb = {"timeout": "10s", **configuration.get("mongodb", {}), **own}
    # All tests come from one address, so only those of the limits have any.
    settings = Settings.model_validate({"limits": "off", **configuration, "mongodb": mongodb})
    yield from running_services(io_loop, settings, mongodb_uri, clock)


@pytest.fixture
def api(io_loop: IOLoop, services: Services, stand_in: StandIn) -> Iterator[API]:
    """A client of the running server that checks what must hold for every answer."""
    yield from running_server(io_loop, services, stand_in)


@pytest.fixture
def other_services(io_loop: IOLoop, services: Services, mongodb_uri: str, clock: Clock) -> Iterator[Services]:
    """A second set of services over the same database, which shares nothing else with the first."""
    yield from running_services(io_loop, services.settings, mongodb_uri, clock)


@pytest.fixture
def other_process(io_loop: IOLoop, other_services: Services, stand_in: StandIn) -> Iterator[API]:
    """A client of a second server over the same database, as another process would be."""
    yield from running_server(io_loop, other_services, stand_in)


class _Records(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def log_records() -> Iterator[list[logging.LogRecord]]:
    """Every record logged during the test, whatever its level."""
    handler, root = _Records(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.records
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.fixture(autouse=True)
def no_unexpected_error_in_the_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Noise is a failure: a test that expects an error in the log says so by `expects_log(text)`."""
    handler, root = _Records(logging.ERROR), logging.getLogger()
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    expected = [text for marker in request.node.iter_markers("expects_log") for text in marker.args]
    errors = [record.getMessage() for record in handler.records]
    assert [error for error in errors if not any(text in error for text in expected)] == []


@pytest.fixture
def project_root() -> Path:
    """Where server.py is."""
    return Path(__file__).resolve().parent.parent
