"""The grammar of the command line: the commands, and the options before and after them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands.arguments import parse_arguments
from passport.audit import Head

DEFAULT = Path("config.yaml")
SERVE = {"command": "serve", "config": DEFAULT, "demo": False, "port": None}


def parsed(line: str) -> dict[str, Any]:
    return vars(parse_arguments(line.split(), config=DEFAULT))


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("", {}),
        ("serve", {}),
        ("--demo --port 0", {"demo": True, "port": 0}),
        ("--port 1 serve", {"port": 1}),
        ("serve --port 1", {"port": 1}),
        ("check --config a.yaml", {"command": "check", "config": Path("a.yaml")}),
        ("--config a.yaml check", {"command": "check", "config": Path("a.yaml")}),
        ("keys list", {"command": "keys", "action": "list"}),
        ("--config a.yaml keys rotate", {"command": "keys", "action": "rotate", "config": Path("a.yaml")}),
        ("keys rotate --config a.yaml", {"command": "keys", "action": "rotate", "config": Path("a.yaml")}),
        ("keys retire K", {"command": "keys", "action": "retire", "kid": "K", "now": False}),
        ("keys retire K --now", {"command": "keys", "action": "retire", "kid": "K", "now": True}),
        ("operator list", {"command": "operator", "action": "list"}),
        (
            "operator add lin --role admin",
            {"command": "operator", "action": "add", "name": "lin", "role": "admin", "password_stdin": False},
        ),
        (
            "operator reset-password lin --password-stdin",
            {"command": "operator", "action": "reset-password", "name": "lin", "password_stdin": True},
        ),
        ("operator disable lin", {"command": "operator", "action": "disable", "name": "lin"}),
        ("audit verify", {"command": "audit", "action": "verify", "head": None}),
        (
            f"audit verify --head 7:{'0a' * 32}",
            {"command": "audit", "action": "verify", "head": Head(7, b"\n" * 32)},
        ),
        ("audit export", {"command": "audit", "action": "export", "format": "jsonl"}),
        ("kit --out a", {"command": "kit", "appid": None, "out": Path("a")}),
        ("kit --appid wx1 --out a", {"command": "kit", "appid": "wx1", "out": Path("a")}),
        ("audit export --format csv", {"command": "audit", "action": "export", "format": "csv"}),
    ],
)
def test_a_command_with_its_options(line: str, changes: dict[str, Any]) -> None:
    assert parsed(line) == SERVE | changes


@pytest.mark.parametrize(
    "line",
    [
        "sevre",
        "keys",
        "keys retire",
        "keys list K",
        "keys rotate --now",
        "--demo keys list",
        "--port x",
        "operator",
        "operator add lin",
        "operator add lin --role owner",
        "operator disable",
        "--demo operator list",
        "audit",
        "audit verify --head 1",
        "--demo audit verify",
        "kit",
        "--demo kit --out a",
    ],
)
def test_a_wrong_line_is_the_usage_and_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(line)
    assert ended.value.code == 2
    assert "usage: server.py" in capsys.readouterr().err
