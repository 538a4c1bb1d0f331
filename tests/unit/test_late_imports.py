"""What is imported when it is first needed: not before, so that an idle server is small, and yet without a fault."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from handlers import make_app
from handlers.late import LateApplication

ROOT = Path(__file__).resolve().parents[2]
OURS = ("server.py", "programs", "commands", "playground", "handlers", "passport")
LATE = (
    "handlers.admin",
    "handlers.templating",
    "jinja2",
    "babel",
    "regex",
    "defusedxml",
    "pycparser",
    "PIL",
    "segno",
)


def app() -> LateApplication:
    """The application, over services that are nothing but settings."""
    services: Any = SimpleNamespace(settings=SimpleNamespace(server=SimpleNamespace(public_url=None)))
    return make_app(services)


def asking(path: str) -> HTTPServerRequest:
    """A request whose headers have just come."""
    line = RequestStartLine("GET", path, "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost"}))


def test_a_server_that_was_only_started_has_none_of_it() -> None:
    program = "import server, programs.serving, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60, capture_output=True, text=True
    )
    modules = set(found.stdout.split())
    assert {"handlers.api.oauth", "pymongo"} <= modules
    assert modules & set(LATE) == set()


def test_the_dashboard_comes_with_its_first_request_or_link() -> None:
    application = app()
    for path in ("/", "/healthz", "/oauth/token", "/nothing"):
        application.find_handler(asking(path))
    assert "admin-overview" not in application.wildcard_router.named_rules
    for path in ("/admin", "/admin/users"):
        application.find_handler(asking(path))
    assert "admin-overview" in application.wildcard_router.named_rules
    assert app().reverse_url("admin-users") == "/admin/users"


def imported_late() -> Iterator[tuple[str, str, str | None]]:
    """File, module and name of each import in a function."""
    for top in OURS:
        for path in [ROOT / top] if top.endswith(".py") else sorted((ROOT / top).rglob("*.py")):
            for function in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                for node in ast.walk(function):
                    if isinstance(node, ast.Import):
                        yield from ((path.name, each.name, None) for each in node.names)
                    if isinstance(node, ast.ImportFrom):
                        yield from ((path.name, str(node.module), each.name) for each in node.names)


@pytest.mark.parametrize(("file", "module", "name"), sorted(set(imported_late()), key=str))
def test_what_is_imported_late_is_there(file: str, module: str, name: str | None) -> None:
    found = importlib.import_module(module)
    # What is missing may yet be a module of the package.
    assert name is None or hasattr(found, name) or importlib.import_module(f"{module}.{name}")
