"""SIGHUP: workers are renewed one by one, with the configuration as it is then, and nobody outside notices."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.client import API
from tests.conftest import APP_SECRET, APPID
from tests.fault.conftest import StartServer
from tests.fault.running import SECRET_KEY, ServerProcess, report, until
from tests.fault.workers import Load, all_ready, is_alive, nobody_left

ClientOf = Callable[[str], API]

REFUSED = "the new configuration is refused, the old goes on"
NOT_WORKING = "the new configuration does not work, the old workers go on"


SETTINGS: dict[str, object] = {
    "server__port": 0,
    "server__public_url": "https://login.test",
    "server__processes": 2,
    "wechat__apps": [{"appid": APPID, "secret": APP_SECRET}],
    "secret_key": SECRET_KEY,
}


class InTerminal(ServerProcess):
    """server.py in a terminal of its own, which is closed when this process is killed."""

    # Whoever runs the tests may be under nohup; a server in a terminal is not.
    _spawn = "import pty, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); pty.spawn(sys.argv[1:])"
    command = (sys.executable, "-c", _spawn, *ServerProcess.command)

    @property
    def errors(self) -> str:
        """A terminal has one stream for all."""
        return self.output


@dataclass
class Files:
    """What the server reads again when it is told to."""

    folder: Path

    def write(self, name: str, text: str) -> str:
        """Private, as what holds a secret must be; where it is."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def configure(self, **sections: object) -> str:
        """The configuration; where it is."""
        return self.write("config.yaml", json.dumps(sections))


@pytest.fixture
def files(folder: Path) -> Files:
    """In the folder of the test."""
    return Files(folder)


@pytest.mark.gen_test(timeout=200)
async def test_a_renewal_under_load_loses_no_request_and_what_does_not_work_changes_nothing(
    start_server: StartServer, client_of: ClientOf, files: Files, mongodb_uri: str, database: Any
) -> None:
    server = start_server(
        *("--config", files.configure(server={"processes": 2})),
        mongodb__uri_file=files.write("uri", mongodb_uri),
        mongodb__database=database.name,
        secret_key_file=files.write("secret_key", SECRET_KEY),
        server__shutdown_grace="2s",
    )
    first, api = await all_ready(server), client_of(server.url)
    await api.registered("mei")
    load = Load(server.url, fresh=3, kept=3)
    await load.more(50)

    files.configure(server={"processes": 0}, tokens={"access_ttl": "soon"})
    server.signal(signal.SIGHUP)
    await until(lambda: bool(server.log(REFUSED)), "it is refused")
    faults = " ".join(server.log(REFUSED)[0]["faults"])
    assert "server.processes must be a number from 1 to 64, or auto" in faults
    assert "tokens.access_ttl" in faults

    files.configure(server={"processes": 2})
    files.write("secret_key", SECRET_KEY[::-1])
    server.signal(signal.SIGHUP)
    await until(lambda: bool(server.log("not ready")), "nobody gets ready with another secret_key")
    os.kill(server.log("not ready")[0]["process"], signal.SIGKILL)
    await until(lambda: bool(server.log(NOT_WORKING)), "it is given up")
    assert {line["process"] for line in server.log("stopping")} == set()

    files.write("secret_key", SECRET_KEY)
    files.configure(server={"processes": 2, "host": "127.0.0.2"}, tokens={"access_ttl": "30m"})
    server.signal(signal.SIGHUP)
    second = await all_ready(server, times=len(server.log("all workers are ready")) + 1)
    await until(lambda: not any(is_alive(pid) for pid in first), "the old ones leave")
    await load.more(100)
    outcomes = await load.end()
    report(f"two workers renewed: {dict(outcomes)}")
    assert not set(first) & set(second)
    assert set(outcomes) == {"200 OK", "closed after an answer"}
    assert server.log("only a restart changes these settings")[0]["settings"] == ["server.host"]
    assert (await api.sign_in("mei"))["expires_in"] == 1800
    assert server.log("a worker left badly") == []


@pytest.mark.gen_test(timeout=200)
async def test_the_number_of_workers_follows_and_one_that_is_killed_meanwhile_is_nothing_special(
    start_server: StartServer, files: Files, mongodb_uri: str, database: Any
) -> None:
    server = start_server(
        *("--config", files.configure(server={"processes": 2})),
        mongodb__uri=mongodb_uri,
        mongodb__database=database.name,
    )
    two = await all_ready(server)
    files.configure(server={"processes": 3})
    server.signal(signal.SIGHUP)
    os.kill(two[0], signal.SIGKILL)
    three = await all_ready(server, times=2)
    assert len(set(three)) == 3
    assert not set(two) & set(three)
    files.configure(server={"processes": 1})
    server.signal(signal.SIGHUP)
    one = await all_ready(server, times=3)
    assert len(one) == 1
    await until(lambda: not any(is_alive(pid) for pid in [*two, *three]), "the others leave")
    assert await server.is_ready()


@pytest.mark.gen_test(timeout=200)
async def test_one_process_says_what_a_hangup_would_need_and_goes_on(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    server = start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name)
    await server.ready()
    server.signal(signal.SIGHUP)
    await until(lambda: any("server.processes" in line["message"] for line in server.log()), "it is said")
    assert await server.is_ready()


@pytest.mark.gen_test(timeout=200)
async def test_a_server_whose_terminal_is_closed_ends_and_takes_a_hangup_for_that_alone(
    folder: Path, mongodb_uri: str, database: Any
) -> None:
    server = InTerminal(folder, {**SETTINGS, "mongodb__uri": mongodb_uri, "mongodb__database": database.name})
    server.start()
    try:
        await all_ready(server)
        family = {line["process"] for line in server.log()}
        os.kill(server.log("all workers are ready")[0]["process"], signal.SIGHUP)
        await all_ready(server, times=2)
        family |= {line["process"] for line in server.log()}
    finally:
        server.signal(signal.SIGKILL)  # the window is closed
        server.close()
    await nobody_left(family)
