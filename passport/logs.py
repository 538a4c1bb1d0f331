"""One JSON object a line on standard error: UTC time, level, logger, message and what `extra` holds."""

from __future__ import annotations

import fcntl
import logging
import tempfile
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter


class SharedStream(logging.StreamHandler[TextIO]):
    """Several processes write to one stream, a line each at a time: a pipe cuts what is longer than it has room for.

    The lock belongs to the process and not to the file that is open (fcntl, not flock), so forked processes exclude
    each other, and one that is killed gives it back.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._locked = tempfile.TemporaryFile()  # noqa: SIM115  for as long as there is a log

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, whole."""
        fcntl.lockf(self._locked, fcntl.LOCK_EX)
        try:
            super().emit(record)
        finally:
            fcntl.lockf(self._locked, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock's file back."""
        self._locked.close()
        super().close()


def configure_logging(stream: TextIO, *, level: int = logging.INFO, shared: bool = False) -> None:
    """Send every log record to the stream as JSON. ASCII only, so that no field can forge a line or a colour.

    Args:
        stream: where to.
        level: from which on.
        shared: whether this process is about to fork others that write there, too.
    """
    formatter = JsonFormatter(
        ["levelname", "name", "process", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
        json_ensure_ascii=True,
    )
    handler = SharedStream(stream) if shared else logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its INFO lines quote what it could not parse, such as the header value that holds a token.
    logging.getLogger("tornado.general").setLevel(max(level, logging.WARNING))
