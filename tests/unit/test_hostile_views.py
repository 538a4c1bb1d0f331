"""Text that somebody else wrote is shown so that nothing in it stays unseen (R-039)."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.templating import TEMPLATES_PATH, load_templates
from passport.views.hostile import LINE, shown_text


@pytest.mark.parametrize(
    "text",
    ["小美🌸", "👩‍👩‍👧‍👦 一家", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "1️⃣", "🇨🇳", "👍🏽", "مرحبا", "Z̧͑", "Phạm Thị Ngữ", "<b>&", "עִבְרִית"],
)
def test_what_can_be_seen_is_shown_as_it_is(text: str) -> None:
    shown = shown_text(text)
    assert (str(shown), shown.strange, shown.clipped) == (text, False, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\u202eabc", "⟨U+202E⟩abc"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\u2067x\u2069", "⟨U+2067⟩x⟨U+2069⟩"),
        ("\ufeff", "⟨U+FEFF⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("\u2800", "⟨U+2800⟩"),
        ("a\nb", "a⟨U+000A⟩b"),
        ("a\x00\x1b[31m", "a⟨U+0000⟩⟨U+001B⟩[31m"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\u2028b", "a⟨U+2028⟩b"),
        ("mei\U000e0041", "mei⟨U+E0041⟩"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("a\ufe0f", "a⟨U+FE0F⟩"),
        ("\u200b" * 3, "⟨U+200B ×3⟩"),
    ],
    ids=ascii,
)
def test_what_cannot_be_seen_is_named(text: str, told: str) -> None:
    shown = shown_text(text)
    assert (str(shown), shown.strange) == (told, True)


def test_a_tower_of_marks_is_cut_and_counted() -> None:
    assert str(shown_text("a" + "\u0301" * 10)) == "a" + "\u0301" * 4 + "⟨U+0301 ×6⟩"


def test_a_long_text_is_clipped_between_graphemes() -> None:
    family = "👩‍👩‍👧‍👦"
    assert str(shown_text(family * 3, most=2)) == family * 2 + "…"


def test_a_text_of_just_the_length_is_not_clipped() -> None:
    assert not shown_text("字" * LINE).clipped


def test_megabytes_of_marks_take_no_time() -> None:
    before = time.process_time()
    assert len(str(shown_text("a" + "\u0301\u200d\u202e" * 1_000_000))) < 20_000
    assert time.process_time() - before < 1


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_is_shown_without_a_character_that_turns_or_hides(text: str) -> None:
    shown = shown_text(text)
    for turning in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\n\r\x00":
        assert turning not in str(shown)
    str(shown).encode()


def test_the_macro_isolates_and_escapes() -> None:
    page = load_templates(TEMPLATES_PATH).from_string(
        '{% from "admin/_hostile.html" import told %}{{ told(view) }}'
    )
    assert page.render(view=shown_text("<b>\u202e")) == (
        '<bdi class="hostile">&lt;b&gt;<span class="unseen" title="Right-to-left override">U+202E</span></bdi>'
    )
