"""What checks the mini-program is locked as the rest is: exact versions and digests, and no place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_project_habits import HOST

FOLDER = Path(__file__).resolve().parents[1] / "miniprogram"


def offences(lock: dict[str, Any]) -> list[str]:
    """Packages without an exact version or a digest, and texts that name a place."""
    packages = {name: package for name, package in lock["packages"].items() if name}
    loose = [
        name
        for name, package in packages.items()
        if not re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", package.get("version", ""))
        or not package.get("integrity", "").startswith("sha512-")
    ]
    return loose + HOST.findall(json.dumps(lock))


def test_the_lock_holds_digests_and_names_no_place() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    assert len(lock["packages"]) > 10
    assert offences(lock) == []


def test_what_is_asked_for_is_asked_for_exactly_and_locked() -> None:
    asked = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in asked} == asked


@pytest.mark.parametrize(
    "change",
    [
        {"version": "latest"},
        {"integrity": ""},
        {"resolved": "https:" + "//packages.example/x.tgz"},
        {"funding": {"url": "https:" + "//example.com/sponsor"}},
    ],
)
def test_a_loose_or_placed_package_is_reported(change: dict[str, Any]) -> None:
    package = {"version": "1.2.3", "integrity": "sha512-x"}
    assert offences({"packages": {"": {}, "node_modules/x": package}}) == []
    assert offences({"packages": {"": {}, "node_modules/x": {**package, **change}}})
