"""Every refusal of the catalogue over HTTP, each by the real situation that leads to it, and bans in detail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest

from passport.config import Privacy
from passport.errors import catalogue
from passport.services import Services
from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import APPID, Clock
from tests.integration.helpers import the_three
from tests.integration.pushes import expecting_pushes
from tests.pictures import plain, upload

Database = pymongo.database.Database[dict[str, Any]]
Situation = Callable[[API, Services, Database], Awaitable[Reply]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """With pushes expected."""
    return expecting_pushes(stand_in)


async def ask_with_a_field_missing(api: API, _services: Services, _database: Database) -> Reply:
    return await api.token({"code": "x"})


async def send_a_made_up_code(api: API, _services: Services, _database: Database) -> Reply:
    return await api.token({**api.wx_login(), "code": "made-up"})


async def send_a_code_that_somebody_else_redeemed(
    api: API, _services: Services, _database: Database
) -> Reply:
    visitor = api.wx_login()
    api.stand_in.people.redeem(visitor["code"], next(iter(api.stand_in.people.apps)))
    return await api.token(visitor)


async def be_high_risk(api: API, _services: Services, _database: Database) -> Reply:
    api.stand_in.faults.set("errcode", errcode=40226)
    return await api.token(api.wx_login())


async def fetch_the_data_before_wx_login(api: API, _services: Services, _database: Database) -> Reply:
    return await api.token(the_three(api.wx_login("mei", order="wrong")))


async def reformat_the_raw_data(api: API, _services: Services, _database: Database) -> Reply:
    fields = api.wx_login("mei")
    return await api.token({**fields, "rawData": fields["rawData"].replace(",", ", ")})


async def be_a_stranger(api: API, _services: Services, _database: Database) -> Reply:
    return await api.token(api.wx_login())


async def be_banned(api: API, services: Services, _database: Database) -> Reply:
    await services.users.ban(await api.registered("mei"), reason="spam", by="lin")
    return await api.token(api.wx_login("mei"))


async def ask_without_a_token(api: API, _services: Services, _database: Database) -> Reply:
    return await api.get("/accounts/me")


async def log_in_too_often(api: API, _services: Services, _database: Database) -> Reply:
    api.stand_in.faults.set("errcode", errcode=45011)
    return await api.token(api.wx_login())


async def come_while_wechat_is_down(api: API, _services: Services, _database: Database) -> Reply:
    api.stand_in.faults.set("http_502")
    return await api.token(api.wx_login())


async def come_after_the_secret_was_reset(api: API, _services: Services, _database: Database) -> Reply:
    apps = api.stand_in.people.apps
    apps[next(iter(apps))] = "0" * 32
    return await api.token(api.wx_login())


async def ask_for_another_grant(api: API, _services: Services, _database: Database) -> Reply:
    return await api.token({**api.wx_login(), "grant_type": "password"})


async def refresh_with_a_made_up_token(api: API, _services: Services, _database: Database) -> Reply:
    return await api.post("/oauth/token", json={"grant_type": "refresh_token", "refresh_token": "wpr_x"})


async def introspect_without_a_secret(api: API, _services: Services, _database: Database) -> Reply:
    return await api.post("/oauth/introspect", data={"token": "x"})


async def close_with_the_code_of_another(api: API, _services: Services, database: Database) -> Reply:
    token, other = await api.signed_in("mei"), api.wx_login("bo")
    reply = await api.delete("/accounts/me", json={"code": other["code"]}, headers=bearer(token))
    database.sessions.delete_many({})
    return reply


async def register_without_consent(api: API, services: Services, _database: Database) -> Reply:
    # Configured for all of a server, so set here for one request alone.
    services.login._privacy = Privacy(policy_version="2026-11", policy_url="https://example.com/privacy")
    return await api.register(api.wx_login())


async def upload_half_a_picture(api: API, _services: Services, database: Database) -> Reply:
    picture = plain()
    reply = await upload(api, await api.signed_in("mei"), picture[: len(picture) // 2])
    database.sessions.delete_many({})
    return reply


async def push_without_a_signature(api: API, _services: Services, _database: Database) -> Reply:
    return await api.post(f"/wechat/events/{APPID}", data=b"{}")


async def go_where_nothing_is(api: API, _services: Services, _database: Database) -> Reply:
    return await api.get("/oauth/tokens")


async def use_the_wrong_method(api: API, _services: Services, _database: Database) -> Reply:
    return await api.get("/oauth/token")


async def send_plain_text(api: API, _services: Services, _database: Database) -> Reply:
    return await api.post("/oauth/token", data=b"code", headers={"Content-Type": "text/plain"})


async def send_far_too_much(api: API, _services: Services, _database: Database) -> Reply:
    return await api.post("/oauth/token", json={"code": "x" * 70_000})


async def be_a_damaged_document(api: API, _services: Services, database: Database) -> Reply:
    token = await api.signed_in("mei")
    database.users.update_one({}, {"$unset": {"created_at": ""}})
    return await api.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})


# error → status, wechat_errcode, Retry-After, WWW-Authenticate, and how one gets there.
TABLE: dict[str, tuple[int, int | None, str | None, str | None, Situation]] = {
    "invalid_request": (403, None, None, None, ask_with_a_field_missing),
    "invalid_code": (403, 40029, None, None, send_a_made_up_code),
    "code_used": (403, 40163, None, None, send_a_code_that_somebody_else_redeemed),
    "user_blocked": (403, 40226, None, None, be_high_risk),
    "decrypt_failed": (403, None, None, None, fetch_the_data_before_wx_login),
    "signature_mismatch": (403, None, None, None, reformat_the_raw_data),
    "unregistered": (401, None, None, "WeChat", be_a_stranger),
    "account_disabled": (403, None, None, None, be_banned),
    "invalid_token": (401, None, None, 'Bearer realm="wxpassport"', ask_without_a_token),
    "slow_down": (429, 45011, "60", None, log_in_too_often),
    "temporarily_unavailable": (503, None, "2", None, come_while_wechat_is_down),
    "server_misconfigured": (500, 40125, None, None, come_after_the_secret_was_reset),
    "invalid_grant": (400, None, None, None, refresh_with_a_made_up_token),
    "invalid_client": (
        401,
        None,
        None,
        'Basic realm="wxpassport", charset="UTF-8"',
        introspect_without_a_secret,
    ),
    "wrong_user": (403, None, None, None, close_with_the_code_of_another),
    "consent_required": (403, None, None, None, register_without_consent),
    "unreadable_picture": (403, None, None, None, upload_half_a_picture),
    "push_refused": (403, None, None, None, push_without_a_signature),
    "unsupported_grant_type": (400, None, None, None, ask_for_another_grant),
    "not_found": (404, None, None, None, go_where_nothing_is),
    "method_not_allowed": (405, None, None, None, use_the_wrong_method),
    "unsupported_media_type": (415, None, None, None, send_plain_text),
    "payload_too_large": (413, None, None, None, send_far_too_much),
    "server_error": (500, None, None, None, be_a_damaged_document),
}


@pytest.mark.expects_log("WeChat refused the code")
@pytest.mark.expects_log("uncaught")
@pytest.mark.parametrize("error", sorted(catalogue()))
async def test_refusal_is_told_with_its_status_its_headers_and_its_cure(
    api: API, services: Services, database: Database, error: str
) -> None:
    status, wechat_errcode, retry_after, challenge, situation = TABLE[error]
    reply = await situation(api, services, database)

    assert (reply.error, reply.status) == (error, status)
    assert reply.status == catalogue()[error].status
    assert reply.json.get("wechat_errcode") == wechat_errcode
    assert reply.headers.get("Retry-After") == retry_after
    assert reply.headers.get("WWW-Authenticate") == challenge
    assert reply.json["hint"] == catalogue()[error].hint.zh
    assert "access_token" not in reply.json
    assert database.sessions.count_documents({}) == (1 if situation is be_a_damaged_document else 0)


def test_the_table_has_a_situation_for_every_refusal_and_no_other() -> None:
    assert TABLE.keys() == catalogue().keys()


# Bans


async def test_a_ban_is_told_without_its_reason_unless_the_operator_allows_it(
    api: API, services: Services
) -> None:
    account_id = await api.registered("mei")
    await services.users.ban(account_id, reason="spam", by="lin", lasting=timedelta(days=1))
    reply = await api.token(api.wx_login("mei"))
    assert (reply.status, reply.error) == (403, "account_disabled")
    assert not {"reason", "until"} & reply.json.keys()
    assert "spam" not in str(reply.json)


async def test_a_ban_is_told_with_its_reason_and_its_end_when_the_operator_allows_it(
    api: API, services: Services, clock: Clock
) -> None:
    account_id = await api.registered("mei")
    lasting = timedelta(days=1)
    await services.users.ban(account_id, reason="广告", by="lin", lasting=lasting, shown=True)
    reply = await api.token(api.wx_login("mei"))
    assert reply.json["reason"] == "广告"
    assert timedelta(0) < datetime.fromisoformat(reply.json["until"]) - clock() <= lasting
    assert "lin" not in str(reply.json)


async def test_a_ban_without_an_end_names_none(api: API, services: Services, clock: Clock) -> None:
    await services.users.ban(await api.registered("mei"), reason="spam", by="lin", shown=True)
    clock.advance(days=3650)
    reply = await api.token(api.wx_login("mei"))
    assert (reply.error, reply.json["reason"]) == ("account_disabled", "spam")
    assert "until" not in reply.json


async def test_a_ban_holds_for_signing_in_registering_and_every_token(
    api: API, services: Services, database: Database
) -> None:
    headers = {"Authorization": f"Bearer {await api.signed_in('mei')}"}
    account_id = (await api.get("/accounts/me", headers=headers)).json["account_id"]
    await services.users.ban(account_id, reason="spam", by="lin")

    for reply in (
        await api.token(api.wx_login("mei")),
        await api.register(api.wx_login("mei")),
        await api.get("/accounts/me", headers=headers),
    ):
        assert (reply.status, reply.error) == (403, "account_disabled")
    assert database.sessions.count_documents({}) == 1
    assert database.users.find_one()["sign_ins"] == 1


async def test_a_ban_that_has_ended_or_was_lifted_holds_no_longer(
    api: API, services: Services, clock: Clock
) -> None:
    account_id = await api.registered("mei")
    await services.users.ban(account_id, reason="spam", by="lin", lasting=timedelta(hours=1))
    assert (await api.token(api.wx_login("mei"))).status == 403
    clock.advance(hours=1, seconds=1)
    assert (await api.token(api.wx_login("mei"))).status == 200

    await services.users.ban(account_id, reason="spam", by="lin")
    assert (await api.token(api.wx_login("mei"))).status == 403
    await services.users.unban(account_id)
    assert (await api.token(api.wx_login("mei"))).status == 200


async def test_somebody_elses_ban_is_nobody_elses(api: API, services: Services) -> None:
    await services.users.ban(await api.registered("mei"), reason="spam", by="lin")
    await api.registered("bo")
    assert (await api.token(api.wx_login("bo"))).status == 200
