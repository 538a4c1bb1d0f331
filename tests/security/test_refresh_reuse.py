"""A refresh token used again (R-008, R-009): Hydra's matrix of rotation, and many uses at once over two processes."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections import Counter
from typing import Any

import pymongo
import pytest

from passport.rotation import MOST_USES
from passport.services import Services
from tests.client import API, Reply
from tests.conftest import Clock

Database = pymongo.database.Database[dict[str, Any]]
GENERATIONS = 4


async def chain(api: API, clock: Clock) -> list[str]:
    """Five refresh tokens of one session, each the successor of the one before, an hour apart."""
    tokens = [(await api.sign_in("mei"))["refresh_token"]]
    for _ in range(GENERATIONS):
        clock.advance(hours=1)
        tokens.append((await api.refresh(tokens[-1])).json["refresh_token"])
    return tokens


async def is_dead(api: API, token: str) -> bool:
    return (await api.refresh(token)).error == "invalid_grant"


def refused(reply: Reply) -> bool:
    return (reply.status, reply.error) == (400, "invalid_grant")


SITUATIONS = ("in grace", "after grace", "count exceeded", "expired in grace", "restarted")


@pytest.mark.parametrize("generation", range(GENERATIONS))
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_hydras_matrix_of_a_token_that_was_used_before(
    api: API, other_process: API, database: Database, clock: Clock, generation: int, situation: str
) -> None:
    """Generation 3 was rotated last: alone within the grace time it gets its successor again."""
    tokens = await chain(api, clock)
    asked = api
    match situation:
        case "in grace":
            clock.advance(seconds=9)
        case "after grace":
            clock.advance(seconds=11)
        case "count exceeded":
            database.sessions.update_one({}, {"$set": {"refresh.uses": MOST_USES}})
        case "expired in grace":
            database.sessions.update_one({}, {"$set": {"refresh.expires_at": clock()}})
        case "restarted":
            # A process that never saw this session: all that counts is in the database.
            clock.advance(seconds=9)
            asked = other_process
    reply = await asked.refresh(tokens[generation])

    if generation == GENERATIONS - 1 and situation in ("in grace", "restarted"):
        assert (reply.status, reply.json["refresh_token"]) == (200, tokens[-1])
        assert (await api.refresh(tokens[-1])).status == 200
        return
    assert refused(reply)
    if situation == "expired in grace":
        assert "ended_at" not in database.sessions.find_one()
        assert await is_dead(api, tokens[-1])
        return
    assert database.sessions.find_one()["ended_by"] == "replay"
    for each in (api, other_process):
        assert await is_dead(each, tokens[-1])


async def test_a_replay_ends_the_access_tokens_of_the_session_too_and_no_other_session(
    api: API, clock: Clock
) -> None:
    elsewhere = await api.sign_in("mei")
    first = await api.sign_in("mei")
    second = (await api.refresh(first["refresh_token"])).json
    clock.advance(seconds=11)
    assert refused(await api.refresh(first["refresh_token"]))
    for tokens in (first, second):
        assert (await api.me(tokens["access_token"])).error == "invalid_token"
    assert (await api.me(elsewhere["access_token"])).status == 200
    assert (await api.refresh(elsewhere["refresh_token"])).status == 200


async def test_a_replay_is_noted_for_the_operator_without_the_token(
    api: API, clock: Clock, log_records: list[Any]
) -> None:
    first = await api.sign_in("mei")
    await api.refresh(first["refresh_token"])
    clock.advance(seconds=11)
    await api.refresh(first["refresh_token"])
    (note,) = [each for each in log_records if "replayed" in each.getMessage()]
    assert (note.account_id, note.generations_behind) == (first["account_id"], 1)
    assert first["refresh_token"] not in str([each.__dict__ for each in log_records])


async def test_whoever_lost_the_answer_asks_again_and_goes_on(api: API, clock: Clock) -> None:
    first = await api.sign_in("mei")
    lost = (await api.refresh(first["refresh_token"])).json
    clock.advance(seconds=5)
    again = (await api.refresh(first["refresh_token"])).json
    assert again["refresh_token"] == lost["refresh_token"]
    assert (await api.me(again["access_token"])).status == 200
    clock.advance(hours=1)
    assert (await api.refresh(again["refresh_token"])).status == 200


async def test_ten_requests_of_a_client_that_refresh_at_once_and_once_more_keep_the_session(
    api: API,
) -> None:
    first = await api.sign_in("mei")
    replies = await asyncio.gather(*(api.refresh(first["refresh_token"]) for _ in range(10)))
    replies += await asyncio.gather(*(api.refresh(first["refresh_token"]) for _ in range(10)))
    assert Counter(reply.status for reply in replies) == {200: 20}
    (successor,) = {reply.json["refresh_token"] for reply in replies}
    assert (await api.refresh(successor)).status == 200


@pytest.mark.gen_test(timeout=200)
async def test_two_hundred_uses_at_once_of_two_processes_have_one_successor(
    api: API, other_process: API, database: Database
) -> None:
    """And then the session ends, because nobody has reason to use a token that often (R-008, R-009)."""
    for _ in range(5):
        first = await api.sign_in("mei")
        replies = await asyncio.gather(
            *(each.refresh(first["refresh_token"]) for each in (api, other_process) * 100)
        )
        told = Counter(reply.status for reply in replies)
        successors = {reply.json["refresh_token"] for reply in replies if reply.status == 200}
        assert len(successors) == 1
        assert told == {200: MOST_USES, 400: 200 - MOST_USES}
        session = database.sessions.find_one(sort=[("_id", -1)])
        assert (session["refresh"]["generation"], session["ended_by"]) == (2, "replay")
        assert await is_dead(api, successors.pop())


async def test_nobody_ends_a_session_by_naming_it(
    api: API, services: Services, clock: Clock, database: Database
) -> None:
    """Its id is in every access token, so what looks like an old token of it must be ours to count as replayed."""
    first = await api.sign_in("mei")
    second = (await api.refresh(first["refresh_token"])).json
    clock.advance(minutes=1)
    sid = services.tokens.verify(first["access_token"]).session_id
    for generation in (0, 1, 2, 3):
        body = bytes.fromhex(sid) + generation.to_bytes(4, "big") + bytes(48)
        forged = "wpr_" + urlsafe_b64encode(body).rstrip(b"=").decode()
        assert refused(await api.refresh(forged))
        await api.post("/oauth/revoke", data={"token": forged})
    assert "ended_at" not in database.sessions.find_one()
    assert (await api.refresh(second["refresh_token"])).status == 200


async def test_a_ban_in_the_middle_of_refreshes_lets_no_token_live(api: API, services: Services) -> None:
    first = await api.sign_in("mei")

    async def ban() -> None:
        await services.users.ban(first["account_id"], reason="spam", by="lin")

    *replies, _ = await asyncio.gather(*(api.refresh(first["refresh_token"]) for _ in range(5)), ban())
    await services.users.unban(first["account_id"])
    for reply in replies:
        if reply.status == 200:
            assert await is_dead(api, reply.json["refresh_token"])
            assert (await api.me(reply.json["access_token"])).error == "invalid_token"
