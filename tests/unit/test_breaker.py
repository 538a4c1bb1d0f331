"""passport.wechat.breaker: when calls are held back and when one is let through to try."""

from __future__ import annotations

from passport.wechat.breaker import Breaker


def opened(*, at: float = 100.0) -> Breaker:
    """A breaker that has just opened: three failures in a row, five seconds of pause."""
    breaker = Breaker(threshold=3, pause=5.0)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_it_admits_everything_until_the_failures_in_a_row_reach_the_threshold() -> None:
    breaker = Breaker(threshold=3, pause=5.0)
    for _ in range(2):
        assert breaker.admits(100.0)
        breaker.failed(100.0)
    assert breaker.admits(100.0)
    assert not breaker.is_open
    breaker.failed(100.0)
    assert breaker.is_open
    assert not breaker.admits(100.0)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = Breaker(threshold=3, pause=5.0)
    for _ in range(10):
        breaker.failed(100.0)
        breaker.failed(100.0)
        breaker.succeeded()
    assert breaker.admits(100.0)
    assert not breaker.is_open


def test_by_default_it_opens_at_the_fifth_failure() -> None:
    breaker = Breaker()
    states = []
    for _ in range(5):
        breaker.failed(100.0)
        states.append(breaker.is_open)
    assert states == [False, False, False, False, True]


def test_while_open_it_admits_one_trial_for_each_pause() -> None:
    breaker = opened(at=100.0)
    assert not breaker.admits(104.9)
    assert breaker.admits(105.0)
    assert not breaker.admits(105.1)
    assert not breaker.admits(109.9)
    assert breaker.admits(110.0)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = opened(at=100.0)
    assert breaker.admits(105.0)
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.admits(105.0)
    assert breaker.admits(105.0)


def test_a_trial_that_fails_starts_a_new_pause() -> None:
    breaker = opened(at=100.0)
    assert breaker.admits(105.0)
    breaker.failed(107.0)
    assert not breaker.admits(111.9)
    assert breaker.admits(112.0)
