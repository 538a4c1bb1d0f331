"""How WeChat does: what one process notes, and what several make of it together."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from passport.errors import (
    CodeUsed,
    InvalidCode,
    PassportError,
    ServerMisconfigured,
    SlowDown,
    TemporarilyUnavailable,
)
from passport.models import WeChatReport, WeChatTrouble
from passport.wechat.health import Health
from passport.wechat_state import summed_up

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
APPID = "wx4f4bc4dec97d474b"


@pytest.fixture
def counted():
    return []


@pytest.fixture
def health(counted):
    return Health(now=lambda: NOW, count=lambda event, appid: counted.append(event))


def call(health: Health, error: Exception | None = None) -> None:
    with contextlib.suppress(PassportError, TimeoutError), health.watching("code2session", APPID):
        if error is not None:
            raise error


def test_an_answer_is_timed(health, counted):
    call(health)
    assert (health.answered_at, health.trouble, counted) == (NOW, None, ["wechat_calls"])
    assert health.latency is not None
    assert health.latency >= 0


@pytest.mark.parametrize("error", [InvalidCode(wechat_errcode=40029), CodeUsed(wechat_errcode=40163)])
def test_that_a_code_is_bad_is_no_trouble_of_wechats(health, counted, error):
    call(health, error)
    assert (health.trouble, counted) == (None, ["wechat_calls"])
    assert health.answered_at == NOW


def test_a_refusal_of_the_server_is_noted_with_what_wechat_said(health, counted):
    call(health, ServerMisconfigured(wechat_errcode=40164, rid="652d44d0-1d0af18b"))
    assert health.trouble == WeChatTrouble("code2session", APPID, 40164, "652d44d0-1d0af18b", "", NOW)
    assert counted == ["wechat_calls", "wechat_failures"]


@pytest.mark.parametrize(
    "error", [SlowDown(wechat_errcode=45011), TemporarilyUnavailable(wechat_errcode=45009)]
)
def test_a_quota_that_is_used_up_is_counted(health, counted, error):
    call(health, error)
    assert counted == ["wechat_calls", "quota_hits", "wechat_failures"]


def test_silence_is_noted_and_is_no_answer(health, counted):
    call(health, TimeoutError())
    assert health.trouble is not None
    assert (health.trouble.errcode, health.trouble.cause) == (None, "no answer in time")
    assert (health.answered_at, health.latency) == (None, None)
    assert counted == ["wechat_calls", "wechat_failures"]


def report(ago: float, latency: float | None = None, **members: object) -> WeChatReport:
    at = NOW - timedelta(seconds=ago)
    told = {"answered_at": at if latency else None, "held_back": (), "trouble": None} | members
    return WeChatReport(at=at, latency=latency, **told)  # type: ignore[arg-type]


def trouble(ago: float) -> WeChatTrouble:
    return WeChatTrouble("code2session", APPID, 45009, None, "", NOW - timedelta(seconds=ago))


def test_the_state_is_that_of_all_processes():
    state = summed_up([report(5, 0.1, trouble=trouble(60)), report(9, 0.3, trouble=trouble(30))], NOW)
    assert state.latency == pytest.approx(0.2)
    assert (state.answered_at, state.trouble) == (NOW - timedelta(seconds=5), trouble(30))


def test_the_latency_of_yesterday_says_nothing_of_now():
    assert summed_up([report(86_400, 0.1)], NOW).latency is None


def test_calls_are_held_back_as_long_as_a_living_process_says_so():
    assert summed_up([report(20, held_back=("code2session",))], NOW).held_back == ("code2session",)
    assert summed_up([report(200, held_back=("code2session",))], NOW).held_back == ()


def test_nothing_is_known_before_anybody_called():
    state = summed_up([], NOW)
    assert (state.latency, state.answered_at, state.held_back, state.trouble) == (None, None, (), None)
