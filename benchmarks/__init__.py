"""Load scripts that print figures, and what they share: a process that is started, measured and ended.

Linux alone, because CPU time and memory are read from /proc. Every process started here is ended here, by its pid.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_START_LIMIT = 30.0
_STOP_LIMIT = 20.0
_POLL = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """The figures would be wrong, so there are none; the text says what happened."""


class Process:
    """One of our Python programs in a process of its own, its output in a file."""

    def __init__(
        self, name: str, arguments: Sequence[str], output: Path, *, python: str = sys.executable
    ) -> None:
        self.name, self._output = name, output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [python, *arguments],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")},
                # Ctrl-C reaches this program alone, which then ends the others in order.
                start_new_session=True,
            )
        self.pid = self._process.pid

    def wait_for(self, pattern: str) -> str:
        """The first group of the pattern, as soon as it is in the output."""
        deadline = time.monotonic() + _START_LIMIT
        while time.monotonic() < deadline:
            ended = self._process.poll() is not None
            if found := re.search(pattern, self._output.read_text("utf-8", "replace")):
                return found[1]
            if ended:
                break
            time.sleep(_POLL)
        raise BenchmarkError(f"{self.name} did not start")

    def tail(self) -> str:
        """The last words of its output."""
        return "\n".join(self._output.read_text("utf-8", "replace").splitlines()[-5:])

    def stop(self) -> None:
        """End it: politely, then not."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(
    name: str, arguments: Sequence[str], folder: Path, *, python: str = sys.executable
) -> Iterator[Process]:
    """The program for as long as the block lasts. What it said last goes into the error that ends the block."""
    process = Process(name, arguments, folder / f"{name}.log", python=python)
    try:
        yield process
    except BenchmarkError as error:
        error.add_note(f"--- the end of {name}'s output:\n{process.tail()}")
        raise
    finally:
        # An impatient second Ctrl-C must not interrupt the ending and leave a process behind.
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        process.stop()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def write_config(folder: Path, wechat: Mapping[str, object], **more: object) -> Path:
    """A configuration file that changes little but where things are; private, since it holds an AppSecret.

    `more` are sections that are added to these or stand in their place.
    """
    path = folder / "config.yaml"
    path.touch(mode=0o600)
    # All requests come from one address. The limits stay on, so that their cost is measured, and out of reach.
    limits = dict.fromkeys(
        (
            *("token_per_ip", "token_per_user", "token_global", "register_per_ip", "register_global"),
            *("refresh_per_user", "introspect_per_ip"),
        ),
        "1000000/second",
    )
    config = {
        "server": {"port": 0},
        "mongodb": {"data_dir": str(folder / "data")},
        "wechat": dict(wechat),
        "limits": limits,
        **more,
    }
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


def wait_until_ready(url: str, server: Process) -> None:
    """Return when the server says it can serve; raises BenchmarkError when it does not in time."""
    deadline = time.monotonic() + _START_LIMIT
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own server on loopback
                return
        except urllib.error.URLError:
            time.sleep(_POLL)
    raise BenchmarkError(f"{server.name} did not become ready")


def cpu_seconds(pid: int) -> float:
    """The CPU time of all threads so far: utime + stime of proc(5)."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """The memory it holds now (VmRSS)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def child_of(pid: int, command: str) -> int:
    """The pid of the child that runs this command."""
    for child, (parent, name) in _processes().items():
        if parent == pid and name == command:
            return child
    raise BenchmarkError(f"process {pid} has no child {command}")


def family(pid: int) -> list[int]:
    """The process and all that descend from it, but for a mongod, which is counted by itself."""
    processes = _processes()
    found = [pid]
    for each in found:  # grows as we go
        found += [child for child, (parent, name) in processes.items() if parent == each and name != "mongod"]
    return found


def _processes() -> dict[int, tuple[int, str]]:
    """The parent and the command of every process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = int(_stat(int(entry.name))[1]), (entry / "comm").read_text().strip()
        except OSError:
            continue  # it ended while we looked
    return found


def _stat(pid: int) -> list[str]:
    # From the state on: the command before it may hold spaces and parentheses.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
