"""Folders and locks that belong to one user and one process: what guards a mongod that asks for no password."""

import fcntl
import hashlib
import os
import re
import stat
import sys
import tempfile
from pathlib import Path

from passport.errors import StartupError

# sun_path holds 108 bytes on Linux and 104 on macOS, the last one a NUL.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
# mongod splits --bind_ip at commas and a member's host at its colon, so only plain names go into a socket's path.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/@+~-]+")


def make_private(folder: Path) -> None:
    """Make the folder 0700, or make it so; raises StartupError when it is a link or another user's."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()  # not stat: whoever placed a symlink here chose where our socket goes
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise StartupError(
                f"{folder} must be a folder of this user, not a link and not another user's: remove it, "
                "or set another mongodb.data_dir"
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
    except OSError as error:
        raise unusable(folder, error) from error


def make_writable(folder: Path) -> None:
    """Make the folder, 0700, when it is missing; raises StartupError when files cannot be written there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unusable(folder, error) from error


def unusable(folder: Path, error: OSError) -> StartupError:
    """The refusal of a data folder that the system will not let us use."""
    return StartupError(
        f"mongodb.data_dir cannot be used, {folder}: {error.strerror or error}; give this user the right "
        "to write there, or set another mongodb.data_dir"
    )


def socket_folder(data_dir: Path, longest_name: str) -> Path:
    """Where sockets of this data folder live: inside it, or under the temp dir when that path would be too long."""
    inside = data_dir / "run"
    if len(os.fsencode(inside / longest_name)) <= SOCKET_PATH_LIMIT and _PLAIN_PATH.fullmatch(str(inside)):
        return inside
    name = f"wxpassport-{os.geteuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"
    short = Path(tempfile.gettempdir(), name)
    if len(os.fsencode(short / longest_name)) > SOCKET_PATH_LIMIT or not _PLAIN_PATH.fullmatch(str(short)):
        return Path("/tmp", name)  # noqa: S108  # TMPDIR itself is too deep; make_private refuses a planted folder
    return short


def take_ownership(lock_file: Path, data_dir: Path, server_pid: int) -> int:
    """Lock the data folder for this process and write the pid into it; the lock ends with the returned descriptor."""
    try:
        # O_CLOEXEC is Python's default, so mongod does not inherit the lock and cannot hold it after we are gone.
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise unusable(data_dir, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        if not isinstance(error, BlockingIOError):
            raise unusable(data_dir, error) from error
        raise StartupError(
            f"the data folder {data_dir} is in use by the server with pid {owner}: "
            "stop that server, or set another mongodb.data_dir"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{server_pid}\n".encode(), 0)
    return descriptor
