"""Two server.py processes over one MongoDB: one successor a token, and an end that holds at both (R-008, R-019).

WXPASSPORT_ROUNDS raises the number of races, to 50 for the figures.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from typing import Any

import pymongo
import pytest
from tornado.ioloop import IOLoop

from passport.config import Settings
from passport.rotation import MOST_USES
from passport.services import Services, make_services
from tests.client import API, Reply, bearer
from tests.fault.conftest import StartServer
from tests.fault.running import SECRET_KEY, report
from tests.fault.signed_in import ASKED_BY_SHOP, introspect

Database = pymongo.database.Database[dict[str, Any]]
StartTwo = Callable[[], Awaitable[list[API]]]
ROUNDS = int(os.environ.get("WXPASSPORT_ROUNDS", "2"))
USES = 200
PEOPLE = 3
Tokens = dict[str, Any]


@pytest.fixture
def start_two(
    start_server: StartServer, client_of: Callable[[str], API], mongodb_uri: str, database: Database
) -> StartTwo:
    """Two processes over this test's database, ready; a client of each."""

    async def start() -> list[API]:
        settings = {
            "mongodb__uri": mongodb_uri,
            "mongodb__database": database.name,
            "mongodb__timeout": "20s",
        }
        servers = [start_server(**settings, **ASKED_BY_SHOP) for _ in range(2)]
        return [client_of(await each.ready()) for each in servers]

    return start


@pytest.fixture
def operator(
    io_loop: IOLoop, configuration: dict[str, Any], mongodb_uri: str, database: Database
) -> Iterator[Services]:
    """Somebody at a third process, which serves no requests."""
    settings = Settings.model_validate({**configuration, "mongodb": {"database": database.name}})

    async def make() -> Services:
        return make_services(settings, mongodb_uri=mongodb_uri, secret_key=SECRET_KEY.encode())

    made = io_loop.run_sync(make)
    yield made
    io_loop.run_sync(made.close)


@pytest.mark.gen_test(timeout=60 + 5 * ROUNDS)
async def test_two_hundred_uses_at_once_over_two_processes_have_one_successor(
    start_two: StartTwo, database: Database
) -> None:
    clients = await start_two()
    for number in range(ROUNDS):
        first = await clients[number % 2].sign_in(f"visitor-{number}")
        turns = zip(cycle(clients), range(USES), strict=False)
        replies = await asyncio.gather(*(client.refresh(first["refresh_token"]) for client, _ in turns))
        told = Counter((reply.status, reply.error) for reply in replies)
        assert told == {(200, None): MOST_USES, (400, "invalid_grant"): USES - MOST_USES}
        (successor,) = {reply.json["refresh_token"] for reply in replies if reply.status == 200}
        session = database.sessions.find_one(sort=[("_id", -1)])
        assert (session["refresh"]["generation"], session["ended_by"]) == (2, "replay")
        for client in clients:
            assert (await client.refresh(successor)).error == "invalid_grant"
    report(f"{ROUNDS} rounds of {USES} uses at once: one successor in each")


async def _refusals(api: API, tokens: Tokens, person: str) -> list[tuple[int, str | None]]:
    """What this process says to use, refresh, introspection and a fresh login; each is its next request on it."""
    assert (await introspect(api, tokens["access_token"])).json == {"active": False}
    replies = [await api.me(tokens["access_token"]), await api.refresh(tokens["refresh_token"])]
    replies.append(await api.token(api.wx_login(person)))
    return [(reply.status, reply.error) for reply in replies]


async def _works(api: API, tokens: Tokens) -> None:
    assert (await api.me(tokens["access_token"])).status == 200
    tokens |= (await api.refresh(tokens["refresh_token"])).json


@pytest.mark.gen_test(timeout=200)
async def test_a_ban_holds_at_both_processes_on_their_next_request(
    start_two: StartTwo, operator: Services, database: Database
) -> None:
    clients = await start_two()
    for number in range(PEOPLE):
        person = f"visitor-{number}"
        sessions = [await each.sign_in(person) for each in clients]
        for client, tokens in zip(reversed(clients), sessions, strict=True):
            await _works(client, tokens)
        assert await operator.users.ban(sessions[0]["account_id"], reason="spam", by="lin")
        for client, tokens in zip(reversed(clients), sessions, strict=True):
            assert await _refusals(client, tokens, person) == [(403, "account_disabled")] * 3
        # Lifting it revives nothing.
        assert await operator.users.unban(sessions[0]["account_id"])
        for client, tokens in zip(clients, sessions, strict=True):
            ended = [(401, "invalid_token"), (400, "invalid_grant"), (200, None)]
            assert await _refusals(client, tokens, person) == ended


@pytest.mark.gen_test(timeout=200)
async def test_a_sign_out_everywhere_else_holds_at_the_other_process_on_its_next_request(
    start_two: StartTwo, database: Database
) -> None:
    here, there = await start_two()
    for number in range(PEOPLE):
        person = f"visitor-{number}"
        left, kept = await there.sign_in(person), await here.sign_in(person)
        await _works(there, left)
        reply = await here.delete("/accounts/me/sessions", headers=bearer(kept["access_token"]))
        assert reply.status == 204
        ended = [(401, "invalid_token"), (400, "invalid_grant"), (200, None)]
        assert await _refusals(there, left, person) == ended
        await _works(there, kept)


@pytest.mark.gen_test(timeout=200)
async def test_a_closed_account_is_closed_at_the_other_process_on_its_next_request(
    start_two: StartTwo, database: Database
) -> None:
    here, there = await start_two()
    for number in range(PEOPLE):
        person = f"visitor-{number}"
        sessions = [await each.sign_in(person) for each in (here, there)]
        await _works(there, sessions[1])
        reply: Reply = await here.delete(
            "/accounts/me",
            json={"code": here.wx_login(person)["code"]},
            headers=bearer(sessions[0]["access_token"]),
        )
        assert reply.status == 200
        for tokens in sessions:
            gone = [(401, "invalid_token"), (400, "invalid_grant"), (401, "unregistered")]
            assert await _refusals(there, tokens, person) == gone
    assert database.users.count_documents({}) == 0
