"""When workers are started again and when the parent gives up."""

from __future__ import annotations

from handlers.workers.restarts import MOST, WITHIN, Restarts


def test_what_was_ready_comes_back_at_once_for_ever():
    restarts = Restarts()
    for _ in range(1000):
        restarts.ready()
        assert restarts.pause(ready_for=2.0) == 0.0


def test_what_ends_young_comes_back_ever_more_slowly_and_then_at_a_steady_pace():
    restarts = Restarts()
    pauses = [restarts.pause(ready_for=None) for _ in range(8)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert restarts.pause(ready_for=0.5) == 5.0
    assert restarts.pause(ready_for=1.0) == 0.0
    assert restarts.pause(ready_for=None) == 0.1


def test_it_is_hopeless_when_so_many_in_a_row_never_got_ready():
    restarts = Restarts()
    assert [restarts.hopeless(at=second) for second in range(MOST)] == [False] * (MOST - 1) + [True]


def test_one_that_got_ready_gives_hope_again():
    restarts = Restarts()
    for second in range(MOST - 1):
        restarts.hopeless(at=second)
    restarts.ready()
    assert not restarts.hopeless(at=MOST)


def test_ends_that_lie_far_apart_are_not_hopeless():
    restarts = Restarts()
    assert not any(restarts.hopeless(at=number * WITHIN / 2) for number in range(100))
