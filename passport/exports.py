"""What is downloaded, as CSV that no spreadsheet takes for formulas, or as JSON Lines; piece by piece, of any length.

CSV follows RFC 4180, every cell quoted, in UTF-8 with a byte order mark, without which Excel takes it for the system's
old code page. Cells that a spreadsheet might calculate get a leading apostrophe (OWASP, CSV Injection). To read the
values back, take one leading apostrophe away from each cell that has one: `without_guard`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from passport.clock import rfc3339

Row = Mapping[str, Any]

# What spreadsheets pass over before they look whether a cell is a formula: white space, controls, what has no width.
_PASSED_OVER = "\\s\\x00-\\x20\\x7f-\\xa0\\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
# = + - @ and their full-width, small, raised and lowered forms, which become them when a spreadsheet normalises.
_CALCULATES = (
    "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u207b\u208c\u208a\u208b\u2212"
)
# A text that has an apostrophe of its own is guarded too, or its reader would lose that one.
_NEEDS_GUARD = re.compile(f"[{_PASSED_OVER}]*[{_CALCULATES}]|[\\t\\r\\n\\x00']")
_GUARD = "'"


class Format(Protocol):
    """A way to write rows: `head()` once, then `rows(…)` for each batch."""

    name: str
    media_type: str

    def head(self) -> bytes:
        """What comes before the first row."""

    def rows(self, rows: Iterable[Row]) -> bytes:
        """These rows, complete, to be appended."""


class CSVFormat:
    """Rows as CSV with a header line; a member that a row does not have is an empty cell.

    Args:
        columns: the members to write, in order.
    """

    name, media_type = "csv", "text/csv; charset=utf-8; header=present"

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)

    def head(self) -> bytes:
        """The byte order mark and the names of the columns."""
        return b"\xef\xbb\xbf" + _written([self._columns])

    def rows(self, rows: Iterable[Row]) -> bytes:
        """One line for each row."""
        return _written([row.get(column) for column in self._columns] for row in rows)


class JSONLinesFormat:
    """Rows as one JSON object a line, with their types. Lines end in LF, and no value holds a raw one."""

    name, media_type = "jsonl", "application/jsonl; charset=utf-8"

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def rows(self, rows: Iterable[Row]) -> bytes:
        """One line for each row."""
        return "".join(_line(row) for row in rows).encode("utf-8", "replace")


FORMATS = (CSVFormat.name, JSONLinesFormat.name)


def make_format(name: str, columns: Sequence[str]) -> Format:
    """The format of this name, one of FORMATS. Raises KeyError for another."""
    made: dict[str, Format] = {"csv": CSVFormat(columns), "jsonl": JSONLinesFormat()}
    return made[name]


def safe_cell(value: object) -> str:
    """A value as the text of one cell, which no spreadsheet calculates. Only texts can be formulas."""
    match value:
        case str():
            return _GUARD + value if _NEEDS_GUARD.match(value) else value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return rfc3339(value)
        case list() | tuple():
            return safe_cell(", ".join(str(each) for each in value))
        case Mapping():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)
        case _:
            return str(value)


def without_guard(cell: str) -> str:
    """The text that `safe_cell` was given."""
    return cell.removeprefix(_GUARD)


def _written(lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    # Every cell is quoted: then one separator alone is believed, and no text can begin a cell of its own.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([safe_cell(value) for value in line] for line in lines)
    return text.getvalue().encode("utf-8", "replace")


def _line(row: Row) -> str:
    return json.dumps(dict(row), ensure_ascii=False, separators=(",", ":"), default=_plain) + "\n"


def _plain(value: object) -> object:
    match value:
        case datetime():
            return rfc3339(value)
        case Mapping():
            return dict(value)
        case _:
            return str(value)
