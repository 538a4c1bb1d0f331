"""Run a real mongod that belongs to this process: its folder, its socket, its start, restart and end.

Owns everything under `data_dir` that mongod needs, and the replica set of one that makes retryable writes work.
Leaves the program to `mongod_binary`, folders and locks to `private_folder`, the mongod of a killed server to
`leftover`, and all data to the stores.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from passport.errors import StartupError
from passport.store.leftover import end_leftover
from passport.store.mongod_binary import explain_exit, find_mongod
from passport.store.private_folder import make_private, make_writable, socket_folder, take_ownership, unusable
from passport.store.sources import forget_sources

_log = logging.getLogger("wxpassport.mongod")

_REPLICA_SET = "wxpassport"
_SOCKET = "mongod.sock"
_SECOND_SOCKET = "mongodb-27017.sock"  # mongod adds it beside ours, named after a port that it does not open
_CACHE_FLOOR_MB = 256  # mongod refuses a smaller one
_LOG_LIMIT = 16 * 1024 * 1024

_POLL = 0.01
_START_LIMIT = 120.0  # after a crash mongod replays its journal first, which takes long on a slow disk
_COMMAND_LIMIT_MS = 10_000
_STOP_LIMIT = 15.0
_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0
_STEADY = 1.0  # a mongod that was ready for this long did not fail to start

_ALREADY_INITIALIZED = 23
_NOT_YET_INITIALIZED = 94
_NOT_A_MEMBER = 93

# Runs between fork and mongod, in mongod's own process. PR_SET_PDEATHSIG (1) makes Linux signal mongod when we die,
# however we die. SIGTERM and not SIGKILL: the data is safe either way, but a checkpoint makes the next start quicker,
# and a mongod that ignores it is found and killed by that start. The request is bound to the *thread* that spawns,
# so start() belongs in the thread that lives as long as the server: the event loop's. It is a program of its own
# because Python code between fork and exec (preexec_fn) can deadlock in a process with threads, and Motor has threads.
_TIED_TO_PARENT = """
import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, int(sys.argv[1]))
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() != int(sys.argv[2]):
    sys.exit("the server ended while it started mongod")
os.execv(sys.argv[3], sys.argv[3:])
"""


class EmbeddedMongo:
    """A private mongod owned by this process: data under data_dir, one unix socket in a 0700 folder, no TCP port,
    one-member replica set.

    Whoever gives up while start() runs cancels it; stop() is for what has started.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binary: Path | None = None,
        cache_mb: int = 256,
        set_parameters: Mapping[str, str] = {},
        server_pid: int | None = None,
    ) -> None:
        self._data_dir = Path(os.path.realpath(data_dir))
        self._db = self._data_dir / "db"
        self._log_path = self._data_dir / "mongod.log"
        self._output_path = self._data_dir / "mongod.out"  # what it prints before it has a log
        self._socket = socket_folder(self._data_dir, _SECOND_SOCKET) / _SOCKET
        self._binary = binary
        self._cache_mb = cache_mb
        self._set_parameters = dict(set_parameters)
        self._server_pid = server_pid or os.getpid()  # whom to stop, when another server wants this data
        self._ownership: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def uri(self) -> str:
        """How to reach this mongod, the same across its restarts; it answers after start()."""
        return f"mongodb://{quote(str(self._socket), safe='')}/?directConnection=true"

    @property
    def pid(self) -> int | None:
        """The pid of the running mongod; None before start, after stop, and between its end and its restart."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Return when mongod is a writable primary; raises StartupError whose text names the cure."""
        binary = find_mongod(self._binary)
        make_writable(self._data_dir)
        self._ownership = take_ownership(self._data_dir / "server.lock", self._data_dir, self._server_pid)
        try:
            make_private(self._db)
            make_private(self._socket.parent)
            await end_leftover(self._db)
            await self._launch(binary)
        except BaseException:
            self._release()
            raise
        self._supervisor = asyncio.create_task(self._supervise(binary), name="mongod supervisor")

    async def stop(self) -> None:
        """End mongod cleanly, by SIGKILL after a limit; does nothing when it is not running."""
        try:
            if self._supervisor is not None:
                # First, so that nothing starts a new mongod while the old one ends.
                self._supervisor.cancel()
                await asyncio.wait({self._supervisor})
            self._signal(signal.SIGTERM)
            if self._process is not None:
                async with asyncio.timeout(_STOP_LIMIT):
                    await self._process.wait()
        except TimeoutError:
            _log.warning("mongod did not stop in time and is killed", extra={"mongod_pid": self.pid})
        finally:
            await self._kill()
            self._supervisor = self._process = None
            self._release()

    async def _supervise(self, binary: Path) -> None:
        """Start mongod again whenever it ends, until cancelled. The uri stays, so drivers find it by themselves."""
        delay = _FIRST_DELAY
        while self._process is not None:
            ready_at = time.monotonic()
            status = await self._process.wait()
            if time.monotonic() - ready_at >= _STEADY:
                delay = _FIRST_DELAY
            _log.warning(
                "mongod ended and is started again", extra={"exit_status": status, "delay_seconds": delay}
            )
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_DELAY)
            try:
                await self._launch(binary)
            except StartupError as error:
                _log.error("mongod did not start again", extra={"reason": str(error)})
            except Exception:
                # No memory, no file descriptors: may pass, and giving up would leave the server without a database.
                _log.exception("mongod could not be started again")

    async def _launch(self, binary: Path) -> None:
        """Run mongod and return when it is a writable primary; on any failure nothing is left running."""
        began = time.monotonic()
        self._prepare_files()
        log_start = self._log_path.stat().st_size
        self._process = await self._spawn(binary)
        try:
            async with asyncio.timeout(_START_LIMIT):
                await self._wait_for_socket()
                await self._become_primary()
        except (TimeoutError, ChildProcessError, PyMongoError) as error:
            await self._kill()
            raise StartupError(self._why_not_ready(binary, log_start, error)) from error
        except BaseException:
            await self._kill()
            raise
        seconds = round(time.monotonic() - began, 3)
        _log.info("mongod is ready", extra={"mongod_pid": self.pid, "seconds": seconds})

    def _prepare_files(self) -> None:
        try:
            # A socket file of a killed mongod refuses connections, but would make us try.
            for name in (_SOCKET, _SECOND_SOCKET):
                self._socket.with_name(name).unlink(missing_ok=True)
            if self._log_path.exists() and self._log_path.stat().st_size > _LOG_LIMIT:
                self._log_path.replace(self._log_path.with_suffix(".log.1"))
            self._log_path.touch(mode=0o600)
            self._output_path.write_bytes(b"")
        except OSError as error:
            raise unusable(self._data_dir, error) from error

    async def _spawn(self, binary: Path) -> asyncio.subprocess.Process:
        command = [str(binary), *self._arguments()]
        if sys.platform == "linux" and sys.executable:
            tie = ["-I", "-S", "-c", _TIED_TO_PARENT, str(int(signal.SIGTERM)), str(os.getpid())]
            command = [sys.executable, *tie, *command]
        with self._output_path.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C in a terminal reaches the whole group; mongod must outlive the server's last request.
                start_new_session=True,
                # Our secrets may be in the environment, and mongod has no use for them.
                env={name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")},
            )

    def _arguments(self) -> list[str]:
        parameters = {
            "diagnosticDataCollectionEnabled": "false",
            # The longest wait of an ending primary for a successor, 15 s by default; here there is none.
            "shutdownTimeoutMillisForSignaledShutdown": "0",
            **self._set_parameters,
        }
        options = {
            "--dbpath": self._db,
            "--logpath": self._log_path,
            "--bind_ip": self._socket,  # and nothing else, so no TCP port
            "--unixSocketPrefix": self._socket.parent,
            "--replSet": _REPLICA_SET,
            "--oplogSize": 64,
            "--wiredTigerCacheSizeGB": max(self._cache_mb, _CACHE_FLOOR_MB) / 1024,
            "--networkMessageCompressors": "disabled",  # CVE-2025-14847 is in zlib's
        }
        arguments = [part for name, value in options.items() for part in (name, str(value))]
        for name, value in parameters.items():
            arguments += ["--setParameter", f"{name}={value}"]
        return [*arguments, "--logappend", "--noscripting", "--quiet"]

    async def _wait_for_socket(self) -> None:
        # mongod binds it last of all. A driver would look only every half second.
        while True:
            if self.pid is None:
                raise ChildProcessError("mongod ended")
            try:
                _, writer = await asyncio.open_unix_connection(self._socket)
                writer.close()
                await writer.wait_closed()
            except OSError:
                await asyncio.sleep(_POLL)
            else:
                return

    async def _become_primary(self) -> None:
        client: AsyncMongoClient[dict[str, Any]]
        async with AsyncMongoClient(self.uri, timeoutMS=_COMMAND_LIMIT_MS) as client:
            forget_sources()
            while not (hello := await client.admin.command("hello")).get("isWritablePrimary"):
                if self.pid is None:
                    raise ChildProcessError("mongod ended")
                if "setName" not in hello:
                    await self._configure_replica_set(client.admin)
                await asyncio.sleep(_POLL)

    async def _configure_replica_set(self, admin: AsyncDatabase[dict[str, Any]]) -> None:
        """Name our socket as the only member: at the first start, and after the data folder was moved."""
        try:
            await admin.command("replSetGetStatus")
        except OperationFailure as error:
            if error.code == _NOT_YET_INITIALIZED:
                await self._initiate(admin)
            elif error.code == _NOT_A_MEMBER:
                config = (await admin.command("replSetGetConfig"))["config"]
                config["members"] = [{**config["members"][0], "host": str(self._socket)}]
                # Forced, because only a primary may change it otherwise, and without a member there is none.
                await admin.command("replSetReconfig", config, force=True)
                _log.info(
                    "the data folder has moved, its replica set follows", extra={"socket": str(self._socket)}
                )
            else:
                raise

    async def _initiate(self, admin: AsyncDatabase[dict[str, Any]]) -> None:
        member = {"_id": 0, "host": str(self._socket)}
        try:
            await admin.command("replSetInitiate", {"_id": _REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            # It was initiated long ago and has not read its configuration yet; the caller asks again.
            if error.code != _ALREADY_INITIALIZED:
                raise

    def _why_not_ready(self, binary: Path, log_start: int, error: Exception) -> str:
        status = self._process.returncode if self._process else None
        if status == -signal.SIGKILL:  # by us: it was running, but not ready
            detail = str(error) or f"no answer within {_START_LIMIT:.0f} s"
            return f"mongod did not become ready: {detail}; its log is {self._log_path}"
        with self._log_path.open("rb") as file:
            file.seek(log_start)
            log = file.read().decode("utf-8", "replace")
        output = self._output_path.read_text("utf-8", "replace")
        return explain_exit(binary, status, output, log, self._log_path)

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            # Not Process.send_signal: it may reap the child itself and take the exit status away from asyncio.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()

    def _release(self) -> None:
        if self._socket.parent.parent != self._data_dir:
            with contextlib.suppress(OSError):  # not empty after a kill; the next start uses it again
                self._socket.parent.rmdir()
        if self._ownership is not None:
            os.close(self._ownership)
            self._ownership = None
