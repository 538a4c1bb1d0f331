"""Each operation of a signed-in user while each of its steps at MongoDB fails: 503, nothing half-made, then service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pymongo
import pytest

from sandbox import StandIn
from tests.client import API, Reply, bearer
from tests.conftest import Clock
from tests.fault.running import until
from tests.fault.signed_in import ASKED_BY_SHOP, introspect, sign_out
from tests.fault.test_database_faults import check_unavailable, failing
from tests.integration.helpers import configured
from tests.integration.phones import PHONE, bind
from tests.pictures import AVATAR, plain, upload

Database = pymongo.database.Database[dict[str, Any]]
Document = dict[str, Any]
ME, SESSIONS = "/accounts/me", "/accounts/me/sessions"
LATE: Document = {"blockConnection": True, "blockTimeMS": 2500}


@pytest.fixture
def mongodb_uri(mongodb_uri: str) -> str:
    """A feigned state change is not followed by the news that the driver waits for, so it looks more often."""
    return f"{mongodb_uri}&heartbeatFrequencyMS=500"


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """A short deadline for MongoDB, and somebody who introspects."""
    return {**configured(stand_in), **ASKED_BY_SHOP, "mongodb": {"timeout": "1s"}}


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in on two devices, with a phone number and a picture."""

    api: API
    name: str
    tokens: dict[str, Any]
    other_session: str
    mongodb_uri: str
    clock: Clock

    @property
    def headers(self) -> dict[str, str]:
        """Of this device."""
        return bearer(self.tokens["access_token"])

    @property
    def access_token(self) -> str:
        """Of this device."""
        token: str = self.tokens["access_token"]
        return token


PICTURE = plain("JPEG", (64, 64))


@dataclass(frozen=True)
class Operation:
    """A request, what it answers when all is well, and its steps at MongoDB, as `command collection`."""

    call: Callable[[Person], Awaitable[Reply]]
    steps: tuple[str, ...]
    status: int = 200
    # Steps before which something was done that may stand, since asking again goes on from there.
    late_steps: tuple[str, ...] = ()


OPERATIONS: dict[str, Operation] = {
    "sign in": Operation(
        lambda who: who.api.token(who.api.wx_login(who.name)),
        (
            "insert pending_logins",
            "find users",
            "update users",
            "insert sessions",
            "update pending_logins",
        ),
        # The session and the note of the sign-in are written at once; a session that nobody was told of opens nothing.
        late_steps=("insert sessions", "update users", "update pending_logins"),
    ),
    "refresh": Operation(
        lambda who: who.api.refresh(who.tokens["refresh_token"]),
        ("find sessions", "find users", "update sessions"),
    ),
    "sign out": Operation(lambda who: sign_out(who.api, who.tokens["refresh_token"]), ("update sessions",)),
    "sign out by access token": Operation(
        lambda who: sign_out(who.api, who.access_token), ("update sessions",)
    ),
    "introspect": Operation(
        lambda who: introspect(who.api, who.access_token), ("find sessions", "find users")
    ),
    "look": Operation(lambda who: who.api.me(who.access_token), ("find sessions", "find users")),
    "correct": Operation(
        lambda who: who.api.put(ME, json={"nickname": "阿美"}, headers=who.headers),
        ("find sessions", "find users", "findAndModify users"),
    ),
    "list devices": Operation(
        lambda who: who.api.get(SESSIONS, headers=who.headers), ("find sessions", "find users")
    ),
    "sign out one device": Operation(
        lambda who: who.api.delete(f"{SESSIONS}/{who.other_session}", headers=who.headers),
        ("update sessions",),
        status=204,
    ),
    "sign out everywhere else": Operation(
        lambda who: who.api.delete(SESSIONS, headers=who.headers),
        ("update users", "update sessions"),
        status=204,
        # The sessions are over by one write to the user; the marks on them are for the history.
        late_steps=("update sessions",),
    ),
    "bind a phone": Operation(
        lambda who: bind(who.api, who.headers),
        (
            "find wechat_access_tokens",
            "findAndModify wechat_access_tokens",
            "update wechat_access_tokens",
            "update users",
        ),
    ),
    "remove the phone": Operation(
        lambda who: who.api.delete(PHONE, headers=who.headers), ("update users",), status=204
    ),
    "upload a picture": Operation(
        lambda who: upload(who.api, who.access_token, PICTURE),
        ("update users", "delete avatars", "insert avatars", "commitTransaction"),
    ),
    "remove the picture": Operation(
        lambda who: who.api.delete(AVATAR, headers=who.headers),
        ("update users", "delete avatars", "commitTransaction"),
        status=204,
    ),
    "export": Operation(
        lambda who: who.api.get("/accounts/me/export", headers=who.headers), ("find sessions", "find users")
    ),
}


# Those whose last step is a write.
CUT_OFF = [name for name, operation in OPERATIONS.items() if not operation.steps[-1].startswith("find ")]
MakePerson = Callable[[str], Awaitable[Person]]


@pytest.fixture
def make_person(api: API, mongodb_uri: str, clock: Clock) -> MakePerson:
    """`await make_person("mei")`: they sign in on both devices."""

    async def make(name: str) -> Person:
        await api.sign_in(name)
        made = Person(api, name, await api.sign_in(name), "", mongodb_uri, clock)
        assert (await bind(api, made.headers)).status == 200
        assert (await upload(api, made.access_token, PICTURE)).status == 200
        listed = (await api.get(SESSIONS, headers=made.headers)).json["sessions"]
        return replace(made, other_session=next(each["id"] for each in listed if not each["current"]))

    return make


def kept(database: Database) -> dict[str, list[Document]]:
    """Everything that is kept of people."""
    names = ("users", "sessions", "avatars", "closed_accounts", "identity_conflicts")
    return {name: list(database[name].find().sort("_id", 1)) for name in names}


def at(step: str, database: Database, fault: Document) -> tuple[Document, list[str]]:
    """The fault on this step alone."""
    command, _, collection = step.partition(" ")
    return ({**fault, "namespace": f"{database.name}.{collection}"} if collection else fault), [command]


async def fail(mei: Person, database: Database, name: str, step: str, fault: Document) -> None:
    """While the step fails the operation is refused and changes nothing; afterwards it does its work."""
    operation = OPERATIONS[name]
    database.wechat_access_tokens.delete_many({})  # so that there is one to fetch
    before = kept(database)
    with failing(mei.mongodb_uri, "alwaysOn", *at(step, database, fault)):
        reply = await operation.call(mei)
    assert reply.status == 503, step
    check_unavailable(reply)
    if step not in operation.late_steps:
        assert kept(database) == before, step
    if "wechat_access_tokens" in step:
        mei.clock.advance(minutes=1)  # past the turn of a fetch whose outcome could not be noted
    assert (await operation.call(mei)).status == operation.status, step


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_step_that_fails_is_503_with_nothing_half_made_and_the_next_request_works(
    make_person: MakePerson, database: Database, name: str
) -> None:
    for step in OPERATIONS[name].steps:
        await fail(await make_person("mei"), database, name, step, {"errorCode": 8})


@pytest.mark.gen_test(timeout=200)
@pytest.mark.parametrize("name", CUT_OFF)
async def test_a_connection_cut_at_the_last_step_is_503_with_nothing_half_made_and_the_next_request_works(
    make_person: MakePerson, database: Database, name: str
) -> None:
    await fail(
        await make_person("mei"), database, name, OPERATIONS[name].steps[-1], {"closeConnection": True}
    )


async def test_a_sign_out_everywhere_else_holds_though_the_sessions_could_not_be_marked(
    api: API, make_person: MakePerson, mongodb_uri: str, database: Database
) -> None:
    elsewhere, mei = await api.sign_in("mei"), await make_person("mei")
    with failing(mongodb_uri, "alwaysOn", *at("update sessions", database, {"errorCode": 8})):
        check_unavailable(await OPERATIONS["sign out everywhere else"].call(mei))
    assert (await api.me(elsewhere["access_token"])).error == "invalid_token"
    assert (await api.refresh(elsewhere["refresh_token"])).error == "invalid_grant"
    assert (await api.me(mei.access_token)).status == 200


@pytest.mark.gen_test(timeout=200)
async def test_late_answers_are_cut_off_at_the_deadline_and_what_was_done_for_nobody_harms_nobody(
    make_person: MakePerson, mongodb_uri: str
) -> None:
    people = {name: await make_person(f"visitor-{number}") for number, name in enumerate(CUT_OFF)}
    writes = ["insert", "update", "delete", "findAndModify"]
    began = time.monotonic()
    with failing(mongodb_uri, "alwaysOn", LATE, writes):
        replies = await asyncio.gather(*(OPERATIONS[name].call(who) for name, who in people.items()))
    took = time.monotonic() - began
    for reply in replies:
        check_unavailable(reply)
    assert took < 1 + 3  # mongodb.timeout, and what a busy machine adds
    # What mongod had taken it may do yet, for nobody. Asking again is answered as if it were the first time.
    for name, who in people.items():
        expected = {OPERATIONS[name].status} | ({404} if name == "sign out one device" else set())
        assert await _insist(OPERATIONS[name], who) in expected, name


async def _insist(operation: Operation, who: Person) -> int:
    """The first answer that is not 503."""
    statuses: list[int] = []

    async def answered() -> bool:
        statuses.append((await operation.call(who)).status)
        return statuses[-1] != 503

    await until(answered, "it works again")
    return statuses[-1]
