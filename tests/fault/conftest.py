"""What the fault tests share: server.py as a process against the stand-in, ended whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from tornado.ioloop import IOLoop

from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET, APPID
from tests.fault.replica_sets import ReplicaSet
from tests.fault.running import SECRET_KEY, ServerProcess, ending, make_replica_set, mongods_under

StartServer = Callable[..., ServerProcess]
Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """For processes never the one of another test: they start on an empty MongoDB, and some on a broken one."""
    in_this_process = "services" in request.fixturenames
    return request.getfixturevalue("emptied_database" if in_this_process else "fresh_database")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path; no mongod may be left on it by any test."""
    made = Path(tempfile.mkdtemp(prefix="wxp-")).resolve()
    yield made
    orphans = mongods_under(made)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(made)
    assert orphans == []


@pytest.fixture
def replica_set(io_loop: IOLoop, folder: Path) -> Iterator[ReplicaSet]:
    """Three members on loopback with a primary: their URI and themselves."""
    uri, members = io_loop.run_sync(lambda: make_replica_set(folder))
    with ending(members):
        yield uri, members


@pytest.fixture
def start_server(stand_in: StandIn, folder: Path) -> Iterator[StartServer]:
    """`start_server(mongodb__uri=…)`: server.py on a free port, for one app of the stand-in's; embedded by default."""
    running: list[ServerProcess] = []

    def start(*arguments: str, **settings: object) -> ServerProcess:
        home = folder / f"server-{len(running)}"
        defaults: dict[str, object] = {
            "server__port": 0,
            "server__public_url": "https://login.test",
            "mongodb__data_dir": str(home / "data"),
            "wechat__base_url": stand_in.base_url,
            "wechat__timeout": "2s",
            "limits": "off",
            "wechat__apps": [{"appid": APPID, "secret": APP_SECRET}],
        }
        if "mongodb__uri" in settings:
            defaults["secret_key"] = SECRET_KEY
        server = ServerProcess(home, {**defaults, **settings}, *arguments)
        running.append(server)
        server.start()
        return server

    yield start
    for each in running:
        each.terminate()
    for each in running:
        each.close()


@pytest.fixture
def client_of(stand_in: StandIn, io_loop: object) -> Iterator[Callable[[str], API]]:
    """`client_of(url)`: a client that checks what must hold for every answer."""
    made: list[API] = []

    def make(url: str) -> API:
        made.append(API(url, stand_in))
        return made[-1]

    yield make
    for each in made:
        io_loop.run_sync(each.close)
