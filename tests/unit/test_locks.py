"""KeyedLocks: one at a time per key, others unhindered, and nothing kept when nobody holds or waits."""

from __future__ import annotations

import asyncio

import pytest

from passport.locks import KeyedLocks


async def test_one_at_a_time_holds_a_key_in_the_order_they_came() -> None:
    locks, inside, order = KeyedLocks(), 0, []

    async def work(number: int) -> None:
        nonlocal inside
        async with locks.hold(b"code"):
            inside += 1
            assert inside == 1
            order.append(number)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work(number) for number in range(50)))
    assert order == list(range(50))
    assert locks._locks == {}


async def test_another_key_does_not_wait() -> None:
    locks = KeyedLocks()
    async with locks.hold(b"one"), asyncio.timeout(5), locks.hold(b"two"):
        assert len(locks._locks) == 2
    assert locks._locks == {}


async def test_a_failure_inside_lets_the_next_in() -> None:
    locks = KeyedLocks()
    with pytest.raises(ZeroDivisionError):
        async with locks.hold(b"code"):
            raise ZeroDivisionError
    async with asyncio.timeout(5), locks.hold(b"code"):
        pass
    assert locks._locks == {}


async def test_a_waiter_that_gives_up_is_forgotten_and_the_lock_stays_held() -> None:
    locks, entered = KeyedLocks(), []

    async def wait(name: str) -> None:
        async with locks.hold(b"code"):
            entered.append(name)

    async with locks.hold(b"code"):
        leaving, staying = (asyncio.create_task(wait(name)) for name in ("leaving", "staying"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert entered == []
    await staying
    assert entered == ["staying"]
    assert locks._locks == {}
