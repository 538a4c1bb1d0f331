"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from passport.errors import catalogue

README_FILES = ("README.md", "README.zh-CN.md")


@pytest.mark.parametrize("name", README_FILES)
def test_the_readme_lists_every_refusal_with_its_status_and_no_other(name: str, project_root: Path) -> None:
    text = (project_root / name).read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", text, re.MULTILINE))
    assert listed == {code: str(refusal.status) for code, refusal in catalogue().items()}


def test_both_readmes_have_the_same_sections_and_examples(project_root: Path) -> None:
    english, chinese = ((project_root / name).read_text(encoding="utf-8") for name in README_FILES)
    assert [line.count("#") for line in _headings(english)] == [
        line.count("#") for line in _headings(chinese)
    ]
    assert [_without_comments(block) for block in _code(english)] == [
        _without_comments(block) for block in _code(chinese)
    ]


def _headings(text: str) -> list[str]:
    return [line.split(" ")[0] for line in _prose(text) if line.startswith("#")]


def _prose(text: str) -> list[str]:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines()


def _code(text: str) -> list[str]:
    return re.findall(r"```.*?\n(.*?)```", text, flags=re.DOTALL)


def _without_comments(block: str) -> str:
    return re.sub(r"\s*(//|# |#$).*", "", block)
