"""Keep the habits that no tool checks: locks name no host, files stay short, no path of one machine is tracked.

Each rule is also fed a small offender, so that a checker that sees nothing turns red.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.test_import_direction import OUR_TOP_LEVEL, our_modules

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-test.txt", "requirements-bench.txt")
MAX_LINES = 400


# Locks name versions and hashes, never a place

PIN = re.compile(r"[a-z0-9][a-z0-9._-]*==\S+( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
HOST = re.compile(
    r"://|\b[a-z0-9-]+\.(com|org|net|io|cn|dev|local|internal)\b|\b\d+\.\d+\.\d+\.\d+[:/]", re.IGNORECASE
)


def lock_offences(text: str) -> list[str]:
    """Lines that are no pin, hash or plain comment, and pins that no hash follows."""
    lines = [line for line in text.splitlines() if line.strip()]
    offences = [line for line in lines if HOST.search(line)]
    statements = [line for line in lines if not line.lstrip().startswith("#")]
    for line, following in zip(statements, [*statements[1:], ""], strict=True):
        is_pin = PIN.fullmatch(line)
        if not (is_pin or HASH.fullmatch(line)) or (is_pin and not HASH.fullmatch(following)):
            offences.append(line)
    return offences


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashed_pins_and_names_no_place(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert PIN.search(text)
    assert lock_offences(text) == []


SOME_HASH = f"    --hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    "text",
    [
        "tornado==6.6.1",
        "tornado==6.6.1 \\\n    # via nothing",
        "tornado==6.6.1 \\\nmotor==3.7.1 \\\n" + SOME_HASH,
        "tornado>=6.6.1 \\\n" + SOME_HASH,
        "--index-url " + "https:" + "//packages.example/simple",
        "--find-links wheels",
        "tornado @ " + "file:" + "///wheels/tornado.whl",
        "tornado==6.6.1 \\\n" + SOME_HASH + "\n    # from packages.example.com",
    ],
)
def test_a_lock_with_a_place_or_an_unhashed_pin_is_reported(text):
    assert lock_offences(text)


def test_the_locks_of_server_and_tests_pin_the_same_versions():
    pins = [
        {
            line.split(" ")[0]
            for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()
            if "==" in line
        }
        for lock in LOCKS[:2]
    ]
    assert pins[0] <= pins[1]


def test_the_references_have_the_versions_of_what_they_share_with_the_server():
    ours, theirs = (
        dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in (LOCKS[0], LOCKS[2])
    )
    differing = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    # Sanic takes no multidict 7, which aiohttp takes for us.
    assert differing <= {"multidict"}


# Files stay short, and name no one's machine


def overlong(line_counts: Mapping[str, int]) -> list[str]:
    return [f"{name}: {count} lines" for name, count in line_counts.items() if count > MAX_LINES]


def test_every_source_file_is_short_enough_to_read():
    counts = {module.name: len(module.source.splitlines()) for module in our_modules()}
    assert overlong(counts) == []


def test_an_overlong_file_is_reported():
    assert overlong({"passport.login": MAX_LINES, "passport.users": MAX_LINES + 1}) == [
        "passport.users: 401 lines"
    ]


# A path that stands on its own: `example.test/home/users` is a URL, `{root}/home/x` is relative.
HOME_PATH = re.compile(
    rb"(?<![\w.}/-])/(?:home|Users|work)/\w|(?<![\w.}/-])/(?:root)(?![\w-])|\b[A-Za-z]:\\Users\\"
)


def machine_paths(files: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name}: {match.group().decode()}"
        for name, content in files.items()
        for match in HOME_PATH.finditer(content)
    ]


def tracked_files() -> dict[str, bytes]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        # An unpacked archive: everything in it is what would be tracked.
        names = [
            str(path.relative_to(ROOT))
            for folder in (*OUR_TOP_LEVEL[1:], "tests")
            for path in (ROOT / folder).rglob("*.py")
        ]
    else:
        # A checkout made by one user and tested by another is still ours to list.
        command = [git, "-c", "safe.directory=*", "ls-files", "-z"]
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
        names = [name for name in listing.decode().split("\0") if name]
    return {
        name: (ROOT / name).read_bytes()
        for name in names
        if not name.endswith(".md") and (ROOT / name).is_file() and not (ROOT / name).is_symlink()
    }


def test_no_tracked_file_names_a_path_of_one_machine():
    assert machine_paths(tracked_files()) == []


@pytest.mark.parametrize("folder", ["home/mei", "Users/mei", "root", "root/.cache", "work/tree"])
def test_a_path_of_one_machine_is_reported(folder):
    # Put together here, so that this file does not report itself.
    assert machine_paths({"Makefile": b'DIR = "/' + folder.encode() + b'"'})


@pytest.mark.parametrize(
    "text", ["https://example.test/home/users", "templates/home/page", "/rooted", "/homes/x"]
)
def test_a_url_or_a_relative_path_is_not_reported(text):
    assert machine_paths({"Makefile": text.encode()}) == []
