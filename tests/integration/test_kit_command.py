"""`python server.py kit`, as an operator runs it: it needs no MongoDB, no WeChat and no running server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import APP_SECRET, APPID
from tests.fault.running import ROOT, SECRET_KEY, environment


def run(folder: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """The finished command, where nothing that the configuration names can be reached."""
    nowhere = {"mongodb__uri": "mongodb://127.0.0.1:1", "wechat__base_url": "http://127.0.0.1:1"}
    apps = {"wechat__apps": [{"appid": APPID, "secret": APP_SECRET}], "secret_key": SECRET_KEY}
    return subprocess.run(
        [sys.executable, str(ROOT / "server.py"), "kit", *arguments],
        cwd=folder,
        env=environment({**nowhere, **apps, **settings}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_kit_is_written_and_a_second_one_does_not_overwrite_it(tmp_path: Path) -> None:
    ended = run(tmp_path, "--out", "kit", server__public_url="https://login.example.com")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"files for {APPID} at https://login.example.com\n" in ended.stdout
    assert "baseUrl: 'https://login.example.com'," in (tmp_path / "kit/config.js").read_text()
    everything = "".join(path.read_text() for path in tmp_path.rglob("*.*") if path.is_file())
    assert (APP_SECRET in everything, SECRET_KEY in everything) == (False, False)
    assert [path.name for path in tmp_path.iterdir()] == ["kit"]
    again = run(tmp_path, "--out", "kit", server__public_url="https://other.example.com")
    assert (again.returncode, again.stdout) == (1, "")
    assert "is there already and not empty; nothing was written" in again.stderr
    assert "login.example.com" in (tmp_path / "kit/config.js").read_text()


def test_what_is_missing_for_a_release_is_told_and_the_kit_is_written_for_devtools(tmp_path: Path) -> None:
    ended = run(tmp_path, "--appid", APPID, "--out", "kit", server__public_url="http://10.0.0.7:8000")
    assert ended.returncode == 0
    warnings = ended.stderr.splitlines()
    assert all(line.startswith("Not for a release yet: server.public_url is ") for line in warnings)
    assert ["https" in warnings[0], "an IP address" in warnings[1], len(warnings)] == [True, True, 2]
    assert "baseUrl: 'http://10.0.0.7:8000'," in (tmp_path / "kit/config.js").read_text()


def test_what_cannot_be_made_is_told_with_the_cure(tmp_path: Path) -> None:
    ended = run(tmp_path, "--appid", "wx0000000000000000", "--out", "kit")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert (
        ended.stderr
        == f"wx0000000000000000: no such mini-program in wechat.apps; choose one with --appid: {APPID}\n"
    )
    ended = run(tmp_path, "--out", "kit", "--port", "0")
    assert ended.returncode == 1
    assert "set server.public_url, or give the port with --port" in ended.stderr
    assert list(tmp_path.iterdir()) == []
