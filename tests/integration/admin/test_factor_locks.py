"""Guessing at the second factor by who knows the password alone: five tries, and the owner gets in (R-017, R-056)."""

from __future__ import annotations

from collections.abc import Sequence

from passport.models import Member
from passport.operators.sign_in import Proof
from passport.services import Services
from tests.conftest import Clock
from tests.integration.admin.dashboard import SESSION, Dashboard
from tests.integration.admin.entering import (
    add_operator,
    code_at,
    member_of,
    sign_in,
    with_second_factor,
)
from tests.integration.admin.test_second_factor import CODE_PAGE, turned_on

DEVICE = "__Host-device"


async def guess(services: Services, member: Member, *, times: int, device: str | None = None) -> list[Proof]:
    """What comes of so many wrong codes."""
    by_code = services.admin.operators.sign_in.by_code
    return [await by_code(member, "not one", device=device) for _ in range(times)]


def evaluated(proofs: Sequence[Proof]) -> int:
    """How many of them were looked at."""
    return len(proofs) - proofs.count(Proof.LOCKED)


async def test_a_stranger_does_not_lock_the_owner_out_where_they_signed_in_before(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    await sign_in(visitor, "lin")
    assert (await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})).status == 303
    del visitor.cookies[SESSION]
    assert evaluated(await guess(services, member, times=8)) == 5
    clock.advance(seconds=30)
    await sign_in(visitor, "lin")
    assert (await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})).status == 303
    # The stranger has not won a try by that.
    assert evaluated(await guess(services, member, times=1)) == 0


async def test_that_browser_has_five_tries_as_well(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    await sign_in(visitor, "lin")
    await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})
    device = visitor.cookies[DEVICE]
    assert evaluated(await guess(services, member, times=8, device=device)) == 5
    assert evaluated(await guess(services, member, times=8)) == 5


async def test_a_browser_that_knew_the_password_before_the_factor_was_turned_on_is_a_stranger(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    member = await add_operator(services, "lin")
    await sign_in(visitor, "lin")
    device = visitor.cookies[DEVICE]
    account = services.admin.operators.account
    enrolment = account.begin(member.operator)
    await account.turn_on(member.operator, enrolment.sealed, code_at(enrolment.seed, clock()))
    member = await member_of(services, member.operator.operator_id)
    assert evaluated(await guess(services, member, times=5)) == 5
    assert evaluated(await guess(services, member, times=1, device=device)) == 0


async def test_right_codes_in_between_give_a_stranger_no_more_than_five_tries(
    services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    looked_at = 0
    for _ in range(4):
        clock.advance(seconds=30)
        looked_at += evaluated(await guess(services, member, times=2))
        await services.admin.operators.sign_in.by_code(member, code_at(seed, clock()), device=None)
    assert looked_at + evaluated(await guess(services, member, times=4)) == 5


async def test_a_recovery_code_opens_whatever_strangers_try_elsewhere(
    visitor: Dashboard, services: Services
) -> None:
    member, _, codes = await with_second_factor(services)
    by_recovery_code = services.admin.operators.sign_in.by_recovery_code
    proofs = [await by_recovery_code(member, "AAAA", ip="198.51.100.7") for _ in range(8)]
    # One customer of a provider has a /64 of IPv6.
    proofs += [await by_recovery_code(member, "AAAA", ip=f"2001:db8::{number}") for number in range(8)]
    assert evaluated(proofs) == 10
    await guess(services, member, times=8)
    await sign_in(visitor, "lin")
    page = await visitor.submit(CODE_PAGE, {"code": "000000"})
    assert "Wait 15 minutes, or use a recovery code" in page.text
    assert (await visitor.submit(f"{CODE_PAGE}?recovery=1", {"code": codes[0]})).status == 303


async def test_who_turns_the_factor_on_is_known_in_that_browser_from_then_on(
    lin: Dashboard, services: Services, clock: Clock
) -> None:
    seed, _ = await turned_on(lin, clock)
    member = await services.store.members.find_by_name("lin")
    assert member
    await guess(services, member, times=8)
    clock.advance(seconds=30)
    proved = await services.admin.operators.sign_in.by_code(
        member, code_at(seed, clock()), device=lin.cookies[DEVICE]
    )
    assert proved is Proof.RIGHT
