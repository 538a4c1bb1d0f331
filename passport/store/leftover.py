"""End the mongod that a killed server left behind, and only that one."""

import asyncio
import fcntl
import itertools
import logging
import os
import signal
import sys
import time
from pathlib import Path

from passport.errors import StartupError

_log = logging.getLogger("wxpassport.mongod")

_PATIENCE = 10.0  # for each signal; a clean shutdown takes a fraction of a second


async def end_leftover(db: Path) -> None:
    """Return when no mongod uses this dbpath; raises StartupError when one does that is not ours to stop.

    The caller owns the data folder, so a mongod that still runs on it has lost its server.
    """
    lock = db / "mongod.lock"
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _is_held(lock):
            return
        pid = _pid_in(lock)  # None while a mongod starts or ends: then waiting is enough
        if pid is not None and _signal_if_ours(pid, db, number):
            _log.warning(
                "stopping a mongod that a killed server left", extra={"mongod_pid": pid, "signal": number}
            )
        elif pid is not None and _is_held(lock):
            raise _in_use(db, pid)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if not _is_held(lock):
                return
            await asyncio.sleep(0.02)
    if _is_held(lock):
        raise _in_use(db, _pid_in(lock))


def _in_use(db: Path, pid: int | None) -> StartupError:
    return StartupError(
        f"another mongod (pid {pid or 'unknown'}) uses {db}, and this server did not start it: "
        "stop that mongod, or set another mongodb.data_dir"
    )


def _is_held(lock: Path) -> bool:
    # mongod holds this lock from its first step to its last, so it tells the truth where a pid may be stale.
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _pid_in(lock: Path) -> int | None:
    try:
        return int(lock.read_text())
    except (OSError, ValueError):
        return None


def _signal_if_ours(pid: int, db: Path, number: signal.Signals) -> bool:
    """Signal the process if its command line names our dbpath, or let it end if it has none any more.

    False where not on Linux: nothing proves it.
    """
    if sys.platform != "linux":
        return False
    try:
        # Pinned before it is checked: between a look at /proc and a kill the pid could pass to a stranger.
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if arguments == [b""]:
            return True  # it is ending: its memory is gone, its lock goes next, and a signal would say nothing new
        if (b"--dbpath", os.fsencode(db)) not in itertools.pairwise(arguments):
            return False
        signal.pidfd_send_signal(process, number)
    except OSError:
        return False
    finally:
        os.close(process)
    return True
