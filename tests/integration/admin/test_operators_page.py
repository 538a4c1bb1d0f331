"""What an admin does to operators: add, change roles, disable, reset; and what nobody can do."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from passport.services import Services
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.conftest import signed_in
from tests.integration.admin.dashboard import Dashboard, Page
from tests.integration.admin.entering import (
    PASSWORD,
    add_operator,
    browser,
    kinds,
    member_of,
    sign_in,
    with_second_factor,
)


def link_of(page: Page) -> str:
    """The one-time link on the page."""
    found = re.search(r"http://127\.0\.0\.1:\d+(/admin/set-up/[A-Za-z0-9_-]{43})<", page.html)
    assert found, page.text
    return found[1]


async def id_of(services: Services, name: str) -> str:
    member = await services.admin.operators.team.find_by_name(name)
    assert member
    return member.operator.operator_id


async def test_an_operator_is_added_and_sets_a_password_by_the_link(
    ada: Dashboard, visitor: Dashboard, database: Any
) -> None:
    page = await ada.submit("/admin/operators/add", {"name": "林小雨", "role": "viewer"})
    assert page.status == 200
    fields = {"password": PASSWORD, "again": PASSWORD}
    assert (await visitor.submit(link_of(page), fields)).location == "/admin"
    assert (await visitor.get("/admin/operators")).status == 403
    listing = await ada.get("/admin/operators")
    assert "林小雨" in listing.text
    assert kinds(database)[:1] == ["operator.added"]
    act = database.audit_events.find_one({"kind": "operator.added"})
    assert act["target_id"] == str(database.operators.find_one({"name": "林小雨"})["_id"])


async def test_a_name_that_is_taken_or_none_is_said_beside_the_field(ada: Dashboard) -> None:
    for name in ("ADA", "ａｄａ", "", "<script>", "x" * 41):
        page = await ada.submit("/admin/operators/add", {"name": name, "role": "viewer"})
        assert page.status == 422
        assert 'id="name-note"' in page.html
        assert 'value="<script>' not in page.html


async def test_what_ends_a_session_ends_it_in_every_process_at_the_next_request(
    ada: Dashboard, services: Services, other_process: API
) -> None:
    for act, fields in (("role", {"role": "viewer"}), ("reset-password", {}), ("disable", {})):
        name = f"mo-{act}"
        operator_id = (await add_operator(services, name)).operator.operator_id
        async with browser(other_process.base_url) as theirs:
            await sign_in(theirs, name)
            assert (await theirs.get("/admin")).status == 200
            page = await ada.submit(f"/admin/operators/{operator_id}/{act}", fields)
            assert page.status in (200, 303)
            assert (await theirs.get("/admin")).status == 303, act


async def test_who_is_disabled_cannot_sign_in_until_they_are_enabled(
    ada: Dashboard, visitor: Dashboard, services: Services, database: Any
) -> None:
    operator_id = (await add_operator(services, "mo")).operator.operator_id
    page = await ada.submit(f"/admin/operators/{operator_id}/disable")
    assert "mo is disabled" in (await ada.follow(page)).text
    assert (await sign_in(visitor, "mo")).status == 422
    await ada.submit(f"/admin/operators/{operator_id}/enable")
    assert (await sign_in(visitor, "mo")).status == 303
    assert kinds(database) == [
        "operator.disabled",
        "operator.refused",
        "operator.enabled",
        "operator.signed_in",
    ]


async def test_a_second_factor_that_was_lost_is_reset(
    ada: Dashboard, visitor: Dashboard, services: Services
) -> None:
    member, _, _ = await with_second_factor(services, "mo")
    await ada.submit(f"/admin/operators/{member.operator.operator_id}/reset-second-factor")
    assert (await sign_in(visitor, "mo")).location == "/admin"


async def test_an_admin_does_none_of_it_to_themselves(ada: Dashboard, services: Services) -> None:
    operator_id = await id_of(services, "ada")
    for act in ("role", "disable", "enable", "reset-password", "reset-second-factor"):
        page = await ada.submit(f"/admin/operators/{operator_id}/{act}", {"role": "viewer"})
        assert page.status == 409, act
    assert (await ada.get("/admin/operators")).status == 200


async def test_of_two_admins_who_disable_each_other_at_once_one_is_left(
    ada: Dashboard, services: Services, other_services: Services, api: API
) -> None:
    """By the stores alone, in many rounds, since both must have been admitted before either acts."""
    operator_ids = [await id_of(services, "ada")]
    operator_ids.append((await add_operator(services, "eve", role="admin")).operator.operator_id)
    members = [services.store.members, other_services.store.members]
    for _ in range(10):
        await asyncio.gather(
            *(
                members[turn].disable(operator_ids[1 - turn], at=services.admin.now(), by=operator_ids[turn])
                for turn in (0, 1)
            )
        )
        left = [each for each in operator_ids if not (await member_of(services, each)).operator.disabled_at]
        assert len(left) == 1
        for each in operator_ids:
            await members[0].enable(each)


async def test_an_admin_who_has_ceased_to_be_one_meanwhile_changes_nothing(
    ada: Dashboard, services: Services
) -> None:
    operator_id = (await add_operator(services, "mo")).operator.operator_id
    former = await add_operator(services, "eve", role="operator")
    team = services.admin.operators.team
    assert await team.set_role(operator_id, "admin", by=former.operator.operator_id) is None
    assert (await member_of(services, operator_id)).operator.role == "operator"


async def test_nothing_is_changed_without_a_fresh_proof(
    ada: Dashboard, services: Services, clock: Clock
) -> None:
    operator_id = (await add_operator(services, "mo")).operator.operator_id
    clock.advance(minutes=6)
    back = f"%2Fadmin%2Foperators%2F{operator_id}"
    page = await ada.submit(f"/admin/operators/{operator_id}/disable")
    assert (page.status, page.location) == (303, f"/admin/reauth?next={back}")
    assert "your password is asked for once more" in (await ada.get(f"/admin/operators/{operator_id}")).text
    assert (await ada.get("/admin/operators/add")).location == "/admin/reauth?next=%2Fadmin%2Foperators%2Fadd"
    assert (await member_of(services, operator_id)).operator.disabled_at is None


async def test_no_viewer_or_operator_sees_or_changes_operators(
    vera: Dashboard, lin: Dashboard, services: Services
) -> None:
    operator_id = (await add_operator(services, "mo")).operator.operator_id
    for each in (vera, lin):
        for path in ("/admin/operators", "/admin/operators/add", f"/admin/operators/{operator_id}"):
            assert (await each.get(path)).status == 403
        for act in ("add", f"{operator_id}/disable", f"{operator_id}/role", f"{operator_id}/reset-password"):
            fields = {"name": "x", "role": "admin"}
            assert (await each.submit(f"/admin/operators/{act}", fields)).status == 403
    assert (await member_of(services, operator_id)).operator.role == "operator"


async def test_an_operator_who_is_not_there_is_not_found(ada: Dashboard) -> None:
    assert (await ada.get(f"/admin/operators/{'0' * 24}")).status == 404
    assert (await ada.submit(f"/admin/operators/{'0' * 24}/disable")).status == 404


async def test_a_session_of_a_role_that_was_changed_does_not_come_back(services: Services, api: API) -> None:
    mo = await signed_in(services, api.base_url, "mo", "operator")
    team, operator_id = services.admin.operators.team, await id_of(services, "mo")
    await services.store.members.set_role(operator_id, "viewer", by=None)  # the write alone
    assert (await mo.get("/admin")).status == 303
    await team.set_role(operator_id, "operator", by=None)
    assert (await mo.get("/admin")).status == 303
    await mo.close()
