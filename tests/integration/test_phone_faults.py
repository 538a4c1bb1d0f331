"""Binding a phone number while WeChat or MongoDB fails: the answer, in time, nothing half-made, and life going on."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import Clock
from tests.integration.helpers import configured
from tests.integration.phones import PHONE_NUMBER, STABLE_TOKEN, bearer, bind, phone_of

Database = pymongo.database.Database[dict[str, Any]]

LOST = (
    "hang",
    "reset",
    "disconnect",
    "empty",
    "http_500",
    "html",
    "truncated",
    "cut",
    "array",
    "bad_utf8",
    "redirect",
)
# errcode → status, error, Retry-After.
PHONE_REFUSALS: dict[int, tuple[int, str, str | None]] = {
    -1: (503, "temporarily_unavailable", "2"),
    40001: (503, "temporarily_unavailable", "2"),
    40013: (500, "server_misconfigured", None),
    40014: (503, "temporarily_unavailable", "2"),
    40029: (403, "invalid_code", None),
    40163: (403, "code_used", None),
    41001: (500, "server_misconfigured", None),
    42001: (503, "temporarily_unavailable", "2"),
    45009: (503, "temporarily_unavailable", "300"),
    45011: (429, "slow_down", "60"),
    48001: (500, "server_misconfigured", None),
    48004: (500, "server_misconfigured", None),
    61234: (503, "temporarily_unavailable", "2"),
}
TOKEN_REFUSALS: dict[int, tuple[int, str, str | None]] = {
    -1: (503, "temporarily_unavailable", "2"),
    40001: (500, "server_misconfigured", None),
    40013: (500, "server_misconfigured", None),
    40029: (503, "temporarily_unavailable", "2"),
    40125: (500, "server_misconfigured", None),
    40164: (500, "server_misconfigured", None),
    40243: (500, "server_misconfigured", None),
    45009: (503, "temporarily_unavailable", "300"),
    45011: (503, "temporarily_unavailable", "60"),
}


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """A short time-out, since some faults take all of it."""
    return configured(stand_in, timeout="1s")


@pytest.mark.expects_log("WeChat refused a phone number", "WeChat refuses a fresh access_token")
@pytest.mark.parametrize("errcode", PHONE_REFUSALS)
async def test_an_errcode_of_the_number_is_told_as_the_table_says(
    api: API, database: Database, errcode: int
) -> None:
    headers = await bearer(api, "mei")
    api.stand_in.faults.set("errcode", path=PHONE_NUMBER, errcode=errcode)
    reply = await bind(api, headers)

    status, error, retry_after = PHONE_REFUSALS[errcode]
    assert (reply.status, reply.error, reply.json["wechat_errcode"]) == (status, error, errcode)
    assert reply.headers.get("Retry-After") == retry_after
    assert api.stand_in.calls.at(PHONE_NUMBER) == (2 if errcode in (-1, 40001, 40014, 42001) else 1)
    assert "phone" not in database.users.find_one()


@pytest.mark.expects_log("WeChat refused an access_token")
@pytest.mark.parametrize("errcode", TOKEN_REFUSALS)
async def test_an_errcode_of_the_access_token_leaves_the_phone_code_good(
    api: API, clock: Clock, errcode: int
) -> None:
    headers, code = await bearer(api, "mei"), api.stand_in.people.phone_code("mei")
    api.stand_in.faults.set("errcode", path=STABLE_TOKEN, errcode=errcode)
    reply = await bind(api, headers, code)
    status, error, retry_after = TOKEN_REFUSALS[errcode]
    assert (reply.status, reply.error, reply.json["wechat_errcode"]) == (status, error, errcode)
    assert reply.headers.get("Retry-After") == retry_after
    assert api.stand_in.calls.of(code) == 0

    # Who comes at once is told the same without asking WeChat again.
    asked = api.stand_in.calls.at(STABLE_TOKEN)
    again = await bind(api, headers, code)
    assert (again.status, again.error, again.json["wechat_errcode"]) == (status, error, errcode)
    assert api.stand_in.calls.at(STABLE_TOKEN) == asked

    api.stand_in.faults.clear()
    clock.advance(seconds=int(retry_after or 2))
    code = code if clock.offset.total_seconds() < 300 else api.stand_in.people.phone_code("mei")
    assert (await bind(api, headers, code)).status == 200


@pytest.mark.parametrize("path", [STABLE_TOKEN, PHONE_NUMBER])
@pytest.mark.parametrize("mode", LOST)
async def test_a_lost_answer_is_told_as_503_with_what_to_do_and_nothing_is_bound(
    api: API, database: Database, clock: Clock, mode: Any, path: str
) -> None:
    headers = await bearer(api, "mei")
    api.stand_in.faults.set(mode, path=path, times=1, burns=True)
    reply = await bind(api, {**headers, "Accept-Language": "en"})

    assert (reply.status, reply.error, reply.headers["Retry-After"]) == (503, "temporarily_unavailable", "2")
    assert "tap the phone number button" in reply.json["hint"]
    assert api.stand_in.calls.redirects_followed == 0
    assert "phone" not in database.users.find_one()

    clock.advance(seconds=3)
    assert (await bind(api, headers)).status == 200
    assert await phone_of(api, headers) == "+8613800000001"


async def test_wechat_away_is_told_as_503_and_the_code_is_good_afterwards(api: API, clock: Clock) -> None:
    headers, code = await bearer(api, "mei"), api.stand_in.people.phone_code("mei")
    port = int(api.stand_in.base_url.rpartition(":")[2])
    await api.stand_in.stop()
    reply = await bind(api, headers, code)
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")

    api.stand_in.start(port)
    clock.advance(seconds=3)
    assert (await bind(api, headers, code)).status == 200


async def test_numbers_that_fail_keep_nobody_from_signing_in(api: API) -> None:
    headers = await bearer(api, "mei")
    api.stand_in.faults.set("http_502", path=PHONE_NUMBER)
    for _ in range(6):
        assert (await bind(api, headers)).status == 503
    assert api.stand_in.calls.at(PHONE_NUMBER) == 5  # then the breaker holds them back
    assert (await api.token(api.wx_login("mei"))).status == 200


@pytest.mark.parametrize(
    "info",
    [
        {"countryCode": ""},
        {"countryCode": "086"},
        {"countryCode": True},
        {"countryCode": "86", "purePhoneNumber": "138 0000 0001"},
        {"purePhoneNumber": None},
        {"purePhoneNumber": "١٣٨٠٠٠٠٠٠٠١"},
        {"purePhoneNumber": "1" * 14},
        {"purePhoneNumber": {"$ne": ""}},
        {"watermark": None},
    ],
)
async def test_a_number_that_is_none_is_not_stored(
    api: API, database: Database, info: dict[str, Any]
) -> None:
    headers = await bearer(api, "mei")
    reply = await bind(api, headers, api.stand_in.people.phone_code("mei", **info))
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert "phone" not in database.users.find_one()


@pytest.mark.parametrize("life", [{"expires_in": 0}, {"expires_in": "7200"}, {"access_token": ""}])
async def test_a_token_that_is_none_is_not_stored(
    api: API, database: Database, monkeypatch: pytest.MonkeyPatch, life: dict[str, Any]
) -> None:
    headers = await bearer(api, "mei")
    monkeypatch.setattr(
        "sandbox.stable_token._give", lambda *_: {"access_token": "x", "expires_in": 7200} | life
    )
    assert (await bind(api, headers)).status == 503
    assert "sealed_token" not in database.wechat_access_tokens.find_one()


@pytest.mark.parametrize("command", ["findAndModify", "update", "find"])
async def test_mongodb_away_is_told_as_503_and_nothing_is_half_made(
    api: API, database: Database, clock: Clock, command: str
) -> None:
    headers = await bearer(api, "mei")
    failing = {"failCommands": [command], "errorCode": 8000, "appName": "wxpassport"}
    database.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=failing)
    try:
        reply = await bind(api, headers)
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert "phone" not in database.users.find_one()

    clock.advance(minutes=1)  # past the turn of a fetch whose outcome could not be noted
    assert (await bind(api, headers)).status == 200
    assert await phone_of(api, headers) == "+8613800000001"
