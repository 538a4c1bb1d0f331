"""The log of several processes on one stream."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

LINES, LONG = 20, 100_000

# A program of its own: pytest's process has threads, which no fork should copy.
TWO_WRITERS = f"""
import logging, os, sys
from passport.logs import configure_logging
configure_logging(sys.stderr, shared=True)
name = "a" if os.fork() else "b"
for _ in range({LINES}):
    logging.getLogger("test").warning(name * {LONG})
"""


def test_two_processes_write_whole_lines_to_one_pipe(project_root: Path) -> None:
    writers = subprocess.Popen([sys.executable, "-c", TWO_WRITERS], cwd=project_root, stderr=subprocess.PIPE)
    with writers:
        assert writers.stderr is not None
        time.sleep(0.5)  # so that both are in the middle of a line, which is longer than a pipe has room for
        records = [json.loads(line) for line in writers.stderr]
    assert sorted(record["message"][0] for record in records) == ["a"] * LINES + ["b"] * LINES
    assert len({record["process"] for record in records}) == 2
