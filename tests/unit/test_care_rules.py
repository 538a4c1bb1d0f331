"""What an operator may write about a user: reasons, notes, tags, the end of a ban."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.care.rules import (
    LONGEST_BAN,
    MOST_TAGS,
    NOTE_LIMIT,
    REASON_LIMIT,
    TAG_LIMIT,
    Unfit,
    ban_end,
    ban_reason,
    note_text,
    tag_name,
    tag_names,
)

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "\u2066\u2069"])
def test_a_ban_without_a_readable_reason_is_refused(text):
    with pytest.raises(Unfit) as refused:
        ban_reason(text)
    assert refused.value.fault == "empty"


def test_a_reason_keeps_its_lines_and_is_bounded():
    assert ban_reason("  刷单\r\n第二次  ") == "刷单\n第二次"
    assert len(ban_reason("字" * REASON_LIMIT)) == REASON_LIMIT
    with pytest.raises(Unfit) as refused:
        ban_reason("字" * (REASON_LIMIT + 1))
    assert refused.value.fault == "too_long"


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\ud800b"])
def test_what_cannot_be_kept_or_shown_is_refused_in_a_note(text):
    with pytest.raises(Unfit) as refused:
        note_text(text)
    assert refused.value.fault == "control_character"


def test_a_note_is_at_most_two_thousand_code_points_and_an_empty_one_is_none():
    assert note_text("\U0001f600" * NOTE_LIMIT) == "\U0001f600" * NOTE_LIMIT
    with pytest.raises(Unfit):
        note_text("x" * (NOTE_LIMIT + 1))
    assert note_text(" \r\n\t ") == ""


@pytest.mark.parametrize("text", ["VIP", "vip", " vip ", "\uff36\uff29\uff30", "vIp\t"])
def test_a_tag_is_one_however_it_is_typed(text):
    assert tag_name(text) == "vip"


def test_tags_come_from_boxes_and_from_one_line_each_once_and_in_order():
    assert tag_names(["vip", "刷单，VIP, 退款 客户、x"]) == ("vip", "x", "刷单", "退款 客户")


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (["x" * (TAG_LIMIT + 1)], "too_long"),
        (["a\u202eb"], "control_character"),
        (["\u200b"], "empty"),
        ([str(each) for each in range(MOST_TAGS + 1)], "too_many"),
    ],
)
def test_tags_that_cannot_be_kept_are_refused(texts, fault):
    with pytest.raises(Unfit) as refused:
        tag_names(texts)
    assert refused.value.fault == fault


@given(st.lists(st.text(max_size=80), max_size=5))
def test_any_tags_are_kept_as_they_will_be_typed_again_or_refused(texts):
    try:
        tags = tag_names(texts)
    except Unfit:
        return
    assert tag_names([",".join(tags)]) == tags
    assert all(1 <= len(tag) <= TAG_LIMIT for tag in tags)


def test_a_ban_ends_after_days_or_never():
    assert ban_end("open", "", zone=SHANGHAI, now=NOW) is None
    assert ban_end("7", "ignored", zone=SHANGHAI, now=NOW) == NOW + timedelta(days=7)


def test_a_typed_end_is_by_the_clock_of_the_dashboard():
    assert ban_end("custom", "2026-11-23T08:00", zone=SHANGHAI, now=NOW) == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "fault"),
    [
        ("", "no_time"),
        ("tomorrow", "no_time"),
        ("9999-12-31T23:59:59-23:59", "no_time"),
        ("0001-01-01T00:00", "no_time"),
        ("2026-11-22T16:30", "past"),
        ("2999-01-01T00:00", "too_far"),
    ],
)
def test_an_end_that_is_none_or_past_or_beyond_all_of_us_is_refused(until, fault):
    with pytest.raises(Unfit) as refused:
        ban_end("custom", until, zone=SHANGHAI, now=NOW)
    assert refused.value.fault == fault


def test_the_longest_ban_is_ten_years():
    end = (NOW + LONGEST_BAN).isoformat()
    assert ban_end("custom", end, zone=SHANGHAI, now=NOW) == NOW + LONGEST_BAN
