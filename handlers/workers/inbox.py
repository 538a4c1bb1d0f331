"""What wakes the parent: signals, what its children say, and the time."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from handlers.workers.children import Child, Main, fork

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Inbox:
    """Opened by `opened`. It knows which descriptors are the parent's alone, so it is what forks."""

    def __init__(self, selector: selectors.BaseSelector, numbers: socket.socket, written: int) -> None:
        self._selector, self._numbers, self._written = selector, numbers, written
        self._children: dict[int, Child] = {}
        selector.register(numbers, selectors.EVENT_READ)

    def wait(self, seconds: float | None) -> list[int]:
        """Sleep until something happens or so long; the signals that came."""
        came: list[int] = []
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._numbers:
                came += self._numbers.recv(256)
            elif not self._children[key.fd].listen():
                self._selector.unregister(key.fd)
        return came

    def fork(self, main: Main) -> Child:
        """A child whose words are heard from now on. Raises OSError when there is no room for one."""
        child = fork(main, close=(self._numbers.fileno(), self._written, *self._children))
        self._children[child.pipe] = child
        self._selector.register(child.pipe, selectors.EVENT_READ)
        return child

    def forget(self, child: Child) -> None:
        """It has ended."""
        if child.pipe in self._selector.get_map():
            self._selector.unregister(child.pipe)
        del self._children[child.pipe]
        os.close(child.pipe)


@contextmanager
def opened() -> Iterator[Inbox]:
    """The inbox, while it takes this process's signals."""
    numbers, written = socket.socketpair()
    for end in (numbers, written):
        end.setblocking(False)
    with numbers, written, selectors.DefaultSelector() as selector:
        before = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        woken_before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        try:
            yield Inbox(selector, numbers, written.fileno())
        finally:
            signal.set_wakeup_fd(woken_before)
            for number, handler in before.items():
                signal.signal(number, handler)
