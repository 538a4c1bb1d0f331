"""What the configuration changes in the two calls: `login: code`, several apps, the freshness window, grant_type."""

from __future__ import annotations

import secrets
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET, APPID
from tests.integration.helpers import OTHER_APPID, OTHER_SECRET, configured, the_three, with_two_apps

CODE_ONLY = "code only"
TWO_APPS = "two apps"
ONE_APP = "one app"


@pytest.fixture
def configuration(stand_in: StandIn, request: pytest.FixtureRequest) -> dict[str, Any]:
    """By the test's `configuration` parameter; one app otherwise."""
    match getattr(request, "param", ONE_APP):
        case "code only":
            return configured(stand_in, apps=[{"appid": APPID, "secret": APP_SECRET, "login": "code"}])
        case "two apps":
            return with_two_apps(stand_in)
        case _:
            return configured(stand_in)


by_code_alone = pytest.mark.parametrize("configuration", [CODE_ONLY], indirect=True)
with_several_apps = pytest.mark.parametrize("configuration", [TWO_APPS], indirect=True)


# login: code


@by_code_alone
async def test_a_code_alone_registers_and_signs_in(
    api: API, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    visitor = {"code": api.wx_login("mei")["code"]}
    assert [(await call(visitor)).status for call in (api.token, api.register, api.token)] == [401, 201, 200]
    assert api.stand_in.calls.total == 1
    assert database.users.find_one()["profile"] == {}


@by_code_alone
async def test_a_payload_that_is_sent_all_the_same_is_checked(api: API) -> None:
    wrong = the_three(api.wx_login("mei", order="wrong"))
    reply = await api.register(wrong)
    assert (reply.status, reply.error) == (403, "decrypt_failed")
    assert (await api.register(api.wx_login("mei"))).status == 201


@by_code_alone
@pytest.mark.parametrize("missing", ["encryptedData", "iv"])
async def test_one_half_of_a_payload_is_a_mistake(api: API, missing: str) -> None:
    fields = the_three(api.wx_login("mei"))
    del fields[missing]
    reply = await api.register(fields)
    assert (reply.status, reply.error) == (403, "invalid_request")
    assert reply.json["error_description"] == f"Missing: {missing}."
    assert api.stand_in.calls.total == 0


@by_code_alone
async def test_a_signature_is_checked_without_a_payload_too(api: API) -> None:
    fields = api.wx_login("mei")
    signed = {name: fields[name] for name in ("code", "rawData", "signature")}
    reply = await api.register({**signed, "rawData": signed["rawData"] + " "})
    assert (reply.status, reply.error) == (403, "signature_mismatch")
    assert (await api.register(signed)).status == 201


# Several apps


@with_several_apps
async def test_with_several_apps_the_appid_is_required(api: API) -> None:
    for call in (api.token, api.register):
        reply = await call(api.wx_login("mei"))
        assert (reply.status, reply.error) == (403, "invalid_request")
        assert "appid is required" in reply.json["error_description"]
    assert api.stand_in.calls.total == 0


@with_several_apps
async def test_an_unknown_appid_is_refused_without_asking_wechat(api: API) -> None:
    for appid in ("wx9999999999999999", "", "*", APPID.upper()):
        reply = await api.token({**api.wx_login("mei"), "appid": appid})
        assert (reply.status, reply.error) == (403, "invalid_request")
    assert api.stand_in.calls.total == 0


@with_several_apps
async def test_each_app_is_asked_for_with_its_own_secret(api: API) -> None:
    for appid in (APPID, OTHER_APPID):
        reply = await api.register({**api.wx_login(f"of-{appid}", appid=appid), "appid": appid})
        assert reply.status == 201
    assert [(call.appid, call.outcome) for call in api.stand_in.calls] == [(APPID, "ok"), (OTHER_APPID, "ok")]
    assert api.stand_in.people.apps[OTHER_APPID] == OTHER_SECRET


@with_several_apps
async def test_one_code_under_another_appid_is_another_code(api: API) -> None:
    """What is kept of a code belongs to its app, or one app's users could be looked up by another's codes."""
    visitor = api.wx_login("mei")
    assert (await api.register({**visitor, "appid": APPID})).status == 201
    reply = await api.token({**visitor, "appid": OTHER_APPID})
    assert (reply.status, reply.error) == (403, "invalid_code")
    assert (await api.token({**visitor, "appid": APPID})).status == 200


async def test_with_one_app_its_appid_may_be_sent(api: API) -> None:
    assert (await api.register({**api.wx_login("mei"), "appid": APPID})).status == 201
    reply = await api.register({**api.wx_login("mei"), "appid": OTHER_APPID})
    assert (reply.status, reply.error) == (403, "invalid_request")


# The developer tools' mock code


async def test_the_mock_code_of_the_developer_tools_is_refused_with_its_own_cure(api: API) -> None:
    for call in (api.token, api.register):
        reply = await call({**api.wx_login("mei"), "code": "the code is a mock one"})
        assert (reply.status, reply.error) == (403, "invalid_code")
        assert "appid" in reply.json["hint"]
        assert "开发者工具" in reply.json["hint"]
    assert api.stand_in.calls.total == 0


# The freshness window


@pytest.mark.parametrize("seconds", [-250, 250])
async def test_a_payload_of_these_minutes_is_fresh(api: API, seconds: int) -> None:
    timestamp = int(api.stand_in.people.now()) + seconds
    assert (await api.register(api.wx_login("mei", timestamp=timestamp))).status == 201


@pytest.mark.parametrize("seconds", [-400, 400, -(10**9)])
async def test_a_payload_of_another_time_is_refused_like_one_that_does_not_decrypt(
    api: API, seconds: int
) -> None:
    timestamp = int(api.stand_in.people.now()) + seconds
    reply = await api.register(api.wx_login("mei", timestamp=timestamp))
    assert (reply.status, reply.error) == (403, "decrypt_failed")


# grant_type


async def test_our_own_grant_type_may_be_named(api: API) -> None:
    await api.registered("mei")
    grant = {"grant_type": "urn:wxpassport:oauth:grant-type:wxapp"}
    assert (await api.token(api.wx_login("mei") | grant)).status == 200


@pytest.mark.parametrize("grant_type", ["password", "authorization_code", "client_credentials", "x" * 500])
async def test_another_grant_type_is_unsupported(api: API, grant_type: str) -> None:
    reply = await api.token({**api.wx_login("mei"), "grant_type": grant_type})
    assert (reply.status, reply.error) == (400, "unsupported_grant_type")
    assert api.stand_in.calls.total == 0


async def test_registration_knows_no_grant_type(api: API) -> None:
    assert (await api.register({**api.wx_login("mei"), "grant_type": secrets.token_hex(8)})).status == 201
