"""Which mongod is taken, what its last words mean, and where its socket may lie."""

import json
import signal
from pathlib import Path

import pytest

from passport.errors import StartupError
from passport.store import mongod_binary
from passport.store.mongod_binary import explain_exit, find_mongod, last_meaningful_line
from passport.store.private_folder import SOCKET_PATH_LIMIT, make_private, socket_folder

MONGOD, LOG = Path("/opt/mongod"), Path("/data/mongod.log")


def line(severity: str, text: str, /, **details: object) -> str:
    return json.dumps({"t": {"$date": "2026-11-22T00:00:00Z"}, "s": severity, "msg": text, "attr": details})


def program(folder: Path) -> Path:
    folder.mkdir()
    file = folder / "mongod"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_configured_program_comes_first_then_path_then_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured, on_path = program(tmp_path / "a"), program(tmp_path / "b")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_mongod(configured) == configured
    assert find_mongod(None) == on_path
    monkeypatch.setenv("PATH", "")
    assert find_mongod(None).parts[-4:] == ("fiftyone", "db", "bin", "mongod")


def test_without_any_program_the_three_cures_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mongod_binary, "_mongod_in_wheel", lambda: None)
    with pytest.raises(StartupError, match=r"pip install.*mongodb\.binary.*mongodb\.uri"):
        find_mongod(None)


def test_a_configured_program_that_cannot_run_is_named_and_nothing_else_is_tried(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a program")
    for wrong in (tmp_path / "absent", tmp_path / "notes.txt", tmp_path):
        with pytest.raises(StartupError, match=rf"mongodb\.binary is {wrong}, .*mongodb\.uri"):
            find_mongod(wrong)


@pytest.mark.parametrize(
    ("library", "cure"),
    [
        ("libcurl.so.4", "apt-get install libcurl4`"),
        ("libcrypto.so.3", "apt-get install libssl3`"),
        ("libstrange.so.9", "apt-file search libstrange.so.9`"),
    ],
)
def test_a_missing_library_names_its_package(library: str, cure: str) -> None:
    said = f"/opt/mongod: error while loading shared libraries: {library}: cannot open shared object file: No such file"
    assert cure in explain_exit(MONGOD, 127, said, "", LOG)


def test_a_processor_without_avx_is_told_apart() -> None:
    assert "AVX" in explain_exit(MONGOD, -signal.SIGILL, "", "", LOG)


def test_the_last_error_of_the_log_is_quoted_and_the_path_of_the_log() -> None:
    log = "\n".join(
        [line("W", "rlimits too low"), line("E", "terminating", error="DBPathInUse: busy"), line("I", "bye")]
    )
    text = explain_exit(MONGOD, 100, "something printed", log, LOG)
    assert "terminating: DBPathInUse: busy" in text
    assert "mongodb.data_dir" in text
    assert str(LOG) in text


def test_the_fatal_lines_that_follow_do_not_hide_the_error_and_torn_lines_do_no_harm() -> None:
    damaged = line("E", "WiredTiger error message", error=-31804, message={"msg": "the turtle is damaged"})
    log = [
        "",
        '{"s": "E", "ms',
        "[]",
        damaged,
        line("F", "Fatal assertion", msgid=1),
        line("F", "Got signal: 6"),
    ]
    assert last_meaningful_line("\n".join(log)) == "WiredTiger error message: the turtle is damaged"
    assert last_meaningful_line("\n".join(log[4:])) == 'Fatal assertion: {"msgid": 1}'


def test_an_error_that_mongod_printed_as_json_is_quoted_as_text() -> None:
    said = line(
        "F", "Error during global initialization", error={"code": 2, "errmsg": "Unknown --setParameter 'x'"}
    )
    assert "initialization: Unknown --setParameter 'x';" in explain_exit(MONGOD, 2, said, "", LOG)


def test_what_was_printed_is_quoted_when_nothing_was_logged() -> None:
    said = "Error: unknown --setParameter\ntry '/opt/mongod --help' for more information\n"
    assert "ended at start: Error: unknown --setParameter;" in explain_exit(MONGOD, 2, said, "", LOG)
    assert "exit status 9" in explain_exit(MONGOD, 9, "", "", LOG)


@pytest.mark.parametrize("excess", [0, 1])
def test_the_socket_leaves_the_data_folder_only_when_its_path_is_too_long(excess: int) -> None:
    longest = "mongodb-27017.sock"
    room = SOCKET_PATH_LIMIT - len(f"//run/{longest}") + excess
    data_dir = Path("/", "d" * room)
    inside = socket_folder(data_dir, longest) == data_dir / "run"
    assert inside == (excess == 0)
    assert len(str(socket_folder(data_dir, longest) / longest)) <= SOCKET_PATH_LIMIT


def test_two_data_folders_never_share_a_socket_folder() -> None:
    deep = "/deep" * 30
    assert socket_folder(Path(deep, "a"), "s") != socket_folder(Path(deep, "b"), "s")


def test_a_private_folder_is_closed_and_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    make_private(tmp_path / "open")
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "open")
    with pytest.raises(StartupError, match="not a link"):
        make_private(tmp_path / "link")
