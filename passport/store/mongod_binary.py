"""Find the mongod program, and say in plain words why it would not run.

Knows nothing of data folders or sockets: it turns a setting into a path, and what a dead mongod left behind into
a sentence with a cure.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

from passport.errors import StartupError

_OR_A_REAL_ONE = "or point mongodb.uri at a MongoDB that runs elsewhere"

# What mongod loads beyond the C library, and the Debian and Ubuntu package that brings it.
_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libssl.so.3": "libssl3",
    "libcrypto.so.3": "libssl3",
    "libssl.so.1.1": "libssl1.1",
    "libcrypto.so.1.1": "libssl1.1",
    "liblzma.so.5": "liblzma5",
    "libsasl2.so.2": "libsasl2-2",
    "libgcc_s.so.1": "libgcc-s1",
    "libresolv.so.2": "libc6",
}
_LOADER_COMPLAINT = re.compile(r"error while loading shared libraries: (?P<library>\S+?):")


def find_mongod(configured: Path | None) -> Path:
    """The configured program, else the one on PATH, else the wheel's; raises StartupError when there is none."""
    if configured is not None:
        found = shutil.which(configured)
        if found is None:
            raise StartupError(
                f"mongodb.binary is {configured}, which is not a program that can be run: correct the path, "
                f"remove the setting to use the mongod that pip installed, {_OR_A_REAL_ONE}"
            )
        return Path(found)
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    if in_wheel := _mongod_in_wheel():
        return in_wheel
    raise StartupError(
        "no mongod program found: run `pip install -r requirements.txt` (its wheel holds one for Linux and Apple "
        f"silicon), set mongodb.binary to the path of a mongod, {_OR_A_REAL_ONE}"
    )


def _mongod_in_wheel() -> Path | None:
    # The spec of the parent package gives the folder; the package itself, with its own imports, is never run.
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        candidate = Path(folder, "db", "bin", "mongod")
        if os.access(candidate, os.X_OK):
            return candidate
    return None


def explain_exit(binary: Path, returncode: int | None, output: str, log: str, log_path: Path) -> str:
    """Why mongod ended before it was ready, from its exit status, what it printed, and what it logged in that run."""
    if missing := _LOADER_COMPLAINT.search(output):
        return _explain_missing_library(binary, missing["library"])
    if returncode == -signal.SIGILL:
        return (
            f"{binary} needs instructions this processor lacks (MongoDB 5.0 and later want AVX): "
            f"set mongodb.binary to another build, {_OR_A_REAL_ONE}"
        )
    # Until it has read its options, mongod prints its log.
    reason = (
        last_meaningful_line(f"{output}\n{log}") or _last_printed_line(output) or f"exit status {returncode}"
    )
    if "DBPathInUse" in reason:
        reason += " (another mongod uses this folder: stop it, or set another mongodb.data_dir)"
    return f"{binary} ended at start: {reason}; its log is {log_path}"


def _explain_missing_library(binary: Path, library: str) -> str:
    if package := _PACKAGES.get(library):
        cure = f"run `apt-get install {package}` (Debian, Ubuntu)"
    else:
        cure = (
            f"install the package that holds it (`apt-file search {library}` finds it on Debian and Ubuntu)"
        )
    return f"{binary} cannot run without the library {library}: {cure}, {_OR_A_REAL_ONE}"


def last_meaningful_line(log: str) -> str:
    """The last error mongod wrote as JSON, with its cause, or else the first fatal line; may be empty."""
    errors: list[str] = []
    fatal: list[str] = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            severity, message, details = entry["s"], str(entry["msg"]).strip(), entry.get("attr", {})
        except (ValueError, KeyError, TypeError):
            continue
        if severity in ("E", "F"):
            (errors if severity == "E" else fatal).append(f"{message}: {_cause(details)}")
    # mongod dies in several fatal lines, the signal's among them, that only follow from the error before them.
    return errors[-1] if errors else fatal[0] if fatal else ""


def _cause(details: Any) -> str:
    """The text inside an error's details: mongod nests it as a string, a status with errmsg, or WiredTiger's msg."""
    while isinstance(details, dict):
        inner = next((details[key] for key in ("msg", "errmsg", "message", "error") if key in details), None)
        if inner is None:
            return json.dumps(details)
        details = inner
    return str(details).strip()


def _last_printed_line(output: str) -> str:
    said = [line.strip() for line in output.splitlines() if line.strip() and "--help" not in line]
    return said[-1] if said else ""
