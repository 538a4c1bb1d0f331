"""A replica set of three under refreshes and sign-outs: its primary killed, frozen, and none (R-007, R-045).

WXPASSPORT_FAILOVERS raises the number of failovers, to 20 for the figures.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable

import pymongo
import pytest

from passport.rotation import MOST_USES
from tests.client import API
from tests.fault.conftest import StartServer
from tests.fault.replica_sets import ReplicaSet, a_primary, caught_up
from tests.fault.running import report, until
from tests.fault.signed_in import (
    ASKED_BY_SHOP,
    GRACE,
    SessionLedger,
    ended_as_replays,
    introspect,
    sign_out,
    staying,
)
from tests.fault.test_database_faults import check_unavailable

ClientOf = Callable[[str], API]
PEOPLE = 12
FAILOVERS = int(os.environ.get("WXPASSPORT_FAILOVERS", "1"))
LIMIT = 90 + 20 * FAILOVERS


async def _more(ledger: SessionLedger, refreshes: int) -> None:
    seen = ledger.refreshes
    await until(lambda: ledger.refreshes >= seen + refreshes, "people refresh", seconds=60)


async def _settle(uri: str, ledger: SessionLedger, event: str, seconds: float) -> None:
    with pymongo.MongoClient(uri, readPreference="primary") as client:
        replays, lost = ended_as_replays(client.wxpassport), ledger.lost(client.wxpassport)
    lost += await ledger.broken_promises()
    report(f"primary {event}: {ledger.summary()}, lost {len(lost)}, back after {seconds:.1f} s")
    assert (lost, replays, ledger.broken) == ([], [], [])
    assert {status for status in ledger.statuses if status >= 500} <= {503}
    assert ledger.sign_outs > 0


@pytest.mark.timeout(LIMIT)
@pytest.mark.gen_test(timeout=LIMIT)
async def test_a_primary_that_is_killed_takes_back_no_refresh_and_no_sign_out(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri, **GRACE)
    api = client_of(await server.ready())
    recoveries: list[float] = []
    async with staying([api], PEOPLE) as ledger:
        for _ in range(FAILOVERS):
            await _more(ledger, 50)
            primary = await a_primary(members)
            primary.kill()
            killed_at = time.monotonic()
            await until(lambda at=killed_at: ledger.last_success > at + 0.1, "refreshes go on", seconds=60)
            recoveries.append(ledger.last_success - killed_at)
            await _more(ledger, 50)
            primary.start()
            await until(lambda: caught_up(members), "it rejoined", seconds=60)
        await _more(ledger, 50)
    await _settle(uri, ledger, f"killed {FAILOVERS} times", max(recoveries))


@pytest.mark.gen_test(timeout=200)
async def test_a_primary_that_freezes_takes_back_no_refresh_and_no_sign_out(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, members = replica_set
    server = start_server(mongodb__uri=uri, **GRACE)
    api = client_of(await server.ready())
    async with staying([api], PEOPLE) as ledger:
        await _more(ledger, 50)
        primary = await a_primary(members)
        primary.signal(signal.SIGSTOP)
        frozen_at = time.monotonic()
        await a_primary([each for each in members if each is not primary])
        await _more(ledger, 10)
        recovery = time.monotonic() - frozen_at
        primary.signal(signal.SIGCONT)
        await until(lambda: caught_up(members), "it rejoined", seconds=60)
        await _more(ledger, 20)
    await _settle(uri, ledger, "frozen", recovery)


@pytest.mark.gen_test(timeout=200)
async def test_without_a_primary_nobody_is_told_that_they_are_signed_out(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    """Nor is anybody told that a token counts, or does not; and afterwards all of it is told truly."""
    uri, members = replica_set
    server = start_server(mongodb__uri=uri, **GRACE, **ASKED_BY_SHOP)
    api = client_of(await server.ready())
    leaving, staying_on = (
        [await api.sign_in(f"leaver-{number}") for number in range(6)],
        await api.sign_in("mei"),
    )
    assert (await introspect(api, staying_on["access_token"])).json["active"] is True
    primary = await a_primary(members)
    others = [each for each in members if each is not primary]
    for each in others:
        each.kill()

    # The primary does not know yet that it is alone: it takes the write, and nobody confirms it.
    kinds = ["refresh_token", "access_token"] * 3
    for reply in await asyncio.gather(
        *(sign_out(api, tokens[kind]) for tokens, kind in zip(leaving, kinds, strict=True))
    ):
        check_unavailable(reply)
    await until(lambda: not primary.command("hello")["isWritablePrimary"], "it stepped down")
    began = time.monotonic()
    for reply in await asyncio.gather(
        sign_out(api, staying_on["refresh_token"]),
        sign_out(api, leaving[0]["access_token"]),
        introspect(api, staying_on["access_token"]),
        introspect(api, leaving[0]["access_token"]),
        api.me(staying_on["access_token"]),
        api.refresh(staying_on["refresh_token"]),
    ):
        check_unavailable(reply)
    assert time.monotonic() - began < 3 + 3  # mongodb.timeout, and what a busy machine adds
    assert (
        await sign_out(api, "not a token")
    ).status == 200  # nothing is to be asked, and nothing can be wrong

    for each in others:
        each.start()
    await until(lambda: caught_up(members), "it has a primary", seconds=60)
    await server.ready()
    for tokens in leaving:
        assert (await sign_out(api, tokens["refresh_token"])).status == 200
        assert (await api.me(tokens["access_token"])).error == "invalid_token"
        assert (await introspect(api, tokens["access_token"])).json == {"active": False}
        assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"


@pytest.mark.gen_test(timeout=200)
async def test_ten_refreshes_at_once_are_one_successor_where_a_majority_must_be_waited_for(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    uri, _ = replica_set
    server = start_server(mongodb__uri=uri, mongodb__timeout="20s")
    api = client_of(await server.ready())
    for number in range(10):
        first = await api.sign_in(f"visitor-{number}")
        replies = await asyncio.gather(*(api.refresh(first["refresh_token"]) for _ in range(MOST_USES)))
        assert Counter(reply.status for reply in replies) == {200: MOST_USES}
        (successor,) = {reply.json["refresh_token"] for reply in replies}
        assert (await api.refresh(successor)).status == 200


@pytest.mark.gen_test(timeout=200)
async def test_a_new_primary_is_believed_only_once_a_majority_follows_it(
    replica_set: ReplicaSet, start_server: StartServer, client_of: ClientOf
) -> None:
    """Until then its majority reads may be older than what people were told, so nobody is told anything."""
    uri, members = replica_set
    server = start_server(mongodb__uri=uri, **ASKED_BY_SHOP)
    api = client_of(await server.ready())
    primary = await a_primary(members)
    heir, voter = (each for each in members if each is not primary)
    # The voter elects and does not follow, so there is a primary whose writes nobody confirms.
    voter.command("configureFailPoint", "stopReplProducer", mode="alwaysOn")
    mei = await api.sign_in("mei")
    assert (await api.me(mei["access_token"])).status == 200
    primary.kill()
    assert await a_primary([heir, voter]) is heir
    for reply in await asyncio.gather(
        api.me(mei["access_token"]),
        introspect(api, mei["access_token"]),
        api.refresh(mei["refresh_token"]),
        api.token(api.wx_login("mei")),
    ):
        check_unavailable(reply)
    voter.command("configureFailPoint", "stopReplProducer", mode="off")
    await until(lambda: _is_let_in(api, mei["access_token"]), "it is served again")
    assert (await introspect(api, mei["access_token"])).json["active"] is True
    assert (await api.refresh(mei["refresh_token"])).status == 200


async def _is_let_in(api: API, token: str) -> bool:
    reply = await api.me(token)
    assert reply.status in (200, 503), reply
    return reply.status == 200
