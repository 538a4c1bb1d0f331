"""The command line: what `python server.py` says and its status, the check, and the demo as a newcomer sees it."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox import StandIn
from tests.conftest import APP_SECRET, APPID
from tests.fault.running import ROOT, SECRET_KEY, Mongod, ServerProcess, ending, environment, free_port, until

Run = Callable[..., Any]


@pytest.fixture
def run(stand_in: StandIn, tmp_path: Path) -> Run:
    """`await run("check", mongodb__uri=…)`: the finished command; the stand-in answers meanwhile."""

    async def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(ROOT / "server.py"), *arguments],
            cwd=tmp_path,
            env=environment(settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def right(stand_in: StandIn, mongodb_uri: str, database: Any) -> dict[str, object]:
    """Settings without a fault."""
    return {
        "mongodb__uri": mongodb_uri,
        "mongodb__database": database.name,
        "secret_key": SECRET_KEY,
        "wechat__base_url": stand_in.base_url,
        "wechat__apps": [{"appid": APPID, "secret": APP_SECRET}],
    }


def findings(ended: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """What `check` found: `ok` or `FAULT`, and the sentence."""
    return [
        (works, text.strip())
        for works, _, text in (line.partition(" ") for line in ended.stdout.splitlines())
    ]


def folder_of(mongod: int) -> Path:
    """The dbpath of this mongod."""
    arguments = arguments_of(mongod).split(b"\0")
    return Path(arguments[arguments.index(b"--dbpath") + 1].decode())


def arguments_of(pid: int) -> bytes:
    """What `ps` shows of it; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


async def test_the_configuration_as_it_comes_is_refused_with_the_way_out(run: Run) -> None:
    ended = await run()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "config.yaml: wechat.apps is empty" in ended.stderr
    assert "python server.py --demo" in ended.stderr


async def test_every_fault_is_told_at_once_by_the_name_the_operator_wrote(run: Run) -> None:
    ended = await run(
        server__port="http", server__prot=1, tokens__access_ttl="-1s", secret_key="short", wechat__timeout="5"
    )
    assert ended.returncode == 2
    for words in (
        "WXPASSPORT_SERVER__PORT: server.port",
        "WXPASSPORT_SERVER__PROT: server.prot is not a setting",
        "WXPASSPORT_TOKENS__ACCESS_TTL: tokens.access_ttl must be more than 0",
        "WXPASSPORT_SECRET_KEY: secret_key must be at least 32 bytes",
        "WXPASSPORT_WECHAT__TIMEOUT: wechat.timeout must be a number and a unit",
        "wechat.apps is empty",
    ):
        assert words in ended.stderr
    assert ended.stderr.count("\n") == 6
    assert "short" not in ended.stderr


async def test_a_wrong_command_is_the_usage_and_2(run: Run) -> None:
    ended = await run("sevre")
    assert ended.returncode == 2
    assert "usage: server.py" in ended.stderr


async def test_check_accepts_what_works_and_writes_nothing(
    run: Run, right: dict[str, object], fresh_database: Any, stand_in: StandIn
) -> None:
    ended = await run("check", **{**right, "mongodb__database": fresh_database.name})
    assert (ended.returncode, ended.stderr.count("Traceback")) == (0, 0)
    assert findings(ended)[0] == ("ok", "configuration: no fault")
    assert [works for works, _ in findings(ended)] == ["ok", "ok", "ok", "ok"]
    assert findings(ended)[3][1] == f"WeChat, {APPID}: appid and AppSecret are accepted"
    assert fresh_database.list_collection_names() == []
    assert stand_in.calls.total == 1


async def test_check_tells_a_wrong_app_secret(run: Run, right: dict[str, object]) -> None:
    wrong = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    ended = await run("check", **{**right, "wechat__apps": [{"appid": APPID, "secret": wrong}]})
    assert ended.returncode == 1
    assert [works for works, _ in findings(ended)] == ["ok", "ok", "ok", "FAULT"]
    assert findings(ended)[3][1].startswith(f"WeChat, {APPID}: errcode 40125")
    assert wrong not in ended.stdout + ended.stderr


async def test_check_tells_what_cannot_be_reached(run: Run, right: dict[str, object]) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    ended = await run(
        "check", **{**right, "mongodb__uri": f"mongodb://{nowhere}", "wechat__base_url": f"http://{nowhere}"}
    )
    assert ended.returncode == 1
    assert [works for works, _ in findings(ended)] == ["ok", "ok", "FAULT", "FAULT"]
    assert findings(ended)[2][1].startswith("MongoDB: no answer")
    assert findings(ended)[3][1].startswith(f"WeChat, {APPID}: no useful answer")
    assert "Traceback" not in ended.stderr


async def test_check_tells_a_standalone(run: Run, right: dict[str, object], tmp_path: Path) -> None:
    standalone = Mongod(tmp_path)
    with ending([standalone]):
        standalone.start()
        await standalone.answering()
        ended = await run("check", **{**right, "mongodb__uri": standalone.uri})
    assert ended.returncode == 1
    assert [works for works, _ in findings(ended)] == ["ok", "ok", "FAULT", "ok"]
    assert "is a standalone" in findings(ended)[2][1]
    assert "Make it a replica set" in findings(ended)[2][1]


async def test_check_reports_faults_of_the_configuration_with_2(run: Run) -> None:
    ended = await run("check")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "wechat.apps is empty" in ended.stderr


# -- the demo ------------------------------------------------------------------------------------------------------


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """`start_demo()`: a demo on a free port whose temporary folder is looked at afterwards."""
    running: list[ServerProcess] = []

    def start(**settings: object) -> ServerProcess:
        demo = ServerProcess(tmp_path / f"demo-{len(running)}", settings, "--demo", "--port", "0")
        demo.start()
        running.append(demo)
        return demo

    yield start
    for each in running:
        each.terminate()
    for each in running:
        each.close()


async def _block(demo: ServerProcess) -> str:
    await until(lambda: "Ctrl-C" in demo.output or demo.process.poll() is not None, "the block is printed")
    return demo.output


async def _paste(commands: list[str]) -> list[int]:
    """The statuses that the pasted lines print, by bash and curl, or read the same way where there is no curl."""
    if shutil.which("curl") and shutil.which("bash"):
        pasted = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-c", "\n".join(commands)],  # as a newcomer does
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return [
            int(line.removeprefix("-> ")) for line in pasted.stdout.splitlines() if line.startswith("-> ")
        ]
    async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as http:
        async with http.post(shlex.split(commands[0].partition("$(")[2].rstrip(")"))[-1]) as response:
            login = await response.read()
        statuses = []
        for command in commands[1:]:
            async with http.post(shlex.split(command)[-1], data=login) as response:
                statuses.append(response.status)
        return statuses


@pytest.mark.gen_test(timeout=200)
async def test_two_demos_at_once_answer_401_201_200_to_what_they_print_and_leave_nothing(
    start_demo: Callable[..., ServerProcess],
) -> None:
    demos = [start_demo(), start_demo()]
    for demo in demos:
        lines = [line.strip() for line in (await _block(demo)).splitlines()]
        commands = [line for line in lines if line.startswith(("LOGIN=", "curl "))]
        assert len(commands) == 4
        assert [line for line in lines if "/admin/set-up/" in line and line.startswith("http://127.0.0.1:")]
        assert await _paste(commands) == [401, 201, 200]
        assert await _paste(commands) == [401, 201, 200]
        mongod = demo.mongod_pid
        made = [each for each in folder_of(mongod).parents if each.name.startswith("wxpassport-demo-")]
        assert [each.exists() for each in made] == [True]
        demo.terminate()
        assert await demo.ended() == 0
        assert arguments_of(mongod) == b""
        assert [each.exists() for each in made] == [False]
        assert [line for line in demo.log() if line["level"] == "ERROR"] == []


async def test_operators_are_managed_beside_running_servers(
    run: Run, right: dict[str, object], database: Any
) -> None:
    added = await run("operator", "add", "lin", "--role", "viewer", **right)
    assert (added.returncode, "Traceback" in added.stderr) == (0, False)
    assert added.stdout.startswith("lin: added as viewer\n")
    again = await run("operator", "add", "LIN", "--role", "viewer", **right)
    assert (again.returncode, again.stdout) == (1, "")
    assert "an operator of this name already" in again.stderr
    assert database.operators.count_documents({}) == 1


async def test_a_demo_listens_on_loopback_only(run: Run) -> None:
    ended = await run("--demo", server__host="0.0.0.0")  # noqa: S104  # it is refused
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "server.host: --demo signs anybody in, so it listens on loopback only" in ended.stderr


# -- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.gen_test(timeout=200)
async def test_no_argument_of_any_process_is_a_secret(tmp_path: Path, stand_in: StandIn) -> None:
    settings = {
        "server__port": 0,
        "mongodb__data_dir": str(tmp_path / "data"),
        "wechat__base_url": stand_in.base_url,
        "wechat__apps": [{"appid": APPID, "secret": APP_SECRET}],
        "secret_key": SECRET_KEY,
    }
    server = ServerProcess(tmp_path, settings)
    server.start()
    try:
        await server.ready()
        seen = [arguments_of(pid) for pid in (server.process.pid, server.mongod_pid)]
    finally:
        server.terminate()
        server.close()
    assert all(seen)
    everything = b"".join(seen).decode() + server.errors + json.dumps(server.log())
    assert APP_SECRET not in everything
    assert SECRET_KEY not in everything
