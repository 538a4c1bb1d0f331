"""The permits of a window: given away unasked, taken in batches, never more than the limit but for the unasked ones."""

from __future__ import annotations

import random

import pytest

from passport.permits import Window, unasked_share


class Shared:
    """The counter that all processes add to."""

    def __init__(self, amount: int, processes: int) -> None:
        self.windows = [Window(amount, 1, 0, unasked_share(processes)) for _ in range(processes)]
        self.count = self.questions = self.admitted = 0

    def try_one(self, process: int) -> bool:
        """A request at this process; whether it was admitted."""
        window = self.windows[process]
        while not window.admit():
            if window.spent:
                return False
            request = window.request(1)
            self.count += sum(request)
            self.questions += 1
            window.receive(request, self.count)
        self.admitted += 1
        return True


@pytest.mark.parametrize("amount", [1, 2, 10, 79, 80, 200, 600, 6000])
def test_one_process_alone_admits_the_limit_exactly(amount: int) -> None:
    shared = Shared(amount, 1)
    assert [shared.try_one(0) for _ in range(amount + 5)] == [True] * amount + [False] * 5


@pytest.mark.parametrize("processes", [2, 3, 4, 16])
@pytest.mark.parametrize("amount", [1, 10, 80, 200, 600, 6000])
def test_four_processes_exceed_a_limit_by_five_percent_at_most(amount: int, processes: int) -> None:
    chosen = random.Random(amount)
    shared = Shared(amount, processes)
    for _ in range(10 * amount):
        shared.try_one(chosen.randrange(processes))
    assert 0.85 * amount <= shared.admitted <= 1.05 * amount


def test_the_worst_that_can_happen_is_one_unasked_share_for_each_process() -> None:
    # The others come when the first has used the whole limit.
    shared = Shared(800, 4)
    while shared.try_one(0):
        pass
    for process in (1, 2, 3):
        while shared.try_one(process):
            pass
    assert shared.admitted == 800 + 3 * 10


def test_the_first_requests_ask_nobody_and_the_rest_ask_seldom() -> None:
    shared = Shared(600, 2)
    assert all(shared.try_one(0) for _ in range(7))
    assert shared.questions == 0
    while shared.try_one(0):
        pass
    assert shared.questions < 40


def test_a_spent_window_asks_no_more() -> None:
    shared = Shared(10, 1)
    for _ in range(100):
        shared.try_one(0)
    assert shared.questions < 11
    assert shared.windows[0].spent


def test_a_permit_given_back_can_be_used_again() -> None:
    shared = Shared(10, 1)
    while shared.try_one(0):
        pass
    shared.windows[0].give_back()
    assert (shared.try_one(0), shared.try_one(0)) == (True, False)


def test_those_who_wait_are_counted_into_the_batch() -> None:
    window = Window(40, 1, 0)
    assert window.request(20) == (0, 25)
    assert window.request(100) == (0, 40)
