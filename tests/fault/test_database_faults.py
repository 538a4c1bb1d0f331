"""A MongoDB that fails, hangs up, answers late or does not clean up: 503 in our shape, then service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymongo
import pytest

from passport.services import Services
from tests.client import API, Reply
from tests.conftest import Clock

VISITS = 6
COMMANDS = ["find", "insert", "update", "findAndModify"]
# What a server reports when it fails, hangs up or is late. appName: our own client's commands are left alone.
FAULTS: dict[str, dict[str, Any]] = {
    "not primary": {"errorCode": 10107},
    "shutting down": {"errorCode": 91},
    "an error that nobody foresaw": {"errorCode": 8},
    "out of time": {"errorCode": 50},
    "not replicated": {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
    "connection closed": {"closeConnection": True},
    "late": {"blockConnection": True, "blockTimeMS": 1500},
}


@pytest.fixture
def mongodb_uri(mongodb_uri: str) -> str:
    """A feigned state change is not followed by the news that the driver waits for, so it looks more often."""
    return f"{mongodb_uri}&heartbeatFrequencyMS=500"


@pytest.fixture
def configuration(configuration: dict[str, Any]) -> dict[str, Any]:
    """A short deadline for MongoDB."""
    return {**configuration, "mongodb": {"timeout": "1s"}}


@contextlib.contextmanager
def failing(mongodb_uri: str, mode: Any, fault: dict[str, Any], commands: list[str]) -> Iterator[None]:
    """mongod's own fail point, for the server's connections alone."""
    with pymongo.MongoClient(mongodb_uri) as client:
        data = {**fault, "failCommands": commands, "appName": "wxpassport"}
        client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
        try:
            yield
        finally:
            client.admin.command("configureFailPoint", "failCommand", mode="off")


def check_unavailable(reply: Reply) -> None:
    """503 in our shape (the client checks the rest), with a time to come back."""
    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert int(reply.headers["Retry-After"]) > 0


async def _insist(call: Callable[[Any], Any], login: Callable[[], Any], statuses: list[int]) -> Reply:
    """Repeat after a 503, with a fresh wx.login after `code_used`."""
    given = login()
    for _ in range(20):
        reply: Reply = await call(given)
        statuses.append(reply.status)
        if reply.status == 503:
            check_unavailable(reply)
        elif reply.error == "code_used":
            given = login()
        else:
            return reply
    raise AssertionError(f"no end of 503: {statuses}")


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_mongod_that_fails_one_command_in_eight_costs_retries_and_nothing_else(
    api: API, mongodb_uri: str, database: Any, fault: str
) -> None:
    statuses: list[int] = []
    told: dict[str, str] = {}

    async def visit(name: str) -> None:
        registered = await _insist(api.register, lambda: api.wx_login(name), statuses)
        assert registered.status in (200, 201)
        told[api.stand_in.people.openid(name)] = registered.json["account_id"]
        signed_in = await _insist(api.token, lambda: api.wx_login(name), statuses)
        assert signed_in.json["account_id"] == registered.json["account_id"]

    with failing(mongodb_uri, {"activationProbability": 0.125}, FAULTS[fault], COMMANDS):
        await asyncio.gather(*(visit(f"visitor-{number}") for number in range(VISITS)))

    assert set(statuses) <= {200, 201, 403, 503}
    kept = {user["identities"][0]["openid"]: str(user["_id"]) for user in database.users.find()}
    assert kept == told
    assert all(user["sign_ins"] >= 1 for user in database.users.find())
    assert database.sessions.count_documents({}) >= VISITS
    assert (await api.register(api.wx_login())).status == 201


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_mongod_that_fails_always_is_a_503_and_the_next_request_works(
    api: API, mongodb_uri: str, database: Any, command: str
) -> None:
    kept = api.wx_login("mei")
    account_id = (await api.register(kept)).json["account_id"]
    with failing(mongodb_uri, "alwaysOn", {"errorCode": 8}, [command]):
        # Only the turn with a code that has a record is taken by findAndModify.
        replies = [await api.token(kept), await api.register(api.wx_login("bo"))]
    for reply in replies:
        # Registering needs no update but the settling of its code, and no find.
        assert reply.status in (201, 503), reply
    check_unavailable(replies[0])
    assert database.sessions.count_documents({}) <= 1
    signed_in = await api.token(api.wx_login("mei"))
    assert (signed_in.status, signed_in.json["account_id"]) == (200, account_id)
    assert (await api.register(api.wx_login("bo"))).status in (200, 201)
    assert database.users.count_documents({}) == 2


async def test_a_503_of_mongodb_can_be_repeated_with_the_same_code(
    api: API, mongodb_uri: str, database: Any
) -> None:
    visitor = api.wx_login()
    assert (await api.token(visitor)).status == 401
    with failing(mongodb_uri, "alwaysOn", {"errorCode": 8}, ["insert", "update"]):
        check_unavailable(await api.register(visitor))
    # The turn that could not be settled was ours, so nobody waits for it.
    began = time.monotonic()
    assert (await api.register(visitor)).status == 201
    assert (await api.token(visitor)).status == 200
    assert time.monotonic() - began < 3
    assert api.stand_in.calls.of(visitor["code"]) == 1


async def test_a_late_answer_is_cut_off_at_the_deadline(api: API, mongodb_uri: str) -> None:
    await api.registered("mei")
    with failing(mongodb_uri, "alwaysOn", {"blockConnection": True, "blockTimeMS": 4000}, ["find"]):
        began = time.monotonic()
        check_unavailable(await api.token(api.wx_login("mei")))
        assert time.monotonic() - began < 3  # mongodb.timeout is 1 s here
        assert (await api.get("/healthz")).status == 200
    assert (await api.token(api.wx_login("mei"))).status == 200


async def test_what_expired_is_refused_though_mongod_does_not_delete_it(
    api: API, mongodb_uri: str, services: Services, clock: Clock, database: Any
) -> None:
    with pymongo.MongoClient(mongodb_uri) as client:
        client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        try:
            visitor = api.wx_login()
            assert (await api.token(visitor)).status == 401
            clock.advance(minutes=5, seconds=1)
            refused = await api.register(visitor)
            assert (refused.status, refused.error) == (403, "code_used")
            clock.advance(minutes=6)
            assert (await api.register(visitor)).error == "code_used"
            assert database.pending_logins.count_documents({}) == 1
            assert api.stand_in.calls.of(visitor["code"]) == 1
        finally:
            client.admin.command("setParameter", 1, ttlMonitorEnabled=True)
    assert database.users.count_documents({}) == 0
