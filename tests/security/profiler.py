"""What mongod was asked, by its own account: its profiler at level 2 writes down every operation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Database = Any
_FILLING = {"search": {"$exists": False}}
Entry = dict[str, Any]
# The driver's own members are not operators of a filter.
_DRIVERS = {"$db", "$clusterTime", "$readPreference", "$audit"}
# Every command but those of the profiler itself, and of what runs in the background, where no request says a filter.
_NOT_THE_PROFILER = {
    "ns": {"$not": re.compile(r"system\.profile|\.(statistics|wechat_health|jobs|job_changes|turns)$")}
}


@contextmanager
def profiling(database: Database) -> Iterator[Database]:
    """The database with mongod writing down every operation."""
    database.command("profile", 0)
    database.create_collection("system.profile", capped=True, size=64 * 2**20)
    database.command("profile", 2)
    yield database
    database.command("profile", 0)


def asked(database: Database) -> list[Entry]:
    """Every operation, but for the walk that fills in what users of an older version are found by."""
    found = database["system.profile"].find(_NOT_THE_PROFILER)
    return [each for each in found if each.get("command", {}).get("filter") != _FILLING]


def operators_in(value: Any, path: str = "") -> Iterator[str]:
    """The path of every member whose name begins with a dollar, however deep: `q._id.$ne`. Lists add nothing to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in _DRIVERS:
                continue
            here = f"{path}.{name}" if path else name
            if name.startswith("$"):
                yield here
            yield from operators_in(inner, here)
    elif isinstance(value, list):
        for inner in value:
            yield from operators_in(inner, path)


def operators(database: Database) -> set[str]:
    """The names of the operators in all of it."""
    return {path.rpartition(".")[2] for entry in asked(database) for path in _paths(entry)}


def places(database: Database) -> set[str]:
    """Where in which collection's commands they stood: `sessions q._id.$ne`."""
    return {f"{_collection(entry)} {path}" for entry in asked(database) for path in _paths(entry)}


def collections(database: Database) -> set[str]:
    """The collections that the server asked or changed; what the test itself reads has no name."""
    return {_collection(entry) for entry in asked(database) if entry.get("appName") == "wxpassport"}


def filters(database: Database) -> list[Entry]:
    """The filters in all of it."""
    commands = [entry.get("command", {}) for entry in asked(database)]
    found = [command.get("filter") or command.get("query") or command.get("q") for command in commands]
    return [each for each in found if each]


def _paths(entry: Entry) -> Iterator[str]:
    return operators_in(entry.get("command", {}))


def _collection(entry: Entry) -> str:
    name: str = entry["ns"].partition(".")[2]
    return name
