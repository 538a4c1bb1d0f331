"""The page of keys and settings: an admin publishes, withdraws and ends keys, and no secret is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from passport.config import Limits
from passport.key_life import state_of
from passport.services import Services
from passport.views.keys import LimitRow, limit_rows
from tests.client import API
from tests.conftest import APP_SECRET, APPID
from tests.integration.admin.dashboard import Dashboard

NOBODY = "k" * 43


async def states(services: Services) -> dict[str, str]:
    lives = await services.signing_keys.lives()
    return {life.key.kid: state_of(life, lives, services.admin.now()).value for life in lives}


def acts(database: Any) -> list[tuple[str, str]]:
    return [(each["kind"], each["target_id"]) for each in database.audit_events.find().sort("_id")]


async def test_only_an_admin_sees_it(lin: Dashboard, ada: Dashboard) -> None:
    assert (await lin.get("/admin/keys")).status == 403
    assert (await ada.get("/admin/keys")).status == 200


async def test_keys_and_settings_are_shown_and_no_secret_is(services: Services, ada: Dashboard) -> None:
    page = await ada.get("/admin/keys")
    (kid,) = await states(services)
    for told in (
        kid[:10],
        "signs",
        APPID,
        "AppSecret",
        "tokens.access_ttl 1 hour",
        "limits.token_per_ip off",
    ):
        assert told in page.text
    ada.language = "zh"
    in_chinese = (await ada.get("/admin/keys")).text
    assert "每 90 天自动发布下一个密钥" in in_chinese
    assert "tokens.refresh_grace 10 秒" in in_chinese
    assert APP_SECRET not in page.html
    assert "mongod.sock" not in page.html


def test_a_limit_is_told_as_so_many_within_a_time() -> None:
    rows = {each.name: each for each in limit_rows(Limits(sign_in_per_ip="20/5minute", bearer_global="off"))}
    assert rows["limits.sign_in_per_ip"] == LimitRow("limits.sign_in_per_ip", 20, timedelta(minutes=5))
    assert rows["limits.bearer_global"].amount is None


async def test_the_next_key_is_published_withdrawn_and_published_again(
    services: Services, ada: Dashboard, database: Any
) -> None:
    page = await ada.follow(await ada.submit("/admin/keys", {"action": "rotate"}))
    assert "is published. It signs from" in page.text
    first, second = await states(services)
    assert await states(services) == {first: "signing", second: "published"}
    assert [each["kid"] for each in services.keys.jwks()["keys"]] == [first, second]
    assert "Publish the next key" not in page.text
    page = await ada.follow(await ada.submit("/admin/keys", {"action": "retire", "kid": second}))
    assert "is withdrawn" in page.text
    assert (await states(services))[second] != "published"
    assert acts(database) == [("key.rotate", ""), ("key.retire", second)]


async def test_a_key_that_is_ended_signs_and_verifies_no_more_and_refreshing_gives_a_new_token(
    services: Services, ada: Dashboard, api: API
) -> None:
    mei = await api.sign_in("mei")
    (leaked,) = await states(services)
    page = await ada.follow(await ada.submit("/admin/keys", {"action": "revoke", "kid": leaked}))
    assert "signs now" in page.text
    assert (await states(services))[leaked] == "retired"
    assert (await api.me(mei["access_token"])).status == 401
    fresh = await api.refresh(mei["refresh_token"])
    assert (await api.me(fresh.json["access_token"])).status == 200


async def test_keys_are_changed_only_by_who_has_just_proved_who_they_are(
    services: Services, ada: Dashboard, database: Any, clock: Any
) -> None:
    assert "Publish the next key" in (await ada.get("/admin/keys")).text
    clock.advance(minutes=6)
    page = await ada.get("/admin/keys")
    assert "Publish the next key" not in page.text
    assert "/admin/reauth?next=/admin/keys" in page.links
    page = await ada.submit("/admin/keys", {"action": "rotate"})
    assert (page.status, page.location) == (303, "/admin/reauth?next=%2Fadmin%2Fkeys")
    assert len(await states(services)) == 1
    assert acts(database) == []


async def test_what_the_life_of_a_key_does_not_allow_is_told_and_changes_nothing(
    services: Services, ada: Dashboard, database: Any
) -> None:
    before = await states(services)
    for kid in (*before, NOBODY):
        page = await ada.submit("/admin/keys", {"action": "retire", "kid": kid})
        assert (page.status, "cannot be done with this key" in page.text) == (409, True)
    assert await states(services) == before
    assert [kind for kind, _ in acts(database)] == ["key.retire", "key.retire.failed"] * 2


@pytest.mark.parametrize(
    "fields", [{}, {"action": "list"}, {"action": "revoke"}, {"action": "revoke", "kid": "<b>"}], ids=str
)
async def test_a_form_that_none_of_our_pages_has_is_refused(
    services: Services, ada: Dashboard, database: Any, fields: dict[str, str]
) -> None:
    before = await states(services)
    assert (await ada.submit("/admin/keys", fields)).status == 400
    assert (await states(services), acts(database)) == (before, [])
