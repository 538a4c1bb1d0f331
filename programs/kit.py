"""`kit`: the mini-program for this server, as a folder."""

from __future__ import annotations

import argparse
import sys

from commands import kit
from passport.config import Settings


def write_kit(settings: Settings, options: argparse.Namespace) -> int:
    """Write it, say so, and warn of what keeps it from being released.

    Raises:
        CommandFailed: it cannot be made or written.
    """
    written = kit.run(options, settings)
    print(written.text)
    print(*written.warnings, sep="\n", end="\n" if written.warnings else "", file=sys.stderr)
    return 0
