"""The rules of the audit log: one form of bytes for one act, a chain that shows changes, nothing personal in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.audit.canonical import canonical
from passport.audit.chain import Altered, Chain, Head
from passport.audit.fields import LONGEST, MOST_MEMBERS, Fields, is_hidden
from passport.models import Act
from passport.sealing import Sealer

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
KEY = b"a secret key of the tests, 32 bytes or more: 7d1f"
ACT = Act(
    kind="user.ban",
    actor_id="66f000000000000000000001",
    actor_name="lin",
    target_kind="user",
    target_id="66f000000000000000000002",
    before={"status": "active"},
    after={"status": "banned", "reason": "刷单"},
    ip="192.0.2.7",
    request_id="0123456789abcdef",
    at=AT,
)


@pytest.fixture
def chain() -> Chain:
    return Chain(Sealer(KEY, "audit"))


@pytest.fixture
def fields() -> Fields:
    return Fields(Sealer(KEY, "audit-fields"))


# Canonical bytes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # The examples of RFC 8785 section 3.2.2.2 and 3.2.3, as far as such values exist here.
        ('€$\x0f\nA\'B"\\\\"/', r'"€$\u000f\nA' + "'" + r'B\"\\\\\"/"'),
        ({"b": 1, "a": [None, True, False], "C": -1}, '{"C":-1,"a":[null,true,false],"b":1}'),
        ("\x7f\u2028\U0001f600", '"\x7f\u2028\U0001f600"'),
        ({}, "{}"),
        (2**53 - 1, "9007199254740991"),
    ],
)
def test_a_value_has_the_bytes_of_rfc_8785(value: object, text: str) -> None:
    assert canonical(value) == text.encode()


@pytest.mark.parametrize(
    "value", [1.0, 2**53, b"x", AT, {"ä": 1}, {1: 2}, {"a$": 1}, "\ud800", (1,), {"": 1}]
)
def test_what_has_no_single_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"canonical form|surrogates"):
        canonical(value)


# The chain


def test_entries_follow_each_other_and_are_known_again(chain: Chain) -> None:
    first, second = chain.documents([ACT, replace(ACT, kind="user.unban")], after=chain.start)
    assert (first["_id"], second["_id"]) == (1, 2)
    assert (chain.read(first).act, chain.read(first).previous) == (ACT, chain.start.mac)
    assert chain.read(second).previous == chain.read(first).mac


def test_the_mac_is_what_the_documentation_says(chain: Chain) -> None:
    (document,) = chain.documents([ACT], after=chain.start)
    said = (
        '{"actor_id":"66f000000000000000000001","actor_name":"lin","after":{"reason":"刷单","status":"banned"},'
        '"at":"2026-11-22T08:30:00.000Z","before":{"status":"active"},"ip":"192.0.2.7","kind":"user.ban",'
        '"request_id":"0123456789abcdef","seq":1,"target_id":"66f000000000000000000002","target_kind":"user"}'
    )
    assert document["mac"] == Sealer(KEY, "audit").digest("entry", chain.start.mac, said)


@pytest.mark.parametrize(
    "change",
    [
        {"_id": 2},
        {"_id": 1.0},
        {"_id": True},
        {"kind": "user.unban"},
        {"actor_name": "ada"},
        {"before": {}},
        {"after": {"status": "banned"}},
        {"after": {"status": "banned", "reason": "刷单", "more": 1.5}},
        {"after": [1]},
        {"at": AT + timedelta(milliseconds=1)},
        {"at": "2026-11-22T08:30:00.000Z"},
        {"previous": bytes(32)},
        {"mac": bytes(32)},
        {"mac": None},
        {"extra": 1},
    ],
    ids=str,
)
def test_every_change_of_a_document_shows(chain: Chain, change: dict[str, object]) -> None:
    (document,) = chain.documents([ACT], after=chain.start)
    with pytest.raises(Altered):
        chain.read({**document, **change})


def test_a_document_that_lacks_a_member_shows(chain: Chain) -> None:
    (document,) = chain.documents([ACT], after=chain.start)
    for name in document:
        with pytest.raises(Altered):
            chain.read({key: value for key, value in document.items() if key != name})


def test_another_key_makes_other_entries(chain: Chain) -> None:
    guessed = Chain(Sealer(b"a guess of the secret key, 32 bytes or more: 00", "audit"))
    (document,) = guessed.documents([ACT], after=guessed.start)
    with pytest.raises(Altered):
        chain.read(document)


def test_a_head_can_be_written_down_and_read_back(chain: Chain) -> None:
    (document,) = chain.documents([ACT], after=chain.start)
    head = chain.read(document).head
    assert Head.parse(f" {head}\n") == head
    for wrong in ("", "1", "0:" + "00" * 32, "1:ab", "-1:" + "00" * 32, "１:" + "00" * 32):
        with pytest.raises(ValueError, match="SEQ:MAC"):
            Head.parse(wrong)


# What is written down


def test_what_is_on_the_list_is_kept_and_everything_else_is_a_digest(fields: Fields) -> None:
    act = replace(ACT, before={"nickname": "小美", "phone": "+8613800138000", "status": "active"}, after={})
    told = fields.fit(act).before
    assert told["status"] == "active"
    assert is_hidden(told["nickname"])
    assert is_hidden(told["phone"])
    assert "小美" not in str(told)
    assert "138" not in str(told).replace(str(told["phone"]), "")


def test_a_digest_shows_whether_a_value_changed_and_not_in_which_field_else(fields: Fields) -> None:
    def told(**values: object) -> dict[str, object]:
        return dict(fields.fit(replace(ACT, after=values)).after)

    assert told(nickname="小美") == told(nickname="小美") != told(nickname="小丽")
    assert told(nickname="小美")["nickname"] != told(city="小美")["city"]


def test_nested_fields_are_named_with_a_dot_and_judged_by_their_last_name(fields: Fields) -> None:
    told = fields.fit(replace(ACT, after={"ban": {"reason": "spam", "note": "x"}, "tags": ["a", "b"]})).after
    assert told["ban.reason"] == "spam"
    assert is_hidden(told["ban.note"])
    assert told["tags"] == ["a", "b"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("his phone 13800138000 called", "his phone 1380…00 called"),
        ("+8613800138000", "+861…00"),
        ("openid oGZUI0egBJY1zhBYw2KhdUfwVJJE", "openid oGZU…JE"),
        ("account 66f000000000000000000001", "account 66f000000000000000000001"),
        ("2026-11-22 08:30", "2026-11-22 08:30"),
    ],
)
def test_what_people_paste_into_a_reason_is_masked(fields: Fields, typed: str, kept: str) -> None:
    assert fields.fit(replace(ACT, after={"reason": typed})).after["reason"] == kept


class _Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [None, True, 5, 2**60, 1.5, AT, b"x", "a" * 10_000, "\ud800", "\0", _Colour.RED, {1, 2}, [[1]], object()],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_handed_in_becomes_something_that_can_be_kept(
    fields: Fields, chain: Chain, value: object
) -> None:
    act = fields.fit(replace(ACT, before={"status": value, "other": value}, after={"a.$b": value, "": 1}))
    (document,) = chain.documents([act], after=chain.start)
    assert chain.read(document).act == act
    assert len(str(act.before)) < 3 * LONGEST


@given(st.dictionaries(st.text(max_size=5), st.recursive(st.text(max_size=9), st.lists, max_leaves=5)))
def test_nothing_that_is_handed_in_keeps_an_act_from_being_recorded(values: dict[str, object]) -> None:
    chain = Chain(Sealer(KEY, "audit"))
    act = Fields(Sealer(KEY, "audit-fields")).fit(replace(ACT, before=values))
    assert chain.documents([act], after=chain.start)


def test_an_act_has_a_bounded_number_of_fields(fields: Fields) -> None:
    act = fields.fit(replace(ACT, after={f"f{n}": n for n in range(1000)}))
    assert len(act.after) == MOST_MEMBERS
