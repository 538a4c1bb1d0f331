"""The stand-in's access_tokens, phone codes and aimed faults: what WeChat promises of them, by a clock that stands."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import Faults
from sandbox.people import People
from sandbox.phone_number import phone_number
from sandbox.stable_token import stable_token

APPID, SECRET = "wx00000000000000aa", "secret-a"
OTHER_APPID, OTHER_SECRET = "wx00000000000000bb", "secret-b"


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(clock: Clock) -> People:
    return People({APPID: SECRET, OTHER_APPID: OTHER_SECRET}, now=clock)


def ask(people: People, **changes: Any) -> dict[str, Any]:
    fields = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}
    return stable_token(fields | changes, people)


def redeem(people: People, code: str, token: str | None = None) -> dict[str, Any]:
    return phone_number({"access_token": token or ask(people)["access_token"], "code": code}, people)


def test_repeated_calls_give_the_same_token_and_its_remaining_life(people: People, clock: Clock) -> None:
    first = ask(people)
    clock.at += 6000
    assert first["expires_in"] == 7200
    assert ask(people) == {**first, "expires_in": 1200}


def test_a_token_is_renewed_in_its_last_five_minutes_and_lives_on_to_its_end(
    people: People, clock: Clock
) -> None:
    former = ask(people)["access_token"]
    clock.at += 6901
    renewed = ask(people)
    assert (renewed["access_token"] != former, renewed["expires_in"]) == (True, 7200)
    assert redeem(people, people.phone_code("mei"), former)["errcode"] == 0
    clock.at += 299
    assert redeem(people, people.phone_code("mei"), former)["errcode"] == 42001


def test_force_refresh_voids_the_former_but_not_twice_in_thirty_seconds(people: People, clock: Clock) -> None:
    first = ask(people)["access_token"]
    second = ask(people, force_refresh=True)["access_token"]
    assert second != first
    assert redeem(people, people.phone_code("mei"), first)["errcode"] == 40001
    clock.at += 29
    assert ask(people, force_refresh=True)["access_token"] == second
    clock.at += 1
    assert ask(people, force_refresh=True)["access_token"] != second


def test_the_twenty_first_force_refresh_of_a_day_is_refused(people: People, clock: Clock) -> None:
    ask(people)
    for _ in range(20):
        assert "access_token" in ask(people, force_refresh=True)
        clock.at += 30
    assert ask(people, force_refresh=True)["errcode"] == 45009
    clock.at += 86_400
    assert "access_token" in ask(people, force_refresh=True)


def test_a_voided_token_is_replaced_unless_it_is_stuck(people: People) -> None:
    first = ask(people)["access_token"]
    people.void_wechat_access_token(APPID)
    second = ask(people)["access_token"]
    people.void_wechat_access_token(APPID, stuck=True)
    assert first != second == ask(people)["access_token"]
    assert redeem(people, people.phone_code("mei"), second)["errcode"] == 40001
    assert ask(people, force_refresh=True)["access_token"] != second


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002),
        ({"appid": "wx1"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40125),
        ({"grant_type": "authorization_code"}, 40002),
    ],
)
def test_a_token_is_given_to_the_app_alone(people: People, changes: dict[str, str], errcode: int) -> None:
    assert ask(people, **changes)["errcode"] == errcode


def test_numbers_at_home_and_abroad_look_as_wechat_writes_them(people: People, clock: Clock) -> None:
    mei, lin, tao = (redeem(people, people.phone_code(name))["phone_info"] for name in ("mei", "lin", "tao"))
    watermark = {"timestamp": int(clock.at), "appid": APPID}
    home = {"phoneNumber": "13800000001", "purePhoneNumber": "13800000001", "countryCode": "86"}
    abroad = {"phoneNumber": "85200000003", "purePhoneNumber": "00000003", "countryCode": "852"}
    assert mei == {**home, "watermark": watermark}
    assert lin == {**abroad, "watermark": watermark}
    assert tao["countryCode"] == 86


def test_a_phone_code_works_once_for_five_minutes_in_its_app_and_is_no_login_code(
    people: People, clock: Clock
) -> None:
    code, late = people.phone_code("mei"), people.phone_code("mei")
    elsewhere = ask(people, appid=OTHER_APPID, secret=OTHER_SECRET)["access_token"]
    assert redeem(people, people.login("mei")["code"])["errcode"] == 40029
    assert redeem(people, code, elsewhere)["errcode"] == 40029
    assert redeem(people, code)["errcode"] == 0
    assert redeem(people, code)["errcode"] == 40029
    clock.at += 300
    assert redeem(people, late)["errcode"] == 40029


def test_the_token_is_looked_at_before_the_code(people: People) -> None:
    code = people.phone_code("mei")
    assert redeem(people, code, "made-up")["errcode"] == 40014
    assert redeem(people, code)["errcode"] == 0


def test_a_fault_for_one_path_leaves_the_others_alone() -> None:
    faults = Faults()
    faults.set("errcode", path="/a", times=1)
    faults.then("reset", times=1)
    assert faults.take("/b").mode == "reset"
    assert faults.take("/b") is None
    assert faults.take("/a").mode == "errcode"
    assert faults.take("/a") is None
