"""Anchor the head of the chain outside the database, so that a cut end, or a whole other chain, is noticed.

In two places: the file `audit-head` in mongodb.data_dir, within a second, and a line in the log, each minute while it
changes. The file's head only ever moves on along one chain. When the chain in the database does not hold the anchored
entry any more, the file is left as it is, as evidence, and the log says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import tempfile
from pathlib import Path

from passport.audit.chain import Head
from passport.errors import StartupError, StoreUnavailable
from passport.store.audit import AuditStore
from passport.store.private_folder import make_writable

log = logging.getLogger("wxpassport.audit")

FILE_NAME = "audit-head"
LINE_EVERY = 60.0
FILE_EVERY = 1.0


class BadAnchor(Exception):
    """The anchor cannot be read; the text says why."""


def read_anchor(path: Path) -> Head | None:
    """The anchored head; None when there is none yet. Raises BadAnchor when the file is there and holds none."""
    try:
        return Head.parse(path.read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadAnchor(f"{path} holds no head of an audit log: {error}") from error


def advance_anchor(path: Path, head: Head) -> None:
    """Write the head unless another process wrote a later one meanwhile. Raises OSError, StartupError or BadAnchor."""
    make_writable(path.parent)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Held by one process at a time, and let go with the descriptor, however the process ends.
        fcntl.flock(folder, fcntl.LOCK_EX)
        kept = read_anchor(path)
        if kept is None or kept.seq < head.seq:
            write_anchor(path, head)
    finally:
        os.close(folder)


def write_anchor(path: Path, head: Head) -> None:
    """Put the head into the file, whole or not at all, for this user alone. Raises OSError or StartupError."""
    make_writable(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # made 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{head}\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


class Anchor:
    """Follows the head.

    Args:
        path: the file.
        store: where the chain is, to see that it still holds what was anchored.
        line_every, file_every: seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        store: AuditStore,
        line_every: float = LINE_EVERY,
        file_every: float = FILE_EVERY,
    ) -> None:
        self.path = path
        self._store, self._line_every, self._file_every = store, line_every, file_every
        self._head: Head | None = None
        self._written: Head | None = None
        self._logged: Head | None = None
        self._next_line = float("-inf")
        self._problem: str | None = None
        self._following: asyncio.Task[None] | None = None

    def note(self, head: Head) -> None:
        """The chain has grown."""
        if self._head is None or head.seq > self._head.seq:
            self._head = head
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="audit head")

    async def close(self) -> None:
        """Anchor what is not anchored yet, and stop."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})
        await self._to_file()
        self._to_log()

    async def _follow(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._head not in (self._written, None) or self._head != self._logged:
            await self._to_file()
            if clock() >= self._next_line:
                self._to_log()
                self._next_line = clock() + self._line_every
            await asyncio.sleep(self._file_every)

    def _to_log(self) -> None:
        if self._head is not None and self._head != self._logged:
            log.info("audit head", extra={"head": str(self._head)})
            self._logged = self._head

    async def _to_file(self) -> None:
        head = self._head
        if head is None or head == self._written:
            return
        try:
            await self._move_to(head)
        except (BadAnchor, StartupError, OSError) as error:
            self._note(f"the head cannot be anchored: {error}")
        except StoreUnavailable:
            return  # tried again in a second
        else:
            self._note(None)
        self._written = head

    async def _move_to(self, head: Head) -> None:
        kept = await asyncio.to_thread(read_anchor, self.path)
        if kept is not None and kept != self._written:
            document = await self._store.find(kept.seq)
            if document is None or document.get("mac") != kept.mac:
                raise BadAnchor(f"the log does not hold the entry that {self.path} names; run: audit verify")
        # Of processes that share the folder the one that is ahead is right.
        if kept is None or kept.seq < head.seq:
            await asyncio.to_thread(advance_anchor, self.path, head)

    def _note(self, problem: str | None) -> None:
        if problem is not None and problem != self._problem:
            log.error("audit anchor", extra={"problem": problem})
        self._problem = problem
