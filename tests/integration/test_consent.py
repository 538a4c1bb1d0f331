"""Consent to the privacy policy (PIPL articles 14 and 17): asked for, recorded, and asked for anew by its version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import Clock
from tests.integration.helpers import configured

Database = pymongo.database.Database[dict[str, Any]]
POLICY = {"policy_version": "2026-11", "policy_url": "https://example.com/privacy"}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With a policy in force."""
    return {**configured(stand_in), "privacy": POLICY}


@pytest.mark.parametrize("sent", [{}, {"consent_version": "2025-01"}, {"consent_version": ""}])
async def test_without_consent_to_the_policy_in_force_nobody_is_registered(
    api: API, database: Database, sent: dict[str, str]
) -> None:
    visitor = api.wx_login("mei")
    reply = await api.register({**visitor, **sent})
    assert (reply.status, reply.error) == (403, "consent_required")
    assert {name: reply.json[name] for name in POLICY} == POLICY
    assert database.users.count_documents({}) == 0
    # The code is still good: the user agrees, and the same visit goes on.
    assert (await api.register({**visitor, "consent_version": "2026-11"})).status == 201


async def test_the_consent_is_recorded_with_its_time(api: API, database: Database, clock: Clock) -> None:
    before = clock()
    await api.register({**api.wx_login("mei"), "consent_version": "2026-11"})
    consent = database.users.find_one()["consent"]
    assert consent["version"] == "2026-11"
    assert before <= consent["at"] <= clock()


async def test_who_has_an_account_is_told_of_it_without_consent(api: API) -> None:
    first = await api.register({**api.wx_login("mei"), "consent_version": "2026-11"})
    again = await api.register(api.wx_login("mei"))
    assert (again.status, again.json) == (200, first.json)


async def test_the_user_sees_whether_the_consent_is_current_and_renews_it(
    api: API, database: Database, clock: Clock
) -> None:
    await api.register({**api.wx_login("mei"), "consent_version": "2026-11"})
    database.users.update_one({}, {"$set": {"consent.version": "2025-01"}})
    token = (await api.token(api.wx_login("mei"))).json["access_token"]
    assert (await api.me(token)).json["consent"]["current"] is False
    clock.advance(minutes=5)
    reply = await api.put("/accounts/me", json={"consent_version": "2026-11"}, headers=bearer(token))
    assert reply.json["consent"]["current"] is True
    assert datetime.fromisoformat(reply.json["consent"]["at"]) == database.users.find_one()["consent"]["at"]
