"""The filter of the users list: what a URL asks for, and the URL that asks for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.directory.filters import UserFilter

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERYTHING = {
    "q": "小明",
    "status": "banned",
    "app": "wx4f4bc4dec97d474b",
    "registered_from": "2026-11-01",
    "registered_to": "2026-11-30",
    "seen_from": "2026-11-20",
    "seen_to": "2026-11-21",
    "phone": "yes",
    "unionid": "no",
    "tag": "vip",
}


def test_a_filter_and_its_query_say_the_same() -> None:
    found, faults = UserFilter.from_query(EVERYTHING, SHANGHAI)
    assert faults == {}
    assert found.to_query() == EVERYTHING
    assert (found.has_phone, found.has_unionid, found.registered_from) == (True, False, date(2026, 11, 1))


def test_each_field_is_there_alone() -> None:
    for name, value in EVERYTHING.items():
        found, faults = UserFilter.from_query({name: value})
        assert (found.to_query(), faults) == ({name: value}, {})
        assert not found.is_everybody


def test_nothing_asks_for_everybody() -> None:
    found, faults = UserFilter.from_query({"sort": "seen", "q": "  ", "status": "", "app": ""})
    assert found.is_everybody
    assert found == UserFilter()
    assert faults == {}


def test_days_are_whole_days_of_the_zone_the_last_one_included() -> None:
    found, _ = UserFilter.from_query(EVERYTHING, SHANGHAI)
    assert found.seen.since == datetime(2026, 11, 19, 16, tzinfo=UTC)
    assert found.seen.before == datetime(2026, 11, 21, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ({"status": "deleted"}, {"status": "unknown"}),
        ({"phone": "maybe"}, {"phone": "unknown"}),
        ({"registered_from": "yesterday"}, {"registered_from": "no_date"}),
        ({"seen_to": "9999-12-31"}, {"seen_to": "no_date"}),
        ({"seen_from": "0001-01-01"}, {"seen_from": "no_date"}),
        ({"registered_from": "2026-11-02", "registered_to": "2026-11-01"}, {"registered_to": "backwards"}),
        ({"q": "x" * 201}, {"q": "too_long"}),
        ({"q": "a\ud800"}, {"q": "not_text"}),
        ({"tag": "a\0"}, {"tag": "not_text"}),
    ],
)
def test_what_is_wrong_is_said_by_the_field(query: dict[str, str], faults: dict[str, str]) -> None:
    assert UserFilter.from_query(query)[1] == faults


names = st.sampled_from([*EVERYTHING, "sort", "$where"])
values = st.one_of(
    st.sampled_from([*EVERYTHING.values(), "no", ""]), st.text(max_size=20), st.dates().map(str)
)


@given(st.dictionaries(names, values))
def test_no_query_breaks_it_and_what_was_understood_is_understood_again(query: dict[str, str]) -> None:
    found, _ = UserFilter.from_query(query, SHANGHAI)
    assert UserFilter.from_query(found.to_query(), SHANGHAI) == (found, {})
