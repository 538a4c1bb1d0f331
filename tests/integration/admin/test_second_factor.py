"""The second factor (R-056): a code once, five tries, recovery codes once, seeds sealed, turned on and off."""

from __future__ import annotations

import asyncio
from typing import Any

from passport.operators.sign_in import Proof
from passport.services import Services
from tests.conftest import Clock
from tests.integration.admin.dashboard import SESSION, Dashboard
from tests.integration.admin.entering import (
    OTHER_PASSWORD,
    code_at,
    kinds,
    member_of,
    sign_in,
    with_second_factor,
)

CODE_PAGE = "/admin/second-factor"
IP = "192.0.2.7"


async def test_password_then_code_then_in_with_a_session_that_is_new(
    visitor: Dashboard, services: Services, clock: Clock, database: Any
) -> None:
    _, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    page = await sign_in(visitor, "lin", next_page="/admin/users")
    assert (page.status, page.location) == (303, f"{CODE_PAGE}?next=%2Fadmin%2Fusers")
    assert SESSION not in visitor.cookies
    assert (await visitor.get("/admin")).status == 303
    page = await visitor.submit(page.location, {"code": code_at(seed, clock())})
    assert (page.status, page.location) == (303, "/admin/users")
    assert "__Host-ticket" not in visitor.cookies
    assert (await visitor.get("/admin")).status == 200
    assert kinds(database) == ["operator.signed_in"]


async def test_a_code_that_was_used_is_used_up_in_every_process(
    services: Services, other_services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    code = code_at(seed, clock())
    proofs = await asyncio.gather(
        *(
            each.admin.operators.sign_in.by_code(member, code, device=None)
            for each in (services, other_services)
            for _ in range(50)
        )
    )
    assert proofs.count(Proof.RIGHT) == 1


async def test_of_a_hundred_uses_of_one_step_one_counts(
    services: Services, other_services: Services, clock: Clock
) -> None:
    """The write alone, since the five tries would hide most of the race."""
    member, _, _ = await with_second_factor(services)
    step, operator_id = int(clock().timestamp()) // 30 + 1, member.operator.operator_id
    stores = (services.store.members, other_services.store.members)
    used = await asyncio.gather(*(stores[turn % 2].use_step(operator_id, step) for turn in range(100)))
    assert used.count(True) == 1
    assert not await stores[0].use_step(operator_id, step - 1)


async def test_the_code_that_turned_it_on_does_not_sign_in(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    _, seed, _ = await with_second_factor(services)
    await sign_in(visitor, "lin")
    assert (await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})).status == 422


async def test_after_five_wrong_codes_the_right_one_waits_a_quarter_of_an_hour(
    visitor: Dashboard, services: Services, other_services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    right = code_at(seed, clock())
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        await sign_in(visitor, "lin")
        assert "This code is wrong" in (await visitor.submit(CODE_PAGE, {"code": wrong})).text
    page = await visitor.submit(CODE_PAGE, {"code": right})
    assert (page.status, "Too many wrong codes" in page.text) == (422, True)
    again = await other_services.admin.operators.sign_in.by_code(member, right, device=None)
    assert again is Proof.LOCKED
    clock.advance(minutes=15, seconds=1)
    await sign_in(visitor, "lin")
    assert (await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})).status == 303


async def test_a_recovery_code_works_once_however_it_is_typed(
    visitor: Dashboard, services: Services, other_services: Services
) -> None:
    member, _, codes = await with_second_factor(services)
    await sign_in(visitor, "lin")
    typed = codes[0].lower().replace("-", " ")
    page = await visitor.submit(f"{CODE_PAGE}?recovery=1", {"code": typed})
    assert page.status == 303
    tries = [each.admin.operators.sign_in.by_recovery_code for each in (services, other_services)]
    assert await tries[1](member, codes[0], ip=IP) is Proof.WRONG
    proofs = await asyncio.gather(*(tries[turn % 2](member, codes[1], ip=IP) for turn in range(4)))
    assert proofs.count(Proof.RIGHT) == 1


async def test_the_page_is_for_whoever_knew_the_password_alone(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    member, seed, _ = await with_second_factor(services)
    clock.advance(seconds=30)
    for ticket in (None, "", "zz", "00" * 40, "ab" * 400):
        if ticket is not None:
            visitor.cookies["__Host-ticket"] = ticket
        page = await visitor.get(CODE_PAGE)
        assert (page.status, page.location) == (303, "/admin/sign-in?next=%2Fadmin")
    await sign_in(visitor, "lin")
    clock.advance(minutes=10)
    assert (await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})).status == 303
    assert SESSION not in visitor.cookies
    await sign_in(visitor, "lin")
    await services.admin.operators.team.set_password(member.operator, OTHER_PASSWORD)
    page = await visitor.submit(CODE_PAGE, {"code": code_at(seed, clock())})
    assert page.location == "/admin/sign-in?next=%2Fadmin"
    assert SESSION not in visitor.cookies


async def test_neither_seed_nor_codes_can_be_read_in_the_database(services: Services, database: Any) -> None:
    _, seed, codes = await with_second_factor(services)
    kept = repr(list(database.operators.find()))
    for secret in (seed, *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in kept


# Turning it on and off


async def turned_on(lin: Dashboard, clock: Clock) -> tuple[str, str]:
    """Turn it on by the pages: the seed, and the page with the recovery codes."""
    page = await lin.get("/admin/account/second-factor")
    sealed = page.forms[-1]["fields"]["sealed"]
    seed: str = page.html.split('<code class="secret">')[1].split("<")[0]
    fields = {"sealed": sealed, "code": code_at(seed, clock())}
    return seed, (await lin.submit("/admin/account/second-factor", fields)).text


async def test_it_is_turned_on_with_a_first_code_and_gives_ten_recovery_codes_once(
    lin: Dashboard, clock: Clock, database: Any
) -> None:
    before = lin.cookies[SESSION]
    _, codes = await turned_on(lin, clock)
    assert "The second factor is on." in codes
    assert codes.count("-") == 30
    assert lin.cookies[SESSION] != before
    old = lin.cookies[SESSION]
    lin.cookies[SESSION] = before
    assert (await lin.get("/admin/account")).status == 303
    lin.cookies[SESSION] = old
    page = await lin.get("/admin/account")
    assert "Recovery codes left 10" in page.text
    assert kinds(database) == ["operator.second_factor_on"]


async def test_without_a_fresh_proof_it_is_neither_turned_on_nor_off(lin: Dashboard, clock: Clock) -> None:
    page = await lin.get("/admin/account/second-factor")
    sealed = page.forms[-1]["fields"]["sealed"]
    seed = page.html.split('<code class="secret">')[1].split("<")[0]
    clock.advance(minutes=6)
    reauth = "/admin/reauth?next=%2Fadmin%2Faccount%2Fsecond-factor"
    assert (await lin.get("/admin/account/second-factor")).location == reauth
    fields = {"sealed": sealed, "code": code_at(seed, clock())}
    assert (await lin.submit("/admin/account/second-factor", fields)).location == reauth
    assert "Off" in (await lin.get("/admin/account")).text


async def test_a_wrong_first_code_shows_the_same_seed_again(lin: Dashboard, database: Any) -> None:
    page = await lin.get("/admin/account/second-factor")
    seed = page.html.split('<code class="secret">')[1].split("<")[0]
    fields = {"sealed": page.forms[-1]["fields"]["sealed"], "code": "000000"}
    again = await lin.submit("/admin/account/second-factor", fields)
    assert again.status == 422
    assert seed in again.html
    assert kinds(database) == ["operator.second_factor_on", "operator.second_factor_on.failed"]


async def test_a_seed_that_we_did_not_seal_for_them_turns_nothing_on(
    lin: Dashboard, ada: Dashboard, clock: Clock
) -> None:
    page = await ada.get("/admin/account/second-factor")
    seed = page.html.split('<code class="secret">')[1].split("<")[0]
    for sealed in ("", "zz", "00" * 60, page.forms[-1]["fields"]["sealed"]):
        fields = {"sealed": sealed, "code": code_at(seed, clock())}
        page_of_lin = await lin.submit("/admin/account/second-factor", fields)
        assert page_of_lin.status == 422
        assert seed not in page_of_lin.html


async def test_it_is_turned_off_by_a_code_and_recovery_codes_are_renewed(
    lin: Dashboard, clock: Clock, services: Services
) -> None:
    seed, _ = await turned_on(lin, clock)
    clock.advance(seconds=30)
    renewed = await lin.submit("/admin/account/recovery-codes")
    assert renewed.text.count("-") == 30
    assert (await lin.submit("/admin/account/second-factor/off", {"code": "000000"})).status == 422
    page = await lin.submit("/admin/account/second-factor/off", {"code": code_at(seed, clock())})
    assert (page.status, page.location) == (303, "/admin/account")
    member = await services.admin.operators.team.find_by_name("lin")
    assert member is not None
    assert member.second_factor is None
    assert (await member_of(services, member.operator.operator_id)).operator.epoch > 0
