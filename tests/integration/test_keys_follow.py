"""How processes agree on signing keys: one rotation however many ask, and changes that arrive everywhere by themselves.

`other` is a second process: services of its own over the same database (R-004, R-048).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from passport.errors import InvalidToken, StoreUnavailable
from passport.key_life import PUBLISHED_AHEAD
from passport.services import Services, make_services, make_signing_keys
from passport.signing_keys import SigningKeys
from passport.tokens import UnknownKey
from tests.conftest import SECRET_KEY, Clock
from tests.fault.running import until
from tests.security.jws import es


@pytest.fixture
def other(io_loop: IOLoop, services: Services, mongodb_uri: str, clock: Clock) -> Iterator[Services]:
    """A second process."""

    async def start() -> Services:
        made = make_services(services.settings, mongodb_uri=mongodb_uri, secret_key=SECRET_KEY, now=clock)
        await made.readiness.prepare()
        return made

    running = io_loop.run_sync(start)
    yield running
    io_loop.run_sync(running.close)


@pytest.fixture
def operator(services: Services, clock: Clock) -> SigningKeys:
    """The command line, which shares no memory with any server."""
    return make_signing_keys(services.settings, store=services.store, secret_key=SECRET_KEY, now=clock)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rings that look every few milliseconds; ask for it before `services`."""
    monkeypatch.setattr("passport.keys.RELOAD_EVERY", 0.02)


def kids(services: Services) -> list[str]:
    return [key["kid"] for key in services.keys.jwks()["keys"]]


def token_of(services: Services) -> str:
    return services.tokens.issue(
        user_id="0" * 24, appid="wx", session_id="s", until=services.tokens._now() + timedelta(days=1)
    ).token


# -- one rotation, however many ask --------------------------------------------------------------------------------


async def test_processes_that_rotate_at_once_publish_one_key(
    services: Services, other: Services, clock: Clock, database: Any
) -> None:
    both = [
        make_signing_keys(each.settings, store=each.store, secret_key=SECRET_KEY, now=clock)
        for each in (services, other)
    ]
    rotations = await asyncio.gather(*(each.rotate() for each in both * 10))

    assert len({life.key.kid for life, _ in rotations}) == 1
    assert [made for _, made in rotations].count(True) == 1
    assert database.signing_keys.count_documents({}) == 2


async def test_an_old_key_is_followed_by_one_successor_without_anybody_asking(
    quick: None, services: Services, other: Services, clock: Clock, database: Any
) -> None:
    first = services.keys.signer.kid
    clock.advance(days=89)
    await asyncio.gather(services.keys._try_reload(), other.keys._try_reload())
    assert database.signing_keys.count_documents({}) == 1

    clock.advance(days=1)
    await until(lambda: len(kids(services)) == len(kids(other)) == 2, "both publish a successor")
    assert kids(services) == kids(other)
    assert services.keys.signer.kid == other.keys.signer.kid == first
    clock.advance(days=1)
    assert services.keys.signer.kid == other.keys.signer.kid == kids(services)[1]
    await asyncio.gather(services.keys._try_reload(), other.keys._try_reload())
    assert database.signing_keys.count_documents({}) == 2


async def test_with_rotation_off_the_key_stays(services: Services, clock: Clock, database: Any) -> None:
    services.keys._rotate_every = None
    clock.advance(days=1000)
    await services.keys._try_reload()
    assert database.signing_keys.count_documents({}) == 1


async def test_emergencies_at_once_leave_one_new_key_that_signs(
    services: Services, other: Services, operator: SigningKeys, clock: Clock, database: Any
) -> None:
    old = services.keys.signer.kid
    heirs = await asyncio.gather(*(operator.revoke(old) for _ in range(8)))
    assert len({heir.key.kid for heir in heirs}) == 1
    assert database.signing_keys.count_documents({}) == 2
    for each in (services, other):
        await each.keys.reload()
        assert kids(each) == [each.keys.signer.kid] == [heirs[0].key.kid]


async def test_an_emergency_that_meets_a_rotation_has_a_signer(
    services: Services, operator: SigningKeys, clock: Clock
) -> None:
    for _ in range(5):
        old = services.keys.signer.kid
        heir, _ = await asyncio.gather(operator.revoke(old), operator.rotate())
        await services.keys.reload()
        assert services.keys.signer.kid == heir.key.kid != old
        assert old not in kids(services)


async def test_when_every_key_was_revoked_at_once_a_new_one_is_made(
    services: Services, operator: SigningKeys, database: Any, clock: Clock
) -> None:
    database.signing_keys.update_many({}, {"$set": {"revoked_at": clock()}})
    await services.keys.reload()
    assert database.signing_keys.count_documents({}) == 2
    assert kids(services) == [services.keys.signer.kid]


async def test_the_successor_that_waits_takes_over_in_an_emergency(
    services: Services, operator: SigningKeys
) -> None:
    waiting, _ = await operator.rotate()
    heir = await operator.revoke(services.keys.signer.kid)
    await services.keys.reload()
    assert heir.key.kid == waiting.key.kid == services.keys.signer.kid
    assert kids(services) == [waiting.key.kid]


# -- changes arrive by themselves ----------------------------------------------------------------------------------


async def test_a_change_by_the_operator_arrives_in_every_process(
    quick: None, services: Services, other: Services, operator: SigningKeys, clock: Clock
) -> None:
    old, token = services.keys.signer.kid, token_of(services)
    waiting, _ = await operator.rotate()
    await until(lambda: waiting.key.kid in kids(services) and waiting.key.kid in kids(other), "published")
    assert other.keys.signer.kid == services.keys.signer.kid == old

    await operator.revoke(old)
    await until(lambda: old not in kids(services) + kids(other), "gone")
    for each in (services, other):
        assert each.keys.signer.kid == waiting.key.kid
        with pytest.raises(InvalidToken):
            await each.tokens.verify_anywhere(token)


async def test_a_token_by_a_key_made_a_moment_ago_is_good_at_once(
    services: Services, other: Services, operator: SigningKeys
) -> None:
    await operator.revoke(services.keys.signer.kid)
    await services.keys.reload()
    token = token_of(services)
    with pytest.raises(UnknownKey):
        other.tokens.verify(token)
    claims = await asyncio.gather(*(other.tokens.verify_anywhere(token) for _ in range(20)))
    assert {each.session_id for each in claims} == {"s"}


async def test_invented_key_ids_are_one_read_in_a_few_seconds(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, reads, kept = [100.0], [0], services.store.signing_keys.list

    async def counted() -> Any:
        reads[0] += 1
        return await kept()

    monkeypatch.setattr(services.store.signing_keys, "list", counted)
    monkeypatch.setattr(services.keys, "_clock", lambda: now[0])

    async def invented(kid: str) -> None:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": kid}
        with pytest.raises(InvalidToken):
            await services.tokens.verify_anywhere(es(header, {}, services.keys.signer.private_key))

    await asyncio.gather(*(invented(secrets.token_urlsafe(32)) for _ in range(100)))
    assert reads == [1]
    now[0] += 3
    await asyncio.gather(*(invented(secrets.token_urlsafe(32)) for _ in range(100)))
    assert reads == [2]
    now[0] += 3
    for ill_formed in ("", "unknown", "../../dev/null", "k" * 1500, "a" * 42 + "$"):
        await invented(ill_formed)
    assert reads == [2]


async def test_a_key_that_has_ended_is_not_looked_for(
    services: Services, operator: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(services)
    await operator.revoke(services.keys.signer.kid)
    await services.keys.reload()
    monkeypatch.setattr(services.store.signing_keys, "list", None)
    with pytest.raises(InvalidToken):
        await services.tokens.verify_anywhere(token)


async def test_without_mongodb_the_keys_stay_and_it_is_said_once(
    services: Services, other: Services, operator: SigningKeys, monkeypatch: Any, log_records: Any
) -> None:
    token, before = token_of(services), kids(services)

    async def gone() -> Any:
        raise StoreUnavailable

    monkeypatch.setattr(services.store.signing_keys, "list", gone)
    for _ in range(3):
        await services.keys._try_reload()
    warnings = [each for each in log_records if each.message == "the signing keys are not up to date"]
    assert [each.problem for each in warnings] == ["MongoDB does not answer"]
    assert kids(services) == before
    assert services.tokens.verify(token).session_id == "s"

    # Nobody knows whether this key exists, so the client is not told that its token is bad.
    make = make_signing_keys(other.settings, store=other.store, secret_key=SECRET_KEY)
    await make.revoke(other.keys.signer.kid)
    await other.keys.reload()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await services.tokens.verify_anywhere(token_of(other))
    monkeypatch.undo()
    await services.keys._try_reload()
    assert kids(services) == kids(other)


async def test_a_longer_life_of_tokens_keeps_the_key_for_as_long(
    services: Services, other: Services, operator: SigningKeys, mongodb_uri: str, clock: Clock
) -> None:
    tokens = services.settings.tokens.model_copy(update={"access_ttl": timedelta(hours=24)})
    settings = services.settings.model_copy(update={"tokens": tokens})
    longer = make_services(settings, mongodb_uri=mongodb_uri, secret_key=SECRET_KEY, now=clock)
    try:
        await longer.readiness.prepare()
        await operator.rotate()
        clock.advance(seconds=PUBLISHED_AHEAD.total_seconds() - 1)
        token = token_of(longer)
        clock.advance(hours=23)
        await services.keys.reload()
        assert services.tokens.verify(token).session_id == "s"
        assert len(kids(services)) == 2
        clock.advance(hours=2)
        assert len(kids(services)) == 1
    finally:
        await longer.close()
