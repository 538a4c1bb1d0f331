"""Fork one child: what it inherits, how it says that it is ready, and that it never outlives its parent."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from passport.errors import StartupError

log = logging.getLogger("wxpassport.workers")

# From the parent to a child: be replaced without haste, or, to the one with mongod, end now.
RETIRE = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1
_PARENT_ASKED_EVERY = 1.0
_FAILED = 1

Main = Callable[[Callable[[], None]], int]


@dataclass(eq=False)
class Child:
    """A process of ours.

    Args:
        pid: of the process.
        pipe: can be read when it is ready, and is at its end when it is gone.
        ready_at: when it said so, in monotonic time; None before.
    """

    pid: int
    pipe: int
    ready_at: float | None = None

    def listen(self) -> bool:
        """Read what it said; False when it will say nothing more."""
        said = os.read(self.pipe, 1)
        if said and self.ready_at is None:
            self.ready_at = time.monotonic()
        return bool(said)

    def send(self, number: signal.Signals) -> None:
        """Signal it. It is a child that we have not waited for, so its pid is nobody else's."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def ended(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs. That it ended is told once."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None


def fork(main: Main, *, close: Iterable[int]) -> Child:
    """Run main in a child; it is given what it calls when it is ready, and its exit status is the child's.

    Args:
        main: makes its own event loop.
        close: descriptors that are the parent's business alone.

    Raises:
        OSError: the system has no room for another process.
    """
    require_forkable()
    # What is there now is shared by all and will not change; the collector would touch, and so copy, every page.
    gc.freeze()
    readable, writable = os.pipe()
    parent = os.getpid()
    # A signal that comes before the child has handlers of its own would go to the parent's.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(main, parent, before, closing=(readable, *close), said=writable)
    except OSError:
        os.close(readable)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(writable)
    return Child(pid, readable)


def require_forkable() -> None:
    """Raise RuntimeError when a fork would copy a lock that a thread holds, or an event loop."""
    threads = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    if threads:
        raise RuntimeError(f"threads run before the fork: {threads}")
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("an event loop runs before the fork")


def _be_child(
    main: Main, parent: int, mask: set[int] | set[signal.Signals], *, closing: Iterable[int], said: int
) -> NoReturn:
    status = _FAILED
    try:
        _take_own_signals()
        _end_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for descriptor in closing:
            os.close(descriptor)
        status = main(lambda: _say(said))
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
    except Exception:
        log.exception("a process ended with a fault")
    finally:
        # Not sys.exit: the parent's frames, with what they would clean up, are on this stack, too.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def _take_own_signals() -> None:
    signal.set_wakeup_fd(-1)
    # Ctrl-C and the end of a terminal reach the whole group, and what to do about them is the parent's to say.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD, RETIRE):
        signal.signal(number, signal.SIG_DFL)


def _end_with(parent: int) -> None:
    """Have the system kill us when the parent ends, however that comes. See `watch_parent` for other systems."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    # It may have ended before the system knew what we want then.
    if os.getppid() != parent:
        os._exit(_FAILED)


async def watch_parent() -> None:
    """End this process soon after its parent, where the system does not do it by itself."""
    parent = os.getppid()
    while _prctl is None:
        await asyncio.sleep(_PARENT_ASKED_EVERY)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _say(said: int) -> None:
    with contextlib.suppress(OSError):
        os.write(said, b"r")


def _find_prctl() -> Callable[[int, int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        # Found now: between fork and use nothing is to be loaded.
        found: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return found


_prctl = _find_prctl()
