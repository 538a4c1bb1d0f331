"""CHECKLIST.md: the checklist as a text, Chinese first, then English."""

from __future__ import annotations

from collections.abc import Iterator

from passport.kit.checklist import Checklist, Entry, Step, fault_words
from passport.kit.words import Words

NAME = "CHECKLIST.md"
_TITLE = Words("上线清单", "Before the release")
_FILLED = Words(
    "`config.js` 和 `project.config.json` 已填好，其余文件无需修改。文件夹中没有 AppSecret，也不要放入。",
    "`config.js` and `project.config.json` are filled in, and nothing else needs an edit. There is no AppSecret in "
    "this folder, and none belongs here.",
)
_NOT_YET = Words("还不能上线，只能在开发者工具中使用：", "Not for a release yet, only for DevTools:")
_BASE = Words("服务器地址", "Server")
_COLON = {"zh": "：", "en": ": "}
_SHORT = 60


def as_markdown(checklist: Checklist) -> str:
    """The whole file."""
    parts = ["\n".join(_lines(checklist, language)) for language in ("zh", "en")]
    return "\n\n---\n\n".join(parts) + "\n"


def _lines(checklist: Checklist, language: str) -> Iterator[str]:
    colon = _COLON[language]
    name = f"{checklist.app_name} " if checklist.app_name else ""
    yield f"# {_TITLE.of(language)}{colon}{name}{checklist.appid}"
    yield ""
    yield f"{_BASE.of(language)}{colon}`{checklist.base_url}`"
    yield ""
    yield _FILLED.of(language)
    if checklist.faults:
        yield ""
        yield f"**{_NOT_YET.of(language)}**"
        yield ""
    for fault in checklist.faults:
        yield f"- {fault_words(fault, checklist.base_url).of(language)}"
    for number, step in enumerate(checklist.steps, 1):
        yield from _step(number, step, language)


def _step(number: int, step: Step, language: str) -> Iterator[str]:
    yield ""
    yield f"## {number}. {step.title.of(language)}"
    yield ""
    if place := step.place.of(language):
        yield place
        yield ""
    for entry in step.entries:
        yield from _entry(entry, language)


def _entry(entry: Entry, language: str) -> Iterator[str]:
    field, value = entry.field.of(language), entry.value
    colon = _COLON[language]
    short = value is not None and len(value) <= _SHORT
    yield f"- [ ] **{field}**{colon}`{value}`" if short else f"- [ ] **{field}**"
    if value is not None and not short:
        yield ""
        yield f"  ```sh\n  {value}\n  ```"
        yield ""
    yield f"  {entry.why.of(language)}"
