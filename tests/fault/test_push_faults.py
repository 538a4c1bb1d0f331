"""Pushes while things break: MongoDB away or late, two processes at once, a process killed before its receipt."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from sandbox import StandIn
from tests.client import API
from tests.conftest import APP_SECRET, APPID
from tests.fault.conftest import StartServer
from tests.fault.running import ServerProcess, until
from tests.fault.test_database_faults import check_unavailable, failing
from tests.integration.pushes import (
    Database,
    deliver,
    delivered,
    document,
    expecting_pushes,
    person_with_everything,
    without,
)

REVOKED, CANCELLED = "user_authorization_revoke", "user_authorization_cancellation"
ERASED_BY_SIX = ("profile.nickname", "entered.nickname", "profile.avatar_url", "entered.avatar_url", "avatar")


@pytest.fixture
def mongodb_uri(mongodb_uri: str) -> str:
    """A feigned state change is not followed by the news that the driver waits for, so it looks more often."""
    return f"{mongodb_uri}&heartbeatFrequencyMS=500"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Encrypted pushes, and a patience with MongoDB that is longer than WeChat's."""
    return {**expecting_pushes(stand_in), "mongodb": {"timeout": "20s"}}


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("find", {"errorCode": 8}),
        ("update", {"errorCode": 8}),
        ("insert", {"errorCode": 8}),
        ("update", {"closeConnection": True}),
    ],
)
async def test_a_push_that_mongodb_fails_is_503_and_its_repeat_is_done(
    api: API, mongodb_uri: str, database: Database, command: str, fault: dict[str, Any]
) -> None:
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", revoke_info=6)
    with failing(mongodb_uri, "alwaysOn", fault, [command]):
        check_unavailable(await deliver(api, push))
        assert database.push_receipts.count_documents({}) == 0
    await delivered(api, push)
    assert document(database, mei["_id"]) == without(mei, *ERASED_BY_SIX)
    assert database.push_receipts.count_documents({}) == 1


async def test_a_push_is_answered_before_wechat_gives_up(
    api: API, mongodb_uri: str, database: Database
) -> None:
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", revoke_info=8)
    late = {"blockConnection": True, "blockTimeMS": 8000}
    with failing(mongodb_uri, {"times": 1}, late, ["update"]):
        began = time.monotonic()
        check_unavailable(await deliver(api, push))
        # Cut off at four seconds; mongod answers after eight.
        assert time.monotonic() - began < 7
    await delivered(api, push)
    assert document(database, mei["_id"]) == without(mei, "phone")
    assert database.push_receipts.count_documents({}) == 1


@pytest.fixture
def start(
    start_server: StartServer, stand_in: StandIn, mongodb_uri: str, database: Database
) -> Callable[[], ServerProcess]:
    """Start a process over this test's database that expects pushes."""
    agreed = stand_in.people.push_secrets
    push = {"token": agreed.token, "encoding_aes_key": agreed.encoding_aes_key}
    apps = [{"appid": APPID, "secret": APP_SECRET, "push": push}]

    def started() -> ServerProcess:
        return start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name, wechat__apps=apps)

    return started


@pytest.mark.gen_test(timeout=200)
async def test_two_processes_that_get_one_push_at_once_have_one_effect_and_one_receipt(
    start: Callable[[], ServerProcess], client_of: Callable[[str], API], database: Database
) -> None:
    servers = [start(), start()]
    clients = [client_of(await server.ready()) for server in servers]
    visits = [("mei", REVOKED), ("bo", REVOKED), ("tao", REVOKED), ("lin", CANCELLED), ("yun", CANCELLED)]
    for person, event in visits:
        database.push_receipts.delete_many({})
        user = await person_with_everything(clients[0], database, person)
        push = clients[0].stand_in.people.push(person, event, revoke_info=6)
        await asyncio.gather(
            *(delivered(api, push) for api, _ in zip(cycle(clients), range(24), strict=False))
        )
        (receipt,) = database.push_receipts.find()
        assert receipt["account_id"] == str(user["_id"])
        if event == CANCELLED:
            assert receipt["outcome"] == "closed"
            assert database.users.count_documents({"_id": user["_id"]}) == 0
        else:
            assert receipt["outcome"] == "erased"
            assert document(database, user["_id"]) == without(user, *ERASED_BY_SIX)
    erased = [
        line for server in servers for line in server.log("push handled") if line["outcome"] == "erased"
    ]
    assert len(erased) == 3


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("event", [REVOKED, CANCELLED])
async def test_a_process_killed_between_effect_and_receipt_loses_neither(
    start: Callable[[], ServerProcess],
    client_of: Callable[[str], API],
    mongodb_uri: str,
    database: Database,
    event: str,
) -> None:
    server = start()
    api = client_of(await server.ready())
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", event, revoke_info=6)
    key = {"_id": mei["_id"]}
    stalled = {
        "errorCode": 91,
        "blockConnection": True,
        "blockTimeMS": 2000,
        "namespace": f"{database.name}.push_receipts",
    }
    with failing(mongodb_uri, "alwaysOn", stalled, ["insert"]):
        sending = asyncio.create_task(deliver(api, push))
        await until(lambda: database.users.find_one(key) != mei, "the effect")
        server.signal(signal.SIGKILL)
        with pytest.raises(Exception, match=r"disconnected|reset"):
            await sending
    await server.ended()
    after = database.users.find_one(key)
    assert after == (None if event == CANCELLED else without(mei, *ERASED_BY_SIX))
    assert database.push_receipts.count_documents({}) == 0

    again = client_of(await start().ready())
    await delivered(again, push)
    assert database.users.find_one(key) == after
    (receipt,) = database.push_receipts.find()
    assert receipt["event"] == event
