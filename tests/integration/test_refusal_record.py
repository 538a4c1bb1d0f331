"""Every refused attempt is recorded with whom it met and why, beside the requests and never in their way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from passport.attempts import Attempt
from passport.errors import InvalidRequest, SlowDown, StoreUnavailable
from passport.models import Device
from passport.refusals import FIRST_KEPT, MOST_QUEUED, THEN_ONE_IN, Refusals
from passport.services import Services
from sandbox import StandIn
from tests.client import API, bearer
from tests.conftest import APPID, Clock
from tests.integration.helpers import sealed
from tests.integration.pushes import deliver, expecting_pushes

Database = Any
Document = dict[str, Any]
AGENT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.54"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """One app that hears pushes."""
    return expecting_pushes(stand_in)


async def recorded(services: Services, database: Database) -> list[Document]:
    """All that is recorded by now, oldest first."""
    await services.refusals.flush()
    return list(database.refusals.find({}).sort("_id", 1))


def note(refusals: Refusals, number: int = 0, error: Any = None) -> None:
    """One refused attempt, without a request."""
    refusals.note(
        error or InvalidRequest(),
        operation="POST /oauth/token",
        request_id=f"{number:016x}",
        device=Device("192.0.2.1", AGENT),
        attempt=Attempt(appid=APPID, openid="oA"),
    )


# --- what is recorded ------------------------------------------------------------------------------------------


async def test_a_stranger_is_recorded_with_all_that_is_known_and_no_openid(
    api: API, services: Services, database: Database, clock: Clock
) -> None:
    credentials = sealed(api.stand_in, b"{}", openid="oGZUI0egBJY1zhBYw2KhdUfwVJJE")
    reply = await api.token(credentials, headers={"User-Agent": AGENT})
    (refusal,) = await recorded(services, database)
    assert refusal["at"] <= clock() < refusal["expires_at"]
    assert refusal["expires_at"] - refusal["at"] == timedelta(days=30)
    expected = {
        "error": "decrypt_failed",
        "status": 403,
        "operation": "POST /oauth/token",
        "appid": APPID,
        "request_id": reply.json["request_id"],
        "ip": "127.0.0.1",
        "user_agent": AGENT,
        "openid": services.refusals.digest(APPID, "oGZUI0egBJY1zhBYw2KhdUfwVJJE"),
        "weight": 1,
    }
    assert {name: refusal.get(name) for name in expected} == expected
    assert "oGZUI0egBJY1zhBYw2KhdUfwVJJE" not in repr(refusal)
    assert refusal.keys().isdisjoint({"account_id", "wechat_errcode", "rid", "reason", "hint"})


@pytest.mark.expects_log("WeChat refused the code")
async def test_what_wechat_said_is_recorded_without_what_it_quotes(
    api: API, services: Services, database: Database
) -> None:
    errmsg = "invalid ip 192.0.2.9, secret=abc, js_code : x1; rid: 652d44d0-1d0af18b-5b069232"
    api.stand_in.faults.set("errcode", errcode=40164, errmsg=errmsg)
    await api.token(api.wx_login())
    (refusal,) = await recorded(services, database)
    assert (refusal["wechat_errcode"], refusal["rid"]) == (40164, "652d44d0-1d0af18b-5b069232")
    assert refusal["errmsg"].startswith(
        "invalid ip 192.0.2.9, secret=[secret], js_code : [secret]; rid: 652d44d0"
    )


async def test_the_account_is_recorded_where_it_is_known(
    api: API, services: Services, database: Database
) -> None:
    tokens = await api.sign_in("mei")
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    await api.token(api.wx_login("mei"))
    await api.register(api.wx_login("mei"))
    await api.me(tokens["access_token"])
    await api.refresh(tokens["refresh_token"])
    found = await recorded(services, database)
    assert [each["operation"] for each in found] == [
        "POST /oauth/token",
        "POST /accounts/wxapp",
        "GET /accounts/me",
        "POST /oauth/token",
    ]
    assert {(each["account_id"], each["appid"], each["error"]) for each in found} == {
        (tokens["account_id"], APPID, "account_disabled")
    }


async def test_the_private_reason_of_a_refused_push_is_recorded(
    api: API, services: Services, database: Database
) -> None:
    push = api.stand_in.people.push("mei", revoke_info="8")
    reply = await deliver(api, push, body=push.body.replace(b"A", b"B"))
    (refusal,) = await recorded(services, database)
    assert (refusal["reason"], refusal["operation"]) == ("signature", "POST /wechat/events/{appid}")
    assert (refusal["appid"], refusal["request_id"]) == (APPID, reply.json["request_id"])


async def test_the_path_itself_is_never_recorded(api: API, services: Services, database: Database) -> None:
    await api.delete(f"/accounts/me/sessions/{'a1' * 12}?access_token=wpr_x")
    (refusal,) = await recorded(services, database)
    assert refusal["operation"] == "DELETE /accounts/me/sessions/{session_id}"
    assert "a1a1" not in repr(refusal)
    assert "wpr_" not in repr(refusal)


async def test_what_succeeds_or_is_no_operation_is_not_recorded(
    api: API, services: Services, database: Database
) -> None:
    tokens = await api.sign_in("mei")
    assert (await api.me(tokens["access_token"])).status == 200
    for method, path in (("GET", "/oauth/token"), ("GET", "/accounts/nobody"), ("POST", "/healthz")):
        assert (await api.request(method, path)).status in (404, 405)
    assert (
        await api.delete(f"/accounts/me/sessions/{'0' * 24}", headers=bearer(tokens["access_token"]))
    ).status == 404
    assert await recorded(services, database) == []


async def test_a_hint_is_recorded_where_it_is_not_the_usual_one(
    api: API, services: Services, database: Database
) -> None:
    await api.token({**api.wx_login(), "code": "the code is a mock one"})
    await api.token({**api.wx_login(), "code": "unknown"})
    mock, unknown = await recorded(services, database)
    assert "DevTools" in mock["hint"][1]
    assert "hint" not in unknown


async def test_the_record_of_one_request_does_not_learn_from_another(
    api: API, services: Services, database: Database
) -> None:
    """On one connection, as a client keeps it alive."""
    tokens = await api.sign_in("mei")
    await services.users.ban(tokens["account_id"], reason="x", by="lin")
    await api.me(tokens["access_token"])
    await api.me("made-up")
    banned, unknown = await recorded(services, database)
    assert (banned["error"], unknown["error"]) == ("account_disabled", "invalid_token")
    assert unknown.keys().isdisjoint({"appid", "account_id", "openid"})


async def test_a_persons_refusals_are_found_from_before_they_registered(
    api: API, services: Services, database: Database
) -> None:
    first = await api.token(api.wx_login("mei"))
    await api.token(api.wx_login("bo"))
    tokens = await api.sign_in("mei")
    await services.users.ban(tokens["account_id"], reason="spam", by="lin")
    last = await api.me(tokens["access_token"])
    await services.refusals.flush()
    mei = await services.users.find(tokens["account_id"])
    assert mei is not None
    found = await services.refusals.of_person(mei)
    assert [each.request_id for each in found] == [last.json["request_id"], first.json["request_id"]]


# --- never in the way ------------------------------------------------------------------------------------------


@pytest.mark.expects_log("Uncaught exception in write_error")
async def test_a_record_that_fails_changes_no_answer(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await api.token({**api.wx_login("mei"), "code": "unknown"})

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("for this test")

    monkeypatch.setattr(services.refusals, "note", fail)
    after = await api.token({**api.wx_login("mei"), "code": "unknown"})
    different = {"request_id"}
    assert (after.status, {**after.json, **dict.fromkeys(different)}) == (
        before.status,
        {**before.json, **dict.fromkeys(different)},
    )
    assert (await api.sign_in("mei"))["access_token"]


async def test_all_that_can_be_wrong_inside_encrypted_data_is_recorded_alike(
    api: API, services: Services, database: Database
) -> None:
    """R-021: neither the answer nor the record is another, so neither is the work."""
    right = sealed(api.stand_in, b'{"a": 1}', openid="oA")
    wrong = [
        sealed(api.stand_in, b"\xff\xfe", openid="oA"),  # no UTF-8
        sealed(api.stand_in, b"{", openid="oA"),  # no JSON
        sealed(api.stand_in, b'{"watermark": {"appid": "wx00"}}', openid="oA"),
        {**right, "iv": "AAAAAAAAAAAAAAAAAAAAAA=="},
        right,
    ]
    for credentials in wrong:
        assert (await api.token(credentials)).error == "decrypt_failed"
    # The cause is the operator's to know, and is noted when the answer is out.
    own = {"_id", "at", "expires_at", "request_id", "cause"}
    shapes = {
        repr({name: each[name] for name in sorted(each.keys() - own)})
        for each in await recorded(services, database)
    }
    assert len(shapes) == 1


async def test_requests_are_answered_while_the_record_cannot_be_written_and_it_is_written_later(
    api: API, services: Services, database: Database
) -> None:
    fault = {"failCommands": ["insert"], "errorCode": 8000, "namespace": f"{database.name}.refusals"}
    admin = database.client.admin
    admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fault)
    try:
        reply = await api.token({**api.wx_login("mei"), "code": "unknown"})
        with pytest.raises(StoreUnavailable):
            await services.refusals.flush()
        assert reply.error == "invalid_code"
        assert (await api.sign_in("mei"))["access_token"]
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
    assert reply.json["request_id"] in [each["request_id"] for each in await recorded(services, database)]


async def test_a_write_whose_answer_was_lost_makes_no_second_document(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, lost = services.store.refusals.insert, []

    async def insert_and_lose_the_answer(refusals: Any) -> None:
        await insert(refusals)
        if not lost:
            lost.append(refusals)
            raise StoreUnavailable

    monkeypatch.setattr(services.store.refusals, "insert", insert_and_lose_the_answer)
    note(services.refusals)
    note(services.refusals)
    with pytest.raises(StoreUnavailable):
        await services.refusals.flush()
    assert len(await recorded(services, database)) == 2


async def test_the_oldest_are_dropped_and_counted_when_too_many_wait(
    services: Services, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport.refusals.MOST_QUEUED", 10)
    monkeypatch.setattr("passport.refusals.FIRST_KEPT", 1_000)
    for number in range(25):
        note(services.refusals, number)
    assert services.refusals.dropped == 15
    kept = [int(each["request_id"], 16) for each in await recorded(services, database)]
    assert kept == list(range(15, 25))


async def test_half_a_surrogate_pair_of_wechats_is_replaced(services: Services, database: Database) -> None:
    note(services.refusals, error=InvalidRequest(errmsg="a\ud800b"))
    assert [each["errmsg"] for each in await recorded(services, database)] == ["a?b"]


async def test_a_document_that_cannot_be_written_does_not_hold_up_the_others(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(services.refusals, error=InvalidRequest("\ud800"))
    with pytest.raises(UnicodeEncodeError):
        await services.refusals.flush()
    note(services.refusals, 7)
    assert [each["request_id"] for each in await recorded(services, database)] == [f"{7:016x}"]
    assert services.refusals.dropped == 1


async def test_what_is_noted_is_written_by_itself_and_at_the_end(
    api: API, other_services: Services, services: Services, database: Database
) -> None:
    note(other_services.refusals)
    await other_services.refusals.close()
    assert database.refusals.count_documents({}) == 1


# --- floods ----------------------------------------------------------------------------------------------------


async def test_in_a_flood_few_are_kept_and_the_counts_stay_true(
    services: Services, database: Database, clock: Clock
) -> None:
    many = FIRST_KEPT + 12 * THEN_ONE_IN + 34
    for number in range(many):
        note(services.refusals, number)
    note(services.refusals, error=SlowDown())
    await services.refusals.flush()
    clock.advance(minutes=1)
    found = await recorded(services, database)
    assert len(found) == FIRST_KEPT + 12 + 1 + 1
    assert sum(each["weight"] for each in found if each["error"] == "invalid_request") == many
    assert sorted({each["weight"] for each in found}) == [1, 34, THEN_ONE_IN]
    assert [each["error"] for each in found].count("slow_down") == 1
    assert services.refusals.waiting == 0


async def test_after_a_flood_each_is_kept_again(services: Services, database: Database, clock: Clock) -> None:
    for number in range(FIRST_KEPT + 5):
        note(services.refusals, number)
    clock.advance(minutes=1)
    note(services.refusals, 10_000)
    found = await recorded(services, database)
    assert [each["weight"] for each in found if each["request_id"] == f"{10_000:016x}"] == [1]
    assert sum(each["weight"] for each in found) == FIRST_KEPT + 6


async def test_the_memory_for_notes_is_bounded(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passport.refusals.FIRST_KEPT", 10**9)
    for number in range(MOST_QUEUED + 500):
        note(services.refusals, number)
    assert services.refusals.waiting == MOST_QUEUED


async def test_the_record_goes_by_itself_after_its_time(database: Database, services: Services) -> None:
    index = database.refusals.index_information()["refusals_ttl"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expires_at", 1)], 0)
