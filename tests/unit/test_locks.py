"""KeyedLocks: one at a time per key, others unhindered, and nothing kept when nobody holds or waits."""

from __future__ import annotations

import asyncio

import pytest

from passport.locks import KeyedLocks

NEVER = float("inf")


async def test_one_at_a_time_holds_a_key_in_the_order_they_came() -> None:
    locks, inside, order = KeyedLocks(), 0, []

    async def work(number: int) -> None:
        nonlocal inside
        async with locks.hold(b"code", until=NEVER):
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
    async with locks.hold(b"one", until=NEVER), asyncio.timeout(5), locks.hold(b"two", until=NEVER):
        assert len(locks._locks) == 2
    assert locks._locks == {}


async def test_a_failure_inside_lets_the_next_in() -> None:
    locks = KeyedLocks()
    with pytest.raises(ZeroDivisionError):
        async with locks.hold(b"code", until=NEVER):
            raise ZeroDivisionError
    async with asyncio.timeout(5), locks.hold(b"code", until=NEVER):
        pass
    assert locks._locks == {}


async def test_a_waiter_that_gives_up_is_forgotten_and_the_lock_stays_held() -> None:
    locks, entered = KeyedLocks(), []

    async def wait(name: str) -> None:
        async with locks.hold(b"code", until=NEVER):
            entered.append(name)

    async with locks.hold(b"code", until=NEVER):
        leaving, staying = (asyncio.create_task(wait(name)) for name in ("leaving", "staying"))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert entered == []
    await staying
    assert entered == ["staying"]
    assert locks._locks == {}


async def test_who_waits_too_long_is_told_and_forgotten() -> None:
    locks = KeyedLocks()
    now = asyncio.get_running_loop().time
    async with locks.hold(b"code", until=NEVER):
        with pytest.raises(TimeoutError):
            async with locks.hold(b"code", until=now() + 0.01):
                pytest.fail("two at a time")
    assert locks._locks == {}
