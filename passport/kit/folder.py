"""The files of a kit: those of `miniprogram/`, with the two that differ per server filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from passport.config import App
from passport.errors import CommandFailed

SOURCE = Path(__file__).resolve().parents[2] / "miniprogram"
CONFIG, PROJECT = "config.js", "project.config.json"
# What DevTools, npm and editors leave behind; like everything that begins with a dot, it belongs to one machine.
_LEFT_OUT = {"node_modules", "miniprogram_npm", "project.private.config.json", "__pycache__"}

Files = Mapping[str, bytes]


class KitBroken(CommandFailed):
    """The folder of the mini-program is not as it came with the server; the text names the file."""


def kit_folder(app: App, *, base_url: str, checked: bool, source: Path = SOURCE) -> dict[str, bytes]:
    """The mini-program for this app and server, by path within the folder, in the order of the paths.

    Args:
        app: whose appid and way of signing in are filled in; its secret is not read.
        base_url: where the server is reached.
        checked: whether DevTools shall check the domain as WeChat does; it must not where WeChat would refuse it.
        source: the folder to copy.

    Raises:
        KitBroken: there is no such folder, or a file to fill in is missing or has no place for a value.
    """
    found = {path.relative_to(source).as_posix(): path for path in _own_files(source)}
    for name in (CONFIG, PROJECT):
        if name not in found:
            raise KitBroken(f"{source / name}: no such file; restore miniprogram/ from the project")
    files = {name: found[name].read_bytes() for name in sorted(found)}
    files[CONFIG] = _config(files[CONFIG].decode(), app, base_url).encode()
    files[PROJECT] = _project(files[PROJECT].decode(), app, checked=checked).encode()
    return files


def _own_files(source: Path) -> Iterator[Path]:
    for path in source.rglob("*"):
        parts = path.relative_to(source).parts
        if path.is_symlink() or not path.is_file():
            continue
        if not any(part in _LEFT_OUT or part.startswith(".") for part in parts):
            yield path


def _config(text: str, app: App, base_url: str) -> str:
    """Each value after `module.exports`, put into the place of the one that is there."""
    head, exports, body = text.partition("module.exports")
    for key, value in (("baseUrl", base_url), ("appid", app.appid), ("login", app.login)):
        # At the start of a line, where no comment can be taken for it.
        pattern = rf"(?m)^(\s*{key}\s*:\s*)(?:'[^'\n]*'|\"[^\"\n]*\")"
        body, places = re.subn(pattern, r"\g<1>" + _literal(value).replace("\\", r"\\"), body)
        if places != 1:
            raise KitBroken(f"miniprogram/{CONFIG}: {key} has {places} places after module.exports, not one")
    return head + exports + body


def _literal(value: str) -> str:
    """A JavaScript string. JSON's escapes are JavaScript's, and ASCII holds no line separator that ends one."""
    return "'" + json.dumps(value)[1:-1].replace("'", "\\'") + "'"


def _project(text: str, app: App, *, checked: bool) -> str:
    try:
        project = json.loads(text)
        name = app.name or project.get("projectname") or app.appid
        setting = {**project.get("setting", {}), "urlCheck": checked}
    except (ValueError, TypeError, AttributeError) as error:
        raise KitBroken(f"miniprogram/{PROJECT}: not the JSON object that it should be: {error}") from error
    filled = {**project, "appid": app.appid, "projectname": name, "setting": setting}
    return json.dumps(filled, ensure_ascii=False, indent=2) + "\n"
