"""Several server.py processes over one MongoDB: one account a person, one call to WeChat a code, one signing key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from passport.config import Settings
from passport.services import make_services
from sandbox import StandIn
from tests.client import API
from tests.conftest import APPID, SECRET_KEY
from tests.fault.conftest import StartServer
from tests.fault.running import ServerProcess, until

ClientOf = Callable[[str], API]

REGISTRATIONS = 400
CODES, POSTS = 5, 100


@pytest.fixture
def start_two(
    start_server: StartServer, client_of: ClientOf, mongodb_uri: str, database: Any
) -> Callable[[], Any]:
    """Two processes over this test's database, ready; a client of each."""

    async def start() -> list[API]:
        servers = [
            start_server(
                mongodb__uri=mongodb_uri,
                mongodb__database=database.name,
                mongodb__timeout="20s",
                wechat__timeout="20s",
                wechat__connect_timeout="20s",
            )
            for _ in range(2)
        ]
        return [client_of(await each.ready()) for each in servers]

    return start


@pytest.mark.gen_test(timeout=200)
async def test_simultaneous_registrations_over_two_processes_are_one_account(
    start_two: Any, stand_in: StandIn, database: Any
) -> None:
    clients = await start_two()
    # Each phone call has its own code: what races is the account, not the code.
    visits = [
        (client, stand_in.people.login("mei", rotate=False))
        for client, _ in zip(cycle(clients), range(REGISTRATIONS), strict=False)
    ]
    replies = await asyncio.gather(*(client.register(login) for client, login in visits))

    assert {reply.status for reply in replies} <= {200, 201}
    assert [reply.status for reply in replies].count(201) == 1
    assert len({reply.json["account_id"] for reply in replies}) == 1
    assert len({reply.json["created_at"] for reply in replies}) == 1
    identity = {"appid": APPID, "openid": stand_in.people.openid("mei")}
    assert database.users.count_documents({}) == database.users.count_documents({"identities": identity}) == 1
    assert stand_in.calls.total == REGISTRATIONS


@pytest.mark.gen_test(timeout=200)
async def test_one_code_posted_to_two_processes_at_once_is_one_call_and_one_token(
    start_two: Any, stand_in: StandIn, database: Any
) -> None:
    clients = await start_two()
    for number in range(CODES):
        account_id = await clients[0].registered(f"visitor-{number}")
        stand_in.calls.clear()
        login = stand_in.people.login(f"visitor-{number}")
        replies = await asyncio.gather(
            *(client.token(login) for client, _ in zip(cycle(clients), range(POSTS), strict=False))
        )
        assert {reply.status for reply in replies} == {200}
        assert len({reply.json["access_token"] for reply in replies}) == 1
        assert {reply.json["account_id"] for reply in replies} == {account_id}
        assert stand_in.calls.of(login["code"]) == stand_in.calls.total == 1
    assert database.sessions.count_documents({}) == CODES


@pytest.mark.gen_test(timeout=200)
async def test_a_first_visit_may_meet_another_process_at_each_step(start_two: Any, stand_in: StandIn) -> None:
    first, second = await start_two()
    visitor = stand_in.people.login()
    assert (await first.token(visitor)).status == 401
    assert (await second.register(visitor)).status == 201
    signed_in = await first.token(visitor)
    assert signed_in.status == 200
    me = await second.get(
        "/accounts/me", headers={"Authorization": f"Bearer {signed_in.json['access_token']}"}
    )
    assert me.json["account_id"] == signed_in.json["account_id"]
    assert stand_in.calls.total == 1


@pytest.mark.gen_test(timeout=200)
async def test_processes_that_start_at_once_on_an_empty_database_agree_on_one_key(
    start_server: StartServer, mongodb_uri: str, database: Any
) -> None:
    servers = [start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name) for _ in range(4)]
    await asyncio.gather(*(each.ready() for each in servers))
    keys = [(await each.probe("/.well-known/jwks.json"))[1] for each in servers]
    assert keys == [keys[0]] * 4
    assert len(keys[0]["keys"]) == 1
    assert database.signing_keys.count_documents({}) == 1
    assert database.users.index_information()["users_identities_unique"]["unique"]


async def test_services_that_prepare_an_empty_database_together_agree_on_one_key(
    configuration: dict[str, Any], mongodb_uri: str, database: Any
) -> None:
    settings = Settings.model_validate({**configuration, "mongodb": {"database": database.name}})
    made = [make_services(settings, mongodb_uri=mongodb_uri, secret_key=SECRET_KEY) for _ in range(12)]
    # Connected beforehand, so that all of them find the database empty.
    await asyncio.gather(*(each.store.ping() for each in made))
    await asyncio.gather(*(each.readiness.prepare() for each in made))
    assert {each.keys.signer.kid for each in made} == {made[0].keys.jwks()["keys"][0]["kid"]}
    assert database.signing_keys.count_documents({}) == 1
    await asyncio.gather(*(each.close() for each in made))


async def _reason(server: ServerProcess) -> str:
    status, answer = await server.probe("/readyz")
    return answer["problem"] if status == 503 else ""


@pytest.mark.gen_test(timeout=200)
async def test_nothing_is_served_while_two_documents_are_one_person_and_then_by_itself(
    start_server: StartServer, client_of: ClientOf, stand_in: StandIn, mongodb_uri: str, database: Any
) -> None:
    identity = {"appid": APPID, "openid": stand_in.people.openid("mei")}
    twins = database.users.insert_many([{"identities": [identity]}, {"identities": [identity]}]).inserted_ids
    server = start_server(mongodb__uri=mongodb_uri, mongodb__database=database.name)
    api = client_of(await server.listening())

    async def named() -> bool:
        return "users_identities_unique" in await _reason(server)

    await until(named, "/readyz names the index")
    assert stand_in.people.openid("mei") not in await _reason(server)
    for reply in (await api.register(api.wx_login("mei")), await api.token(api.wx_login("mei"))):
        assert (reply.status, reply.error) == (503, "temporarily_unavailable")
        assert int(reply.headers["Retry-After"]) > 0
    assert (await api.get("/healthz")).status == 200
    assert stand_in.calls.total == 0

    database.users.delete_one({"_id": twins[1]})
    await server.ready()
    assert (await api.register(api.wx_login("bo"))).status == 201
