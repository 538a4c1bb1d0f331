"""What the store promises whatever the URI says, and who is the answer when two writers meet."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import pymongo
import pytest
from bson import ObjectId, json_util
from pymongo import WriteConcern

from passport.errors import StoreUnavailable
from passport.models import Identity, User
from passport.services import Services
from passport.users import Users
from passport.wechat.client import WeChatSession
from tests.client import API
from tests.conftest import APPID, Clock

Database = pymongo.database.Database[dict[str, Any]]
Command = dict[str, Any]
CARELESS = "&w=0&journal=false&readPreference=secondaryPreferred&readConcernLevel=local"
DURABLE = {"w": "majority", "j": True}
# What is written every second beside the requests, if a second is over.
BESIDE = {
    ("update", "statistics"),
    ("update", "wechat_health"),
    ("findAndModify", "statistics"),
    ("update", "turns"),
}
MEI, BO = Identity(APPID, "openid-of-mei"), Identity(APPID, "openid-of-bo")
SESSION = WeChatSession(openid=MEI.openid, unionid=None, session_key="tiihtNczf5v6AKRyjwEUhQ==")


@pytest.fixture(scope="session")
def mongodb_uri(mongodb_uri: str) -> str:
    """The same mongod, by a URI that asks for no guarantee at all."""
    return mongodb_uri + CARELESS


@pytest.fixture
def database(database: Database) -> Database:
    """The test's own client came by that URI, too; what it writes is to be there."""
    return database.with_options(write_concern=WriteConcern(w=1))


@pytest.fixture
def driver_log(log_records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the driver says it does, from here on."""
    # It cuts its lines short otherwise.
    monkeypatch.setenv("MONGOB_LOG_MAX_DOCUMENT_LENGTH", "100000")

    def lines(topic: str, message: str) -> list[dict[str, Any]]:
        said = [json.loads(each.getMessage()) for each in log_records if each.name == f"pymongo.{topic}"]
        return [line for line in said if line["message"] == message]

    return lines


@pytest.fixture
def driver_commands(driver_log: Any) -> Any:
    """Every command that the driver puts on the wire, as it stands there."""

    def sent(*names: str) -> list[Command]:
        started = driver_log("command", "Command started")
        return [json_util.loads(line["command"]) for line in started if line["commandName"] in names]

    return sent


def is_consumed(command: Command) -> bool:
    """Whether this notes that a code was used."""
    records = [each["u"] for each in command.get("updates", ()) if isinstance(each["u"], dict)]
    return any(record.get("status") == "consumed" for record in records)


async def test_a_careless_uri_does_not_weaken_a_write(driver_commands: Any, api: API) -> None:
    await api.signed_in("mei")

    writes = driver_commands("insert", "update", "findAndModify", "createIndexes")
    codes = [each for each in writes if "pending_logins" in each.values()]
    others = [each for each in writes if each not in codes]
    # The name of a command is its first member.
    written = {next(iter(each.items())) for each in others if "createIndexes" not in each}
    assert written - BESIDE == {
        ("update", "elections"),
        ("insert", "signing_keys"),
        ("insert", "users"),
        ("insert", "sessions"),
        ("update", "users"),
    }
    assert [each for each in others if each["writeConcern"] != DURABLE] == []
    assert codes
    assert [each for each in codes if each["writeConcern"] not in (DURABLE, {"w": 1})] == []


async def test_that_a_code_was_consumed_survives_a_crash(driver_commands: Any, api: API) -> None:
    await api.signed_in("mei")
    (consumed,) = filter(is_consumed, driver_commands("update"))
    assert consumed["update"] == "pending_logins"
    assert consumed["writeConcern"] == DURABLE


async def test_a_careless_uri_does_not_weaken_a_read(driver_commands: Any, driver_log: Any, api: API) -> None:
    await api.registered("mei")
    visit = api.wx_login("mei")
    first, again = await api.token(visit), await api.token(visit)

    assert (first.status, again.json) == (200, first.json)
    reads = driver_commands("find")
    assert {each["find"] for each in reads} == {"users", "signing_keys", "pending_logins"}
    # Whose turn it is with a code is asked of the primary as it is now.
    users_and_keys = [each for each in reads if each["find"] != "pending_logins"]
    assert {each["readConcern"]["level"] for each in users_and_keys} == {"majority"}
    # A primary that is new to us is believed when a write has told that a majority follows it: one, for all of them.
    settling = [each["writeConcern"] for each in driver_commands("update") if each["update"] == "elections"]
    assert settling == [DURABLE]
    # To a mongod that it was told to reach directly, the driver sends one read preference whatever ours is.
    choices = driver_log("serverSelection", "Server selection started")
    assert {each["selector"] for each in choices if each["operation"] == "find"} == {"Primary()"}


async def test_an_identity_that_was_registered_meanwhile_is_not_linked_to_another_account(
    services: Services, database: Database, clock: Clock
) -> None:
    users = services.store.users
    first = await users.insert(MEI, unionid="unionid-of-mei", profile={}, consent=None, at=clock())
    other = await users.insert(BO, unionid=None, profile={}, consent=None, at=clock())
    assert first is not None
    assert other is not None
    before = list(database.users.find().sort("_id"))

    linked = await users.link(BO, unionid="unionid-of-mei")

    assert linked == other
    assert list(database.users.find().sort("_id")) == before


class LaggingStore:
    """A user store whose reads are behind: somebody has the identity, and it shows after so many looks."""

    def __init__(self, user: User, *, blind: float) -> None:
        self.user, self.blind, self.inserts, self.looks = user, blind, 0, 0

    async def insert(self, *_: Any, **__: Any) -> None:
        """Taken already."""
        self.inserts += 1

    async def find_by_identities(self, identities: Sequence[Identity]) -> list[User | None]:
        """What a majority has acknowledged so far."""
        assert identities == [MEI]
        self.looks += 1
        return [self.user if self.looks > self.blind else None]


def users_over(store: LaggingStore, clock: Clock) -> Users:
    """The service over that store; registering asks no other."""
    return Users(store=store, sign_ins=None, sessions=None, conflicts=None, statistics=None, now=clock)


@pytest.fixture
def winner(clock: Clock) -> User:
    """Who registered the identity a moment ago."""
    return User(str(ObjectId()), (MEI,), created_at=clock(), last_seen_at=clock())


async def test_a_registration_that_lost_waits_until_the_winner_can_be_read(
    winner: User, clock: Clock
) -> None:
    store = LaggingStore(winner, blind=2)
    assert await users_over(store, clock).register(APPID, SESSION, {}, None) == (winner, False)
    assert (store.inserts, store.looks) == (1, 3)


async def test_a_registration_that_lost_to_somebody_who_cannot_be_read_is_to_be_repeated(
    winner: User, clock: Clock
) -> None:
    store = LaggingStore(winner, blind=float("inf"))
    with pytest.raises(StoreUnavailable):
        await users_over(store, clock).register(APPID, SESSION, {}, None)
    assert store.inserts == 1
