"""Imports point one way: server → programs → handlers → passport → passport.store, and the sandbox stands apart.

Each rule is also fed a small offender, so that a checker that sees nothing turns red.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUR_TOP_LEVEL = ("server", "programs", "commands", "playground", "handlers", "passport", "sandbox")
DRIVER = ("motor", "pymongo", "bson", "gridfs")


@dataclass(frozen=True)
class Module:
    name: str
    source: str
    is_package: bool = False

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    importer: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def is_within(name: str, *roots: str) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def absolute(name: str, level: int, package: str) -> str:
    """The dotted name that `level` leading dots before `name` mean inside `package`."""
    if not level:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}".strip(".")


def dynamic_import(call: ast.Call, package: str) -> str | None:
    """The module that importlib.import_module("…") or __import__("…") names, None for any other call."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if called not in {"import_module", "__import__"}:
        return None
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    texts = [
        argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else None
        for argument in (
            call.args[0] if call.args else keywords.get("name"),
            call.args[1] if len(call.args) > 1 else keywords.get("package"),
        )
    ]
    if texts[0] is None:
        return None
    bare = texts[0].lstrip(".")
    return absolute(bare, len(texts[0]) - len(bare), texts[1] or package)


def imports_of(module: Module, known: frozenset[str] = frozenset()) -> Iterator[Import]:
    """Every import, wherever it stands; `from a import b` means a.b when that can be a module."""
    for node in ast.walk(ast.parse(module.source)):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node.module or "", node.level, module.package)
            members = [f"{base}.{alias.name}" for alias in node.names]
            targets = [member if member in known or base not in known else base for member in members]
        elif isinstance(node, ast.Call):
            target = dynamic_import(node, module.package)
            targets = [target] if target else []
        for target in targets:
            yield Import(module.name, node.lineno, target)


def imports_among(modules: list[Module]) -> list[Import]:
    known = frozenset(module.name for module in modules)
    return [found for module in modules for found in imports_of(module, known)]


def our_modules() -> list[Module]:
    paths = [ROOT / "server.py"] if (ROOT / "server.py").exists() else []
    for package in OUR_TOP_LEVEL:
        paths += sorted((ROOT / package).rglob("*.py"))
    modules = []
    for path in paths:
        is_package = path.name == "__init__.py"
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path.read_text(encoding="utf-8"), is_package))
    return modules


def handlers_offences(modules: list[Module]) -> list[Import]:
    return [
        found
        for found in imports_among(modules)
        if is_within(found.importer, "handlers")
        and is_within(found.target, "passport.store", "commands", "programs", "server", "sandbox", *DRIVER)
    ]


def commands_offences(modules: list[Module]) -> list[Import]:
    return [
        found
        for found in imports_among(modules)
        if is_within(found.importer, "commands")
        and is_within(found.target, "passport.store", "handlers", "programs", "server", "sandbox", *DRIVER)
    ]


def passport_offences(modules: list[Module]) -> list[Import]:
    return [
        found
        for found in imports_among(modules)
        if is_within(found.importer, "passport")
        and is_within(found.target, "commands", "handlers", "programs", "server", "sandbox", "tornado.web")
    ]


def driver_offences(modules: list[Module]) -> list[Import]:
    return [
        found
        for found in imports_among(modules)
        if not is_within(found.importer, "passport.store") and is_within(found.target, *DRIVER)
    ]


def leaf_modules(modules: list[Module]) -> set[str]:
    """Plain data and pure rules: they import nothing of ours but passport.errors, and await nothing."""
    climbers = {
        found.importer
        for found in imports_among(modules)
        if is_within(found.target, *OUR_TOP_LEVEL) and not is_within(found.target, "passport.errors")
        if found.target != found.importer
    }
    return {module.name for module in modules if module.name not in climbers and not has_coroutine(module)}


def has_coroutine(module: Module) -> bool:
    return any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(module.source)))


def store_offences(modules: list[Module]) -> list[Import]:
    """What the store imports of our code beyond itself and the leaves of passport."""
    leaves = {name for name in leaf_modules(modules) if is_within(name, "passport")}
    return [
        found
        for found in imports_among(modules)
        if is_within(found.importer, "passport.store")
        and is_within(found.target, *OUR_TOP_LEVEL)
        and not is_within(found.target, "passport.store")
        and found.target not in leaves
    ]


def sandbox_offences(modules: list[Module]) -> list[Import]:
    return [
        found
        for found in imports_among(modules)
        if is_within(found.importer, "sandbox")
        and is_within(found.target, "passport", "commands", "handlers", "programs", "server")
    ]


def playground_offences(modules: list[Module]) -> list[Import]:
    """The playground is for --demo: its program alone imports it, and it reaches for the domain as handlers do."""
    return [
        found
        for found in imports_among(modules)
        if (
            is_within(found.target, "playground")
            and not is_within(found.importer, "playground", "programs.demo")
        )
        or (
            is_within(found.importer, "playground")
            and is_within(found.target, "passport.store", "commands", "programs", "server", *DRIVER)
        )
    ]


def test_the_walk_finds_every_part_of_the_program():
    names = {module.name for module in our_modules()}
    assert names >= {"server", "handlers", "passport", "passport.store", "passport.errors", "sandbox"}


def test_handlers_know_neither_the_store_nor_the_driver():
    assert handlers_offences(our_modules()) == []


def test_commands_know_the_domain_alone():
    assert commands_offences(our_modules()) == []


def test_a_command_that_reaches_too_far_is_reported():
    source = "from passport.store import Store\nimport server\nfrom passport.keys import KeyRing\nimport bson"
    offenders = [Module("commands.keys", source)]
    assert reported(commands_offences(offenders)) == ["passport.store.Store", "server", "bson"]


def test_the_domain_knows_no_http_and_nobody_above_it():
    assert passport_offences(our_modules()) == []


def test_the_driver_is_imported_in_the_store_alone():
    assert driver_offences(our_modules()) == []


def test_the_store_imports_only_leaf_modules_of_the_domain():
    assert store_offences(our_modules()) == []


def test_the_sandbox_knows_nothing_of_the_server_it_plays_against():
    assert sandbox_offences(our_modules()) == []


def test_the_playground_is_imported_by_the_demo_alone_and_reaches_no_further_than_handlers():
    assert playground_offences(our_modules()) == []


@pytest.mark.parametrize(
    ("importer", "source", "target"),
    [
        ("handlers.serving", "from playground import playground_urls", "playground.playground_urls"),
        ("programs.serving", "import playground", "playground"),
        ("playground.acts", "from passport.store import Store", "passport.store.Store"),
        ("playground.acts", "import bson", "bson"),
    ],
)
def test_a_playground_out_of_its_place_is_reported(importer, source, target):
    assert reported(playground_offences([Module(importer, source)])) == [target]


def reported(offences: list[Import]) -> list[str]:
    return [offence.target for offence in offences]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("import passport.store", "passport.store"),
        ("import passport.store.users as users", "passport.store.users"),
        ("from passport import store", "passport.store"),
        ("from passport.store import UserStore", "passport.store.UserStore"),
        ("from passport.store.users import UserStore", "passport.store.users.UserStore"),
        ("from ..passport import store", "passport.store"),
        ("def late():\n    import bson", "bson"),
        ("if TYPE_CHECKING:\n    from motor.motor_asyncio import core", "motor.motor_asyncio.core"),
        ("import importlib\nimportlib.import_module('passport.store')", "passport.store"),
        ("import importlib as il\nil.import_module(name='pymongo')", "pymongo"),
        ("from importlib import import_module\nimport_module('.store', 'passport')", "passport.store"),
        ("import_module('.store', package='passport')", "passport.store"),
        ("__import__('bson')", "bson"),
        ("import server", "server"),
        ("from sandbox import wechat", "sandbox.wechat"),
    ],
)
def test_a_handler_that_reaches_too_far_is_reported_however_it_is_spelt(source, target):
    # Two levels down, so that the relative spelling climbs out of the package.
    assert reported(handlers_offences([Module("handlers.api", source)])) == [target]


def test_a_handler_may_import_the_domain():
    source = (
        "import tornado.web\nfrom passport import login, storefront\nfrom passport.errors import InvalidGrant"
    )
    assert handlers_offences([Module("handlers.base", source)]) == []


def test_a_domain_module_that_imports_http_or_its_callers_is_reported():
    source = (
        "import tornado.web\nfrom tornado import web, ioloop\n"
        "import handlers.base\nimport sandbox\nfrom server import main"
    )
    offenders = [Module("passport.login", source)]
    expected = ["tornado.web", "tornado.web", "handlers.base", "sandbox", "server.main"]
    assert reported(passport_offences(offenders)) == expected


def test_a_driver_import_outside_the_store_is_reported_and_inside_it_is_not():
    source = "from bson import ObjectId\nimport pymongo.errors\nfrom motor import motor_asyncio"
    expected = ["bson.ObjectId", "pymongo.errors", "motor.motor_asyncio"]
    assert reported(driver_offences([Module("passport.users", source)])) == expected
    assert driver_offences([Module("passport.store.users", source)]) == []


def test_a_store_that_imports_the_flow_above_it_is_reported_and_its_leaves_are_not():
    modules = [
        Module("passport", '"""The domain."""', is_package=True),
        Module("passport.errors", "import http"),
        Module("passport.records", "import datetime\nfrom passport.errors import StartupError"),
        Module("passport.login", "from passport.store.users import UserStore"),
        Module("passport.flow", "from . import login"),
        Module("passport.users", "async def ban(users): await users.ban()"),
        Module("passport.store", "from . import users", is_package=True),
        Module(
            "passport.store.users",
            "from ..errors import Refusal\nfrom passport.records import User\nfrom . import client\n"
            "from passport.login import LoginFlow\nfrom .. import flow\nimport passport.users\nimport handlers",
        ),
        Module("passport.store.client", "import motor"),
    ]
    assert reported(store_offences(modules)) == [
        "passport.login",
        "passport.flow",
        "passport.users",
        "handlers",
    ]


def test_a_sandbox_that_imports_the_server_is_reported():
    source = "from passport.wechat import crypto\nimport handlers\nimport aiohttp"
    assert reported(sandbox_offences([Module("sandbox.wechat", source)])) == [
        "passport.wechat.crypto",
        "handlers",
    ]
