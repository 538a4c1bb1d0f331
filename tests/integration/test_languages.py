"""The hint's language: Chinese, or English for whom Accept-Language says so (RFC 9110 section 12.5.4)."""

from __future__ import annotations

import pytest

from handlers.language import preferred_language
from passport.errors import InvalidRequest, Unregistered
from tests.client import API


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("", "zh"),
        ("zh-CN,zh;q=0.9", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en", "en"),
        ("EN-us", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh;q=0.2, en;q=0.7", "en"),
        ("en;q=0.2, zh;q=0.7", "zh"),
        ("en;q=0, zh;q=0", "zh"),
        ("en;q=0", "zh"),
        ("fr, en;q=0.1", "en"),
        ("fr, de", "zh"),
        ("*", "zh"),
        ("english", "zh"),
        ("en;q=x", "zh"),
        ("en;q=nan", "zh"),
        ("zh-Hant-TW, en;q=0.5", "zh"),
        (",;,q=1;;en", "zh"),
        ("x" * 3000 + ",en", "zh"),
    ],
)
def test_chinese_is_preferred_unless_english_ranks_higher(accept_language: str, expected: str) -> None:
    assert preferred_language(accept_language) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "zh"),
        ({"Accept-Language": "en-US,zh;q=0.9"}, "en"),
        ({"Accept-Language": "en;q=0.2,zh;q=0.7"}, "zh"),
    ],
)
async def test_the_hint_is_in_the_preferred_language(
    api: API, headers: dict[str, str], expected: str
) -> None:
    reply = await api.token(api.wx_login(), headers=headers)

    assert reply.error == "unregistered"
    assert reply.json["hint"] == getattr(Unregistered.hint, expected)
    # The description is for developers and for logs: one language, plain ASCII.
    assert reply.json["error_description"] == Unregistered.description
    assert reply.headers["Vary"] == "Accept-Language"


async def test_a_body_at_fault_is_described_in_english_and_cured_in_the_clients_language(api: API) -> None:
    for accept_language, hint in (("zh", InvalidRequest.hint.zh), ("en", InvalidRequest.hint.en)):
        reply = await api.token({}, headers={"Accept-Language": accept_language})
        assert reply.json["error_description"] == "code is missing."
        assert reply.json["hint"] == hint
