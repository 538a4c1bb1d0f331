"""The search box: what a text is taken for, and the pieces that names are found by."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.directory.grams import comparable, grams_of, grams_to_find, is_told_by_its_grams
from passport.directory.words import Understood, subject_of, token_in, understand
from passport.views.handles import handle_keys_like, handle_keys_of, handle_of

ACCOUNT = "69214f6d8a1b2c3d4e5f6071"
OPENID = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"


def token(claims: object) -> str:
    parts = [json.dumps({"alg": "ES256", "typ": "at+jwt"}), json.dumps(claims)]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("", "nothing", ""),
        ('""', "name", '""'),
        ("小明", "name", "小明"),
        (" Mei  LI ", "name", "Mei  LI"),
        (OPENID, "wechat_id", OPENID),
        (f"  {OPENID}\n", "wechat_id", OPENID),
        (ACCOUNT, "document_id", ACCOUNT),
        (ACCOUNT.upper(), "document_id", ACCOUNT),
        ("0123456789abcdef", "request_id", "0123456789abcdef"),
        ("+86 138 0013 8000", "phone", "+8613800138000"),
        ("13800138000", "phone", "+8613800138000"),
        ("１３８-００１３-８０００", "phone", "+8613800138000"),
        ("(86) 138-0013-8000", "phone", "+8613800138000"),
        ("008613800138000", "phone", "+8613800138000"),
        ("+1 202.555.0104", "phone", "+12025550104"),
        ("00852 0000 0003", "phone", "+85200000003"),
        ("12345678", "name", "12345678"),
        ('"13800138000"', "name", "13800138000"),
        ("“小明”", "name", "小明"),
        ("{$ne: null}", "name", "{$ne: null}"),
    ],
)
def test_a_text_is_taken_for_what_it_looks_like(text: str, kind: str, value: str) -> None:
    assert understand(text) == Understood(kind, value)  # type: ignore[arg-type]


@pytest.mark.parametrize("before", ["", "Bearer ", "bearer  "])
def test_a_pasted_token_is_known_with_or_without_bearer(before: str) -> None:
    pasted = token({"sub": ACCOUNT})
    assert understand(before + pasted) == Understood("token", pasted)
    assert subject_of(token_in(before + pasted)) == ACCOUNT


@pytest.mark.parametrize("claims", [{}, {"sub": 1}, {"sub": "somebody"}, {"sub": {"$ne": 1}}, [], 1, None])
def test_a_token_about_nobody_of_ours_has_no_subject(claims: object) -> None:
    assert subject_of(token(claims)) is None


def test_a_token_that_is_no_json_has_no_subject() -> None:
    assert subject_of("eyJhbGciOiJFUzI1NiJ9.bm90IGpzb24.x") is None
    assert subject_of("eyJhbGciOiJFUzI1NiJ9.a.x") is None


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    sought = comparable(understand(text).value)
    assert not sought or grams_to_find(sought)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("小明明", ["小", "明", "小明", "明明", "小明明"]),
        ("Mei Li", ["m", "l", "me", "EI", "mei", "li", "i l", "mei li"]),
        ("Mei小明", ["mei", "小", "i小", "mei小明"]),
        ("👩‍👩‍👧家", ["👩", "👧家", "家"]),
        ("Ａｎｎa", ["anna", "NN"]),
        ("x\u200by", ["xy"]),
        ("é", ["e\u0301"]),
    ],
)
def test_each_part_of_a_name_finds_it(name: str, parts: list[str]) -> None:
    kept = set(grams_of(comparable(name)))
    for part in parts:
        text = comparable(part)
        assert set(grams_to_find(text)) <= kept, part
        assert text in comparable(name)


names = st.text(st.sampled_from("小明李mei LIö👩🏽\u200d1-"), min_size=1, max_size=12)


@given(names, st.data())
def test_whatever_a_name_holds_finds_it(name: str, data: st.DataObject) -> None:
    kept = comparable(name)
    begin = data.draw(st.integers(0, len(kept)))
    part = comparable(kept[begin : data.draw(st.integers(begin, len(kept)))])
    # One letter is taken for the first of a word.
    if part and part in kept and not (len(part) == 1 and grams_to_find(part)[0].startswith("^")):
        assert set(grams_to_find(part)) <= set(grams_of(kept))


@given(names, names)
def test_what_needs_no_comparing_is_held(name: str, part: str) -> None:
    kept, text = comparable(name), comparable(part)
    if text and is_told_by_its_grams(text) and set(grams_to_find(text)) <= set(grams_of(kept)):
        assert text in kept


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_handle_is_found_whole_and_by_each_of_its_words(language: str) -> None:
    for number in range(50):
        user_id = f"{number:024x}"
        words, numbered = handle_keys_of(user_id)
        handle = handle_of(user_id, language)
        found, numbers = handle_keys_like(handle)
        assert words in found
        assert numbered in numbers
        assert words in handle_keys_like(handle[:-2].rstrip("-"))[0]


def test_a_word_of_a_handle_finds_all_that_have_it_and_a_letter_nobody() -> None:
    assert 40 < len(handle_keys_like("heron")[0]) < 100
    assert handle_keys_like("quiet her") == (("@quiet-heron",), ())
    assert handle_keys_like("a") == handle_keys_like("27") == handle_keys_like("zzz") == ((), ())
