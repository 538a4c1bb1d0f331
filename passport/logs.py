"""One JSON object a line on standard error: UTC time, level, logger, message and what `extra` holds."""

from __future__ import annotations

import logging
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter


def configure_logging(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Send every log record to the stream as JSON. ASCII only, so that no field can forge a line or a colour."""
    formatter = JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="time",
        json_ensure_ascii=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its INFO lines quote what it could not parse, such as the header value that holds a token.
    logging.getLogger("tornado.general").setLevel(max(level, logging.WARNING))
