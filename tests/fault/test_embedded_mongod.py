"""The embedded mongod under kills, moved folders, second owners and broken programs. A real mongod throughout."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from pymongo import AsyncMongoClient, WriteConcern

from passport.errors import StartupError
from passport.store import embedded, leftover
from passport.store.embedded import EmbeddedMongo
from passport.store.mongod_binary import find_mongod

ROOT = Path(__file__).parents[2]

# A server reduced to its mongod: it says where, then waits to be killed.
SERVER = """
import asyncio, sys
from pathlib import Path
from passport.store import embedded
if "untied" in sys.argv:  # as on a system that has no parent-death signal
    embedded._TIED_TO_PARENT = "import os, sys; os.execv(sys.argv[3], sys.argv[3:])"
async def serve():
    mongo = embedded.EmbeddedMongo(Path(sys.argv[1]))
    await mongo.start()
    print(mongo.pid, mongo.uri, flush=True)
    await asyncio.Event().wait()
asyncio.run(serve())
"""


def mongods_of(folder: Path) -> list[int]:
    """The pids of every process, mongod or about to become one, that names a path under this folder as its dbpath."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes()
            if b"--dbpath\0" + os.fsencode(folder) + b"/" in arguments:
                pids.append(int(process.name))
    return pids


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, so that the socket lies inside; no mongod may be left on it by any test."""
    made = Path(tempfile.mkdtemp(prefix="wxp-")).resolve()
    yield made
    orphans = mongods_of(made)
    for pid in orphans:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(made)
    assert orphans == []


@contextlib.asynccontextmanager
async def running(data_dir: Path, **settings: Any) -> AsyncIterator[EmbeddedMongo]:
    mongo = EmbeddedMongo(data_dir, **settings)
    await mongo.start()
    try:
        yield mongo
    finally:
        await mongo.stop()


@contextlib.asynccontextmanager
async def notes_in(uri: str) -> AsyncIterator[Any]:
    """A collection whose acknowledged writes must not be lost."""
    client: AsyncMongoClient[Mapping[str, Any]] = AsyncMongoClient(uri, timeoutMS=20_000)
    async with client:
        yield client.test.get_collection("notes", write_concern=WriteConcern("majority", j=True))


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"not within {seconds} s")


def socket_of(uri: str) -> Path:
    return Path(unquote(uri.removeprefix("mongodb://").partition("/?")[0]))


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def open_ports(pid: int) -> list[str]:
    """The local TCP addresses, of either family, whose sockets this process holds."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [row[1] for row in rows if f"socket:[{row[9]}]" in links]


# -- start ---------------------------------------------------------------------------------------------------------


def test_it_starts_writable_and_listens_on_no_tcp_port(folder: Path) -> None:
    async def story() -> None:
        async with running(folder / "data") as mongo, notes_in(mongo.uri) as notes:
            await notes.insert_one({"_id": 1})
            assert mongo.pid is not None
            assert open_ports(mongo.pid) == []
            # The look itself works: a port of this process is seen.
            server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
            async with server:
                assert len(open_ports(os.getpid())) >= 1

    asyncio.run(story())


def test_only_its_user_can_reach_the_socket_even_if_the_folder_was_opened_up(folder: Path) -> None:
    async def story() -> None:
        (folder / "data" / "run").mkdir(parents=True)
        (folder / "data" / "run").chmod(0o755)
        async with running(folder / "data") as mongo:
            home = socket_of(mongo.uri).parent
            assert home == folder / "data" / "run"
            assert home.stat().st_mode & 0o777 == 0o700
            assert (folder / "data" / "db").stat().st_mode & 0o777 == 0o700

    asyncio.run(story())


def test_mongod_sees_neither_our_ctrl_c_nor_our_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WXPASSPORT_SECRET_KEY", "made up")

    async def story() -> None:
        async with running(folder) as mongo:
            assert mongo.pid is not None
            assert os.getpgid(mongo.pid) != os.getpgid(0)
            assert b"WXPASSPORT_" not in environment_of(mongo.pid)

    asyncio.run(story())


def test_set_parameters_reach_mongod(folder: Path) -> None:
    async def story() -> None:
        async with (
            running(folder, set_parameters={"enableTestCommands": "1"}) as mongo,
            notes_in(mongo.uri) as notes,
        ):
            reply = await notes.database.client.admin.command("configureFailPoint", "failCommand", mode="off")
            assert reply["ok"] == 1

    asyncio.run(story())


def test_the_log_is_rolled_when_it_has_grown(folder: Path) -> None:
    log = folder / "mongod.log"
    with log.open("wb") as file:
        file.truncate(embedded._LOG_LIMIT + 1)

    async def story() -> None:
        async with running(folder):
            assert log.stat().st_size < embedded._LOG_LIMIT
            assert (folder / "mongod.log.1").stat().st_size > embedded._LOG_LIMIT

    asyncio.run(story())


@pytest.mark.parametrize("name", ["deep/" * 30 + "data", "a folder, of 微信: data"])
def test_a_path_that_no_socket_can_have_works(folder: Path, name: str) -> None:
    async def story() -> None:
        data_dir = folder / name
        async with running(data_dir) as mongo, notes_in(mongo.uri) as notes:
            await notes.insert_one({"_id": 1})
            home = socket_of(mongo.uri).parent
            assert home.parent == Path(tempfile.gettempdir())
            assert home.stat().st_mode & 0o777 == 0o700
            assert (data_dir / "db" / "mongod.lock").exists()
        assert not home.exists()

    asyncio.run(story())


def test_a_link_planted_at_the_short_socket_path_is_refused(folder: Path) -> None:
    mongo = EmbeddedMongo(folder / ("deep/" * 30))
    planted = socket_of(mongo.uri).parent
    planted.symlink_to(folder)
    try:
        with pytest.raises(StartupError, match="not a link"):
            asyncio.run(mongo.start())
    finally:
        planted.unlink()


# -- the folder ----------------------------------------------------------------------------------------------------


def test_a_second_owner_is_refused_and_told_whom_to_stop(folder: Path) -> None:
    async def story() -> None:
        async with running(folder) as mongo:
            with pytest.raises(StartupError) as refusal:
                await EmbeddedMongo(folder).start()
            assert f"in use by the server with pid {os.getpid()}" in str(refusal.value)
            assert "stop that server, or set another mongodb.data_dir" in str(refusal.value)
            async with notes_in(mongo.uri) as notes:
                await notes.insert_one({"_id": "the first goes on"})

    asyncio.run(story())


def test_a_moved_folder_starts_with_its_data_and_so_does_a_copy_beside_it(folder: Path) -> None:
    async def story() -> None:
        async with running(folder / "old") as mongo, notes_in(mongo.uri) as notes:
            await notes.insert_one({"_id": 1})
        (folder / "old").rename(folder / "new")
        shutil.copytree(folder / "new", folder / "copy")
        async with running(folder / "new") as moved, notes_in(moved.uri) as notes:
            await notes.insert_one({"_id": 2})
            # The copy names the moved one's socket as its member, and something answers there.
            async with running(folder / "copy") as copy, notes_in(copy.uri) as others:
                await others.insert_one({"_id": 3})
                assert await others.distinct("_id") == [1, 3]
            assert await notes.distinct("_id") == [1, 2]

    asyncio.run(story())


@pytest.mark.parametrize("unusable", ["server.lock", "mongod.out", "db"])
def test_a_folder_that_cannot_be_used_is_refused_with_its_name(folder: Path, unusable: str) -> None:
    if unusable == "db":
        (folder / unusable).write_text("a file where a folder must be")
    else:
        (folder / unusable).mkdir()
    with pytest.raises(
        StartupError, match=rf"mongodb.data_dir cannot be used, {folder}.*set another mongodb.data_dir"
    ):
        asyncio.run(EmbeddedMongo(folder).start())


def test_a_folder_that_cannot_be_made_is_refused_with_its_name(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(
        StartupError, match=r"mongodb.data_dir cannot be used, .*/file/data: Not a directory; give"
    ):
        asyncio.run(EmbeddedMongo(folder / "file" / "data").start())


# -- kill -9 -------------------------------------------------------------------------------------------------------


def test_acknowledged_writes_survive_kills_of_mongod(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One client writes throughout three kills, and finds everything that was acknowledged."""
    acknowledged: list[int] = []
    enough = asyncio.Event()

    async def write(notes: Any) -> None:
        number = 0
        # Not cancelled from outside: asyncio.wait_for, which the driver uses, can swallow that (Python < 3.12).
        while not enough.is_set():
            number += 1
            await notes.insert_one({"_id": number})
            acknowledged.append(number)

    async def story() -> None:
        async with running(folder) as mongo, notes_in(mongo.uri) as notes:
            uri = mongo.uri
            writer = asyncio.create_task(write(notes))
            for _ in range(3):
                seen, victim = len(acknowledged), mongo.pid
                await until(lambda seen=seen: len(acknowledged) > seen + 20)
                assert victim is not None
                os.kill(victim, signal.SIGKILL)
                await until(lambda victim=victim: mongo.pid not in (victim, None))
            seen = len(acknowledged)
            await until(lambda: len(acknowledged) > seen + 20)
            enough.set()
            await writer
            assert mongo.uri == uri
            kept = set(await notes.distinct("_id"))
            assert set(acknowledged) - kept == set()

    asyncio.run(story())
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.message for record in warnings] == ["mongod ended and is started again"] * 3
    assert [record.exit_status for record in warnings] == [-signal.SIGKILL] * 3


@pytest.mark.expects_log("mongod did not start again")
def test_a_restart_that_fails_is_tried_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = folder / "broken"
    program = folder / "mongod.sh"
    program.write_text(
        f'#!/bin/sh\n[ -e "{broken}" ] && {{ echo out of order; exit 3; }}\nexec "{find_mongod(None)}" "$@"\n'
    )
    program.chmod(0o755)

    async def story() -> None:
        async with running(folder / "data", binary=program) as mongo:
            broken.touch()
            assert mongo.pid is not None
            os.kill(mongo.pid, signal.SIGKILL)
            await until(lambda: caplog.messages.count("mongod did not start again") >= 2)
            broken.unlink()
            async with notes_in(mongo.uri) as notes:
                await notes.insert_one({"_id": 1})

    asyncio.run(story())
    failure = next(record for record in caplog.records if record.message == "mongod did not start again")
    assert "out of order" in failure.reason


@contextlib.contextmanager
def killed_server(data_dir: Path, *flags: str) -> Iterator[int]:
    """A server that wrote one note and was killed; yields the pid of its mongod."""
    command = [sys.executable, "-c", SERVER, str(data_dir), *flags]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            pid, uri = server.stdout.readline().split()

            async def write() -> None:
                async with notes_in(uri) as notes:
                    await notes.insert_one({"_id": "kept"})

            asyncio.run(write())
        finally:
            server.kill()
    yield int(pid)


async def starts_with_the_kept_note(data_dir: Path) -> None:
    async with running(data_dir) as mongo, notes_in(mongo.uri) as notes:
        assert await notes.distinct("_id") == ["kept"]
        assert mongods_of(data_dir) == [mongo.pid]


def test_mongod_ends_with_a_killed_server(folder: Path) -> None:
    with killed_server(folder) as orphan:
        asyncio.run(until(lambda: not is_alive(orphan), 10))


def test_a_killed_server_can_be_started_again_at_once(folder: Path) -> None:
    with killed_server(folder) as orphan:
        asyncio.run(starts_with_the_kept_note(folder))
        assert not is_alive(orphan)


@pytest.mark.parametrize("stuck", [False, True])
def test_a_mongod_left_by_a_killed_server_is_ended(
    folder: Path, stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_server(folder, "untied") as orphan:
        if stuck:
            monkeypatch.setattr(leftover, "_PATIENCE", 0.5)
            os.kill(orphan, signal.SIGSTOP)
        assert is_alive(orphan)
        asyncio.run(starts_with_the_kept_note(folder))
        assert not is_alive(orphan)


def test_a_mongod_that_is_not_ours_is_left_alone(folder: Path) -> None:
    """Somebody runs a mongod on our files, under a path that we never pass."""
    db, alias = folder / "data" / "db", folder / "alias"
    db.mkdir(parents=True)
    alias.symlink_to(db)
    options = [
        "--nounixsocket",
        "--port",
        "0",
        "--logpath",
        str(folder / "log"),
        "--bind_ip",
        str(folder / "s.sock"),
    ]
    with subprocess.Popen(
        [find_mongod(None), "--dbpath", alias, *options], stdout=subprocess.DEVNULL
    ) as stranger:
        try:
            asyncio.run(until(lambda: f"{stranger.pid}\n" == _text(db / "mongod.lock")))
            with pytest.raises(
                StartupError, match=rf"another mongod \(pid {stranger.pid}\).*stop that mongod"
            ):
                asyncio.run(EmbeddedMongo(folder / "data").start())
            assert stranger.poll() is None
        finally:
            stranger.kill()


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def test_a_stranger_that_was_given_an_old_mongods_pid_is_left_alone(folder: Path) -> None:
    async def story() -> None:
        async with running(folder) as mongo:
            assert mongo.pid is not None

    with subprocess.Popen(["sleep", "60"]) as stranger:  # noqa: S607  # found on PATH wherever these tests run
        try:
            (folder / "db").mkdir()
            (folder / "db" / "mongod.lock").write_text(f"{stranger.pid}\n")
            asyncio.run(story())
            assert stranger.poll() is None
        finally:
            stranger.kill()


# -- a program that does not run -----------------------------------------------------------------------------------


def test_a_wrong_parameter_is_quoted_from_what_mongod_printed(folder: Path) -> None:
    with pytest.raises(
        StartupError,
        match=r"ended at start: .*: Unknown --setParameter 'noSuchParameter'; its log is .*mongod\.log",
    ):
        asyncio.run(EmbeddedMongo(folder, set_parameters={"noSuchParameter": "1"}).start())


def test_damaged_data_is_quoted_from_the_log(folder: Path) -> None:
    async def story() -> None:
        async with running(folder):
            pass
        (folder / "db" / "WiredTiger.turtle").write_text("not a turtle")
        with pytest.raises(
            StartupError,
            match=r"ended at start: WiredTiger error message: .*turtle.*; its log is .*mongod\.log",
        ):
            await EmbeddedMongo(folder).start()

    asyncio.run(story())


def test_a_missing_library_names_its_package(folder: Path) -> None:
    program = folder / "mongod"
    complaint = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file"
    program.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 127\n")
    program.chmod(0o755)
    with pytest.raises(StartupError, match="apt-get install libcurl4"):
        asyncio.run(EmbeddedMongo(folder / "data", binary=program).start())


# -- stop ----------------------------------------------------------------------------------------------------------


def test_stop_is_clean_quick_and_idempotent(folder: Path) -> None:
    async def story() -> float:
        mongo = EmbeddedMongo(folder)
        await mongo.stop()
        await mongo.start()
        began = time.monotonic()
        await mongo.stop()
        seconds = time.monotonic() - began
        await mongo.stop()
        assert mongo.pid is None
        return seconds

    # About one second; mongod's own threads look up once a second. Ten is the patience of an init system.
    assert asyncio.run(story()) < 10
    assert (folder / "db" / "mongod.lock").read_text() == ""  # mongod empties it in a clean shutdown


def test_a_mongod_that_does_not_stop_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_STOP_LIMIT", 0.3)

    async def story() -> None:
        mongo = EmbeddedMongo(folder)
        await mongo.start()
        assert mongo.pid is not None
        os.kill(mongo.pid, signal.SIGSTOP)
        await mongo.stop()
        assert mongods_of(folder) == []

    asyncio.run(story())


def test_stop_at_any_moment_of_a_restart_leaves_no_process(folder: Path) -> None:
    async def story() -> None:
        for moment in (0.0, 0.105, 0.13, 0.25, 0.4):
            mongo = EmbeddedMongo(folder)
            await mongo.start()
            assert mongo.pid is not None
            os.kill(mongo.pid, signal.SIGKILL)
            await asyncio.sleep(moment)  # samples the restart; whatever state it is in, the end is the same
            await mongo.stop()
            assert mongods_of(folder) == [], moment

    asyncio.run(story())


def test_a_start_or_stop_that_is_cancelled_leaves_no_process_and_no_lock(folder: Path) -> None:
    async def story() -> None:
        for moment in (0.0, 0.002, 0.02, 0.1, 0.2):
            start = asyncio.create_task(EmbeddedMongo(folder).start())
            await asyncio.sleep(moment)
            start.cancel()
            await asyncio.wait({start})
            assert start.cancelled(), moment
            assert mongods_of(folder) == [], moment
        mongo = EmbeddedMongo(folder)
        await mongo.start()
        stop = asyncio.create_task(mongo.stop())
        await asyncio.sleep(0.05)
        stop.cancel()
        await asyncio.wait({stop})
        assert stop.cancelled()
        assert mongods_of(folder) == []

    asyncio.run(story())
