"""What the tests of getting in share: operators with passwords and second factors, and the forms they fill in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pyotp

from passport.models import Member, Role
from passport.services import Services
from tests.integration.admin.dashboard import Dashboard, Page

PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "seven green bottles on a wall"


async def add_operator(
    services: Services, name: str, *, role: Role = "operator", password: str | None = PASSWORD
) -> Member:
    """An operator who can sign in."""
    team = services.admin.operators.team
    operator = await team.add(name, role, password, operator_id=team.new_id())
    return await member_of(services, operator.operator_id)


async def member_of(services: Services, operator_id: str) -> Member:
    """As they are now."""
    member = await services.admin.operators.team.find(operator_id)
    assert member
    return member


async def with_second_factor(services: Services, name: str = "lin") -> tuple[Member, str, tuple[str, ...]]:
    """An operator with a second factor, its seed, and the recovery codes."""
    member = await add_operator(services, name)
    account = services.admin.operators.account
    enrolment = account.begin(member.operator)
    _, codes = await account.turn_on(
        member.operator, enrolment.sealed, code_at(enrolment.seed, services.admin.now())
    )
    return await member_of(services, member.operator.operator_id), enrolment.seed, codes


def code_at(seed: str, now: datetime) -> str:
    """What the app shows."""
    return pyotp.TOTP(seed).at(now)


@asynccontextmanager
async def browser(base_url: str, token: str | None = None) -> AsyncIterator[Dashboard]:
    """A browser of its own."""
    dashboard = Dashboard(base_url, token)
    try:
        yield dashboard
    finally:
        await dashboard.close()


async def sign_in(
    dashboard: Dashboard, name: str, password: str = PASSWORD, *, next_page: str | None = None, **options: Any
) -> Page:
    """Fill in the form of signing in."""
    query = "" if next_page is None else f"?next={next_page}"
    fields = {"name": name, "password": password}
    return await dashboard.submit(f"/admin/sign-in{query}", fields, **options)


def kinds(database: Any) -> list[str]:
    """The acts in the audit log, in their order."""
    return [each["kind"] for each in database.audit_events.find().sort("_id", 1)]
