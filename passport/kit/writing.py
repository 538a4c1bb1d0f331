"""Put a kit somewhere: into an empty folder, or into a zip that is the same for the same files."""

from __future__ import annotations

import contextlib
import zipfile
from io import BytesIO
from pathlib import Path

from passport.errors import CommandFailed
from passport.kit.folder import Files

_CURE = "Choose a folder that does not exist yet: --out DIR"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
_MODE = 0o100644 << 16


class FolderRefused(CommandFailed):
    """The kit cannot be written there, and nothing was; the text says why and names the cure."""


def write_folder(files: Files, folder: Path) -> None:
    """Write the kit into a new or an empty folder, whole or not at all.

    Raises:
        FolderRefused: something is there already, or the folder cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FolderRefused(f"{folder}: is there already and not empty; nothing was written. {_CURE}")
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderRefused(f"{folder}: cannot be written: {error.strerror}. {_CURE}") from error
    written: list[Path] = []
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # What appeared there meanwhile is somebody else's.
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except OSError as error:
        _take_back(written, folder, made=made)
        raise FolderRefused(f"{folder}: cannot be written: {error.strerror}. {_CURE}") from error


def _take_back(written: list[Path], folder: Path, *, made: bool) -> None:
    with contextlib.suppress(OSError):
        for path in written:
            path.unlink()
    inner = {parent for path in written for parent in path.parents if parent.is_relative_to(folder)}
    for each in sorted(inner | {folder}, reverse=True):
        if each != folder or made:
            with contextlib.suppress(OSError):  # not empty: somebody else's
                each.rmdir()


def zipped(files: Files, *, folder: str) -> bytes:
    """The kit as a zip with everything in one folder; the same bytes for the same files."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, _MODE
            archive.writestr(entry, files[name])
    return target.getvalue()
