"""One-time links: the first admin, and a password by a link; once, within the hour, read by nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from passport.operators.links import digest_of
from passport.services import Services
from passport.store.operator_members import new_operator_id
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.dashboard import SESSION, Dashboard, Page
from tests.integration.admin.entering import (
    OTHER_PASSWORD,
    PASSWORD,
    add_operator,
    browser,
    kinds,
    sign_in,
    with_second_factor,
)


async def first_link(services: Services) -> str:
    token = await services.admin.operators.team.link_for_first()
    assert token
    return f"/admin/set-up/{token}"


async def password_link(services: Services, name: str = "lin") -> str:
    member = await services.admin.operators.team.find_by_name(name)
    assert member
    return f"/admin/set-up/{await services.admin.operators.team.link_for(member.operator)}"


async def use(dashboard: Dashboard, link: str, **changes: str) -> Page:
    return await dashboard.submit(link, {"name": "Ada", "password": PASSWORD, "again": PASSWORD, **changes})


async def test_the_link_makes_the_first_admin_and_signs_them_in(
    visitor: Dashboard, services: Services, database: Any
) -> None:
    link = await first_link(services)
    assert (await visitor.get(link)).status == (await visitor.get(link)).status == 200
    page = await use(visitor, link)
    assert (page.status, page.location) == (303, "/admin")
    assert (await visitor.get("/admin/operators")).status == 200
    assert kinds(database) == ["operator.added", "operator.signed_in"]


async def test_it_works_once_and_none_is_made_for_a_second_admin(
    visitor: Dashboard, services: Services, other_services: Services
) -> None:
    link, other = await first_link(services), await first_link(other_services)
    await use(visitor, link)
    async with browser(visitor.base_url) as another:
        for late in (link, other):
            assert (await another.get(late)).status == 404
            assert (await use(another, late, name="eve")).status == 404
    assert await services.admin.operators.team.link_for_first() is None
    assert len(await services.admin.operators.team.list()) == 1


async def test_of_many_who_submit_at_once_one_becomes_the_admin(
    services: Services, other_services: Services, api: API
) -> None:
    links = [await first_link(each) for each in (services, other_services)]
    visitors = [Dashboard(api.base_url) for _ in range(6)]
    pages = await asyncio.gather(
        *(use(each, links[turn % 2], name=f"a{turn}") for turn, each in enumerate(visitors))
    )
    assert sorted(page.status for page in pages) == [303, 404, 404, 404, 404, 404]
    assert len(await services.admin.operators.team.list()) == 1
    for each in visitors:
        await each.close()


async def test_of_many_links_used_in_the_same_moment_one_makes_an_operator(
    services: Services, other_services: Services, database: Any
) -> None:
    """By the write alone: over HTTP the time that hashing takes keeps them apart."""
    stores = [services.store.members, other_services.store.members]
    tokens = [(await first_link(services)).rpartition("/")[2] for _ in range(12)]
    made = await asyncio.gather(
        *(
            stores[turn % 2].insert_first(
                digest_of(token),
                new_operator_id(),
                f"a{turn}",
                role="admin",
                password_hash="-",
                at=services.admin.now(),
            )
            for turn, token in enumerate(tokens)
        )
    )
    assert [each is None for each in made].count(False) == 1
    assert database.operators.count_documents({}) == 1


async def test_after_an_hour_it_is_worth_nothing(
    visitor: Dashboard, services: Services, clock: Clock
) -> None:
    link = await first_link(services)
    clock.advance(minutes=60)
    assert (await visitor.get(link)).status == 404
    assert (await use(visitor, link)).status == 404
    assert await services.admin.operators.team.list() == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"password": "short", "again": "short"}, "password", "at least 15 characters"),
        ({"password": "ada ada ada ada ada", "again": "ada ada ada ada ada"}, "password", "guessed"),
        ({"again": "another one"}, "again", "not the same"),
        ({"name": "<b>"}, "name", "1 to 40 letters"),
    ],
)
async def test_what_is_not_taken_is_said_beside_its_field_and_the_link_stays(
    visitor: Dashboard, services: Services, changes: dict[str, str], field: str, said: str
) -> None:
    link = await first_link(services)
    page = await use(visitor, link, **changes)
    assert page.status == 422
    assert said in page.html.split(f'id="{field}-note"')[1].split("</div>")[0]
    assert PASSWORD not in page.html
    assert (await use(visitor, link)).status == 303


async def test_behind_a_proxy_that_nobody_configured_it_does_not_open(
    visitor: Dashboard, services: Services
) -> None:
    link = await first_link(services)
    for header in ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-Ip"):
        page = await visitor.get(link, headers={header: "https"})
        assert page.status == 403
        assert "server.trusted_proxies" in page.text


class TestBehindAProxy:
    """The proxy says whether it was TLS."""

    @pytest.fixture
    def configuration(self, configuration: dict[str, Any]) -> dict[str, Any]:
        """With the proxy on this machine."""
        return {**configuration, "server": {"trusted_proxies": ["127.0.0.1/32"]}}

    async def test_it_opens_over_tls_alone(self, visitor: Dashboard, services: Services) -> None:
        link = await first_link(services)
        for scheme, status in (("https", 200), ("http", 403), ("https, http", 403)):
            headers = {"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": scheme}
            assert (await visitor.get(link, headers=headers)).status == status
        assert (await visitor.get(link)).status == 403


async def test_the_log_does_not_hold_the_link(
    visitor: Dashboard, services: Services, log_records: list[Any]
) -> None:
    link = await first_link(services)
    await visitor.get(link)
    await use(visitor, link)
    ours = [str(vars(record)) for record in log_records if record.name.startswith("wxpassport")]
    assert any("/admin/set-up/" in line for line in ours)
    assert not any(link in line or link.rpartition("/")[2] in line for line in ours)


async def test_a_password_is_set_by_a_link_and_what_was_before_is_over(
    visitor: Dashboard, services: Services, api: API
) -> None:
    await add_operator(services, "lin")
    async with browser(api.base_url) as before:
        await sign_in(before, "lin")
        former, link = await password_link(services), await password_link(services)
        assert (await visitor.get(former)).status == 404
        page = await use(visitor, link, password=OTHER_PASSWORD, again=OTHER_PASSWORD)
        assert (page.status, page.location) == (303, "/admin")
        assert (await before.get("/admin")).status == 303
    assert (await visitor.get(link)).status == 404
    async with browser(api.base_url) as later:
        assert (await sign_in(later, "lin")).status == 422
        assert (await sign_in(later, "lin", OTHER_PASSWORD)).status == 303


async def test_a_link_does_not_get_around_the_second_factor(visitor: Dashboard, services: Services) -> None:
    await with_second_factor(services)
    link = await password_link(services)
    page = await use(visitor, link, password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    assert (page.status, page.location) == (303, "/admin/sign-in")
    assert SESSION not in visitor.cookies


async def test_a_disabled_operators_link_is_worth_nothing(visitor: Dashboard, services: Services) -> None:
    member = await add_operator(services, "lin", password=None)
    link = await password_link(services)
    await services.admin.operators.team.disable(member.operator.operator_id, by=None)
    assert (await visitor.get(link)).status == 404
    assert (await use(visitor, link)).status == 404
