"""Group commit: who shares a round, who hears of what, and what happens to those who leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passport.errors import StoreUnavailable
from passport.store.rounds import Rounds


class Statements:
    """A MongoDB that carries out a round when it is told to, and keeps a record of them."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self._gates: list[asyncio.Future[None]] = []

    async def carry_out(self, items: list[int]) -> Sequence[int | Exception]:
        """Ten times each item; a negative one fails."""
        self.rounds.append(items)
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gates.append(gate)
        await gate
        return [item * 10 if item >= 0 else ValueError(item) for item in items]

    @property
    def under_way(self) -> int:
        return sum(not gate.done() for gate in self._gates)

    async def finish_one(self, error: Exception | None = None) -> None:
        """Let the oldest round end."""
        gate = next((each for each in self._gates if not each.done()), None)
        if gate is not None:
            if error:
                gate.set_exception(error)
            else:
                gate.set_result(None)
        await settle()

    async def finish_all(self) -> None:
        while self.under_way:
            await self.finish_one()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def joined(rounds: Rounds[int, int], *items: int) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(rounds.join(item)) for item in items]


async def test_a_lone_caller_has_a_round_at_once() -> None:
    mongo = Statements()
    [task] = joined(Rounds(mongo.carry_out, deadline=5, patience=60), 4)
    await settle()
    assert mongo.rounds == [[4]]
    await mongo.finish_all()
    assert await task == 40


async def test_callers_of_the_same_moment_share_a_round_and_later_ones_the_next() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=60)
    first = joined(rounds, 1, 2, 3)
    await settle()
    second = joined(rounds, 4, 5)
    await settle()
    assert mongo.rounds == [[1, 2, 3]]
    await mongo.finish_one()
    assert mongo.rounds == [[1, 2, 3], [4, 5]]
    await mongo.finish_all()
    assert await asyncio.gather(*first, *second) == [10, 20, 30, 40, 50]


async def test_an_item_that_fails_fails_its_own_caller_alone() -> None:
    mongo = Statements()
    tasks = joined(Rounds(mongo.carry_out, deadline=5, patience=60), 1, -2, 3)
    await settle()
    await mongo.finish_all()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert (told[0], repr(told[1]), told[2]) == (10, "ValueError(-2)", 30)


async def test_a_round_that_fails_fails_its_callers_and_the_next_goes_on() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=60)
    first = joined(rounds, 1, 2)
    await settle()
    second = joined(rounds, 3)
    await settle()
    await mongo.finish_one(StoreUnavailable())
    await mongo.finish_all()
    told = await asyncio.gather(*first, *second, return_exceptions=True)
    assert [type(each) for each in told] == [StoreUnavailable, StoreUnavailable, int]


async def test_whoever_leaves_before_the_round_is_left_out_and_after_it_began_is_not() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=60)
    [begun] = joined(rounds, 1)
    await settle()
    [waiting, staying] = joined(rounds, 2, 3)
    await settle()
    begun.cancel()
    waiting.cancel()
    await settle()
    await mongo.finish_all()
    assert mongo.rounds == [[1], [3]]
    assert await staying == 30


async def test_beyond_those_who_may_wait_one_is_told_at_once() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=60, waiting=2)
    tasks = joined(rounds, 1)
    await settle()
    tasks += joined(rounds, 2, 3)
    await settle()
    with pytest.raises(StoreUnavailable):
        await rounds.join(4)
    await mongo.finish_all()
    assert await asyncio.gather(*tasks) == [10, 20, 30]


async def test_a_round_that_is_full_does_not_wait_for_the_one_before_and_others_do() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=60, most=2, under_way=2)
    tasks = joined(rounds, 1)
    await settle()
    tasks += joined(rounds, 2)
    await settle()
    assert mongo.rounds == [[1]]
    tasks += joined(rounds, 3, 4, 5)
    await settle()
    assert mongo.rounds == [[1], [2, 3]]
    await mongo.finish_all()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50]


async def test_a_round_that_takes_long_holds_up_nobody_else() -> None:
    mongo = Statements()
    rounds = Rounds(mongo.carry_out, deadline=5, patience=0.05, under_way=2)
    tasks = joined(rounds, 1)
    await settle()
    tasks += joined(rounds, 2, 3)
    await settle()
    assert mongo.rounds == [[1]]
    await asyncio.sleep(0.1)
    assert mongo.rounds == [[1], [2, 3]]
    tasks += joined(rounds, 4)
    await asyncio.sleep(0.1)
    assert mongo.rounds == [[1], [2, 3]], "more at once than there may be"
    await mongo.finish_all()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]


async def test_nobody_waits_beyond_the_deadline_and_whoever_still_waited_is_left_out() -> None:
    mongo = Statements()
    # More patient than the deadline: else the second round may begin just before its caller gives up.
    rounds = Rounds(mongo.carry_out, deadline=0.05, patience=60)
    begun = joined(rounds, 1)
    await settle()
    waiting = joined(rounds, 2)
    told = await asyncio.gather(*begun, *waiting, return_exceptions=True)
    assert [type(each) for each in told] == [StoreUnavailable, StoreUnavailable]
    [later] = joined(rounds, 3)
    await mongo.finish_all()
    assert (await later, mongo.rounds) == (30, [[1], [3]])


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(-3, 100)),
        st.tuples(st.just("leave"), st.integers(0, 30)),
        st.tuples(st.just("finish"), st.just(0)),
        st.tuples(st.just("fail"), st.just(0)),
        st.tuples(st.just("run"), st.just(0)),
    ),
    max_size=60,
)


@given(steps=STEPS, most=st.integers(1, 4), under_way=st.integers(1, 3))
def test_each_is_carried_out_once_in_its_turn_and_hears_of_its_own(
    steps: list[tuple[str, int]], most: int, under_way: int
) -> None:
    asyncio.run(_walk(steps, most, under_way))


async def _walk(steps: list[tuple[str, int]], most: int, under_way: int) -> None:
    mongo = Statements()
    # Items are told apart by their place, so that two that ask for the same are two.
    asked: list[int] = []
    rounds: Rounds[int, int] = Rounds(
        mongo.carry_out, deadline=5, patience=60, most=most, under_way=under_way
    )
    tasks: list[asyncio.Task[int]] = []
    for step, number in steps:
        if step == "join":
            sign = -1 if number < 0 else 1
            asked.append(sign * (len(asked) + 1))
            tasks += joined(rounds, asked[-1])
        elif step == "leave" and number < len(tasks):
            tasks[number].cancel()
        elif step == "finish":
            await mongo.finish_one()
        elif step == "fail":
            await mongo.finish_one(StoreUnavailable())
        else:
            await settle()
        assert mongo.under_way <= under_way
        assert all(len(each) <= most for each in mongo.rounds)
    await settle()
    await mongo.finish_all()
    async with asyncio.timeout(5):
        told = await asyncio.gather(*tasks, return_exceptions=True)
    done = [item for each in mongo.rounds for item in each]
    assert done == sorted(set(done), key=abs), "out of turn, or twice"
    for item, outcome in zip(asked, told, strict=True):
        if isinstance(outcome, asyncio.CancelledError | StoreUnavailable):
            continue
        assert item in done
        assert outcome == item * 10 if item > 0 else repr(outcome) == f"ValueError({item})"
