"""Keep every dependency at or above the first release without a known advisory, installed and locked."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-test.txt")

FLOORS = {
    "tornado": "6.6.1",  # percent-decoding DoS, addslash redirects; 6.5.8 CVE-2026-82397, CVE-2026-91990
    "PyJWT": "2.15.1",  # 2.14.0 CVE-2026-102268: a reshaped public key taken as an HMAC key
    "pycryptodome": "3.19.1",  # CVE-2023-52323: side channel in OAEP
    "pymongo": "4.20.0",  # a client that never recovered; 4.18.2 CVE-2026-96747: heap write by BSON
    "motor": "3.7.1",  # the last release, the only one that gets critical fixes
    "Jinja2": "3.1.6",  # CVE-2025-27516: out of the sandbox
}


def locked_versions(text: str) -> dict[str, list[str]]:
    """Every pinned version by package; a universal lock may pin one package twice, for two platforms."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


def below_floor(package: str, versions: list[str]) -> list[str]:
    return [version for version in versions if Version(version) < Version(FLOORS[package])]


@pytest.mark.parametrize("package", FLOORS)
def test_the_installed_version_has_no_known_advisory(package):
    assert below_floor(package, [metadata.version(package)]) == []


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("package", FLOORS)
def test_the_locked_version_has_no_known_advisory(lock, package):
    versions = locked_versions((ROOT / lock).read_text(encoding="utf-8"))[canonicalize_name(package)]
    assert versions
    assert below_floor(package, versions) == []


@pytest.mark.parametrize("package", FLOORS)
def test_pyproject_asks_for_at_least_the_floor(package):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        canonicalize_name(requirement.name): requirement.specifier
        for requirement in map(Requirement, project["dependencies"])
    }
    asked = [
        clause.version for clause in declared[canonicalize_name(package)] if clause.operator in {">=", "=="}
    ]
    assert asked
    assert below_floor(package, asked) == []


def test_a_version_below_its_floor_is_reported_and_compared_as_a_version():
    assert below_floor("tornado", ["6.6.0", "6.10.0", "6.6.1"]) == ["6.6.0"]


def test_a_lock_that_pins_an_old_version_for_one_platform_is_reported():
    text = "pyjwt==2.15.1 ; sys_platform == 'linux' \\\npyjwt==2.3.0 ; sys_platform == 'win32' \\\n"
    assert below_floor("PyJWT", locked_versions(text)["pyjwt"]) == ["2.3.0"]
