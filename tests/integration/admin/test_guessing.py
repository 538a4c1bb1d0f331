"""Guessing (R-017): how many tries are looked at, over processes, restarts and addresses, and who is not locked out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passport.errors import SlowDown
from passport.errors.dashboard import SignInBusy
from passport.limits import Limiter
from passport.sealing import Sealer
from passport.services import Services
from tests.client import API
from tests.conftest import SECRET_KEY, Clock, running_services
from tests.integration.admin.dashboard import SESSION, Dashboard
from tests.integration.admin.entering import PASSWORD, add_operator, sign_in

WRONG = "a wrong password"


@pytest.fixture
def restarted(io_loop: IOLoop, services: Services, mongodb_uri: str, clock: Clock) -> Iterator[Services]:
    """A process that starts when the guessing is under way."""
    yield from running_services(io_loop, services.settings, mongodb_uri, clock)


async def looked_at(services: Services, name: str = "lin", password: str = WRONG) -> bool:
    """Whether the guess was compared with the operator's hash."""
    while True:
        try:
            attempt = await services.admin.operators.sign_in.by_password(
                name, password, ip="192.0.2.7", device=None
            )
        except SignInBusy:
            await asyncio.sleep(0.01)
        else:
            return attempt.tried is not None or attempt.member is not None


async def test_of_many_guesses_at_two_processes_and_across_a_restart_ten_are_looked_at_in_15_minutes(
    services: Services, other_services: Services, restarted: Services, clock: Clock
) -> None:
    await add_operator(services, "lin")
    at_once = [looked_at(each) for each in (services, other_services) for _ in range(25)]
    assert sum(await asyncio.gather(*at_once)) == 5
    evaluated = 5
    for _ in range(14):
        clock.advance(minutes=1, seconds=1)
        evaluated += sum(await asyncio.gather(*(looked_at(each) for each in (restarted, other_services))))
    assert 6 <= evaluated <= 10


async def test_a_lock_is_over_when_its_time_is_and_success_forgets_the_failures(
    services: Services, other_services: Services, clock: Clock
) -> None:
    await add_operator(services, "lin")
    for _ in range(5):
        await looked_at(services)
    assert not await looked_at(other_services, password=PASSWORD)
    clock.advance(seconds=10)
    assert not await looked_at(other_services, password=PASSWORD)
    clock.advance(seconds=20)
    assert await looked_at(other_services, password=PASSWORD)
    assert [await looked_at(services) for _ in range(5)] == [True] * 5


async def test_failures_of_half_a_day_ago_are_forgiven(services: Services, clock: Clock) -> None:
    await add_operator(services, "lin")
    for _ in range(7):
        await looked_at(services)
        clock.advance(minutes=2)
    clock.advance(hours=12)
    assert [await looked_at(services) for _ in range(5)] == [True] * 5


async def test_a_name_in_capitals_or_full_width_is_the_same_name(services: Services) -> None:
    await add_operator(services, "lin")
    spellings = ("lin", "LIN", " Lin ", "ｌｉｎ", "Ｌin", "liN")
    assert [await looked_at(services, name) for name in spellings] == [True] * 5 + [False]


async def test_the_owner_is_not_locked_out_where_they_signed_in_before(
    visitor: Dashboard, services: Services, api: API
) -> None:
    await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    del visitor.cookies[SESSION]
    for _ in range(6):
        await looked_at(services)
    assert not await looked_at(services, password=PASSWORD)
    assert (await sign_in(visitor, "lin")).status == 303


async def test_a_known_device_is_counted_by_itself_and_locked_as_well(
    visitor: Dashboard, services: Services
) -> None:
    await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    del visitor.cookies[SESSION]
    for _ in range(5):
        await sign_in(visitor, "lin", WRONG)
    assert (await sign_in(visitor, "lin")).status == 422
    # And others, who are counted by the name, have all their tries.
    assert await looked_at(services, password=PASSWORD)


async def test_nobody_elses_cookie_and_no_altered_one_makes_a_device_known(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    await add_operator(services, "lin")
    await add_operator(services, "mo")
    await sign_in(visitor, "mo")
    device = visitor.cookies["__Host-device"]
    await sign_in(visitor, "lin")
    mine = visitor.cookies["__Host-device"]
    del visitor.cookies[SESSION]
    for _ in range(6):
        await looked_at(services)
    altered = ("AB"[mine.startswith("A")] + mine[1:], mine[:-1] + "AQ"[mine.endswith("A")])
    for forged in (device, "", "A" * 71, *altered, "ä" * 10, "x" * 5_000):
        visitor.cookies["__Host-device"] = forged.encode().decode("latin-1")
        assert (await sign_in(visitor, "lin")).status == 422
    visitor.cookies["__Host-device"] = mine
    clock.advance(days=91)
    for _ in range(6):
        await looked_at(services)
    assert (await sign_in(visitor, "lin")).status == 422


async def test_a_new_password_makes_known_devices_unknown(visitor: Dashboard, services: Services) -> None:
    member = await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    await services.admin.operators.team.set_password(member.operator, "seven green bottles on a wall")
    for _ in range(6):
        await looked_at(services)
    del visitor.cookies[SESSION]
    assert (await sign_in(visitor, "lin", "seven green bottles on a wall")).status == 422


async def at_the_beginning_of_a_window(services: Services, clock: Clock, ip: str) -> None:
    """Let time pass until the address has all its tries, and nearly the whole window before it."""
    counters, sealer = services.store.limit_counters, Sealer(SECRET_KEY, "limits")
    limits = Limiter(services.settings.limits, counters=counters, sealer=sealer, now=clock)
    try:
        while True:
            await limits.admit("sign_in", ip=ip)
    except SlowDown as refusal:
        clock.advance(seconds=refusal.retry_after or 0)


class TestOfAddresses:
    """Twenty tries in five minutes from one address, whoever is guessed at."""

    @pytest.fixture
    def configuration(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """With the limits as they come, and one proxy."""
        return {**configuration, "limits": {}, "server": {"trusted_proxies": ["127.0.0.1/32"]}}

    async def test_an_address_has_twenty_tries_over_all_processes_whatever_it_says_of_itself(
        self, visitor: Dashboard, services: Services, other_process: API, clock: Clock
    ) -> None:
        await at_the_beginning_of_a_window(services, clock, "192.0.2.9")

        async def attempt(dashboard: Dashboard, number: int, told: str) -> int:
            headers = {"X-Forwarded-For": told}
            return (await sign_in(dashboard, f"name-{number}", WRONG, headers=headers)).status

        other = Dashboard(other_process.base_url)
        # What a client writes itself stands left of what the proxy adds.
        spoofed = [f"198.51.100.{number}, 192.0.2.9" for number in range(24)]
        statuses = [
            await attempt((visitor, other)[number % 2], number, told) for number, told in enumerate(spoofed)
        ]
        assert statuses.count(422) <= 20
        assert statuses[-1] == 429
        assert await attempt(visitor, 99, "192.0.2.10") == 422
        page = await sign_in(visitor, "lin", WRONG, headers={"X-Forwarded-For": "192.0.2.9"})
        assert 0 < int(page.headers["Retry-After"]) <= 300
        await other.close()
