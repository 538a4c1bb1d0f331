"""`kit`: write the mini-program, filled in for this server. Needs no MongoDB, no WeChat and no running server."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from passport.config import Settings
from passport.errors import CommandFailed
from passport.kit.checklist import fault_words
from passport.kit.document import NAME
from passport.kit.folder import SOURCE
from passport.kit.making import make_kit
from passport.kit.writing import write_folder


class NoPort(CommandFailed):
    """It is not known where the server will listen."""


@dataclass(frozen=True)
class Written:
    """What came of it: what to print, and what keeps the mini-program from being released."""

    text: str
    warnings: tuple[str, ...]


def run(options: argparse.Namespace, settings: Settings, *, source: Path = SOURCE) -> Written:
    """Write the kit.

    Raises:
        UnknownApp, KitBroken, FolderRefused, NoPort: it cannot be made or written; nothing is there then.
    """
    if settings.server.public_url is None and settings.server.port == 0:
        raise NoPort("server.port is 0, any free port: set server.public_url, or give the port with --port")
    kit = make_kit(settings, options.appid, source=source)
    write_folder(kit.files, options.out)
    sheet = kit.checklist
    return Written(
        text=f"{options.out}: {len(kit.files)} files for {sheet.appid} at {sheet.base_url}\n"
        f"Open the folder in WeChat DevTools; {options.out / NAME} says what to enter in the console",
        warnings=tuple(
            f"Not for a release yet: {fault_words(each, sheet.base_url).en}" for each in sheet.faults
        ),
    )
