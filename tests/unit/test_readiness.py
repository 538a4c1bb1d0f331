"""Readiness: asks MongoDB at most once a second, says what is wrong without naming a host, and comes back by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from passport.clock import utc_now
from passport.errors import StartupError, StoreUnavailable, TemporarilyUnavailable
from passport.keys import KeyRing
from passport.readiness import Readiness
from passport.records import StoredKey
from passport.sealing import Sealer
from passport.signing_keys import SigningKeys
from passport.store import Store
from passport.store.signing_keys import SigningKeyStore
from tests.fault.running import until


class ScriptedStore:
    """A database whose every answer the test decides."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.answer: asyncio.Event | None = None
        self.pings = self.preparations = 0

    async def make_indexes(self) -> None:
        self.preparations += 1
        self._answer()

    async def settle(self) -> None:
        self._answer()

    async def ping(self) -> None:
        self.pings += 1
        if self.answer is not None:
            await self.answer.wait()
        self._answer()

    async def open(self) -> None:
        self._answer()

    def _answer(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def unavailable() -> StoreUnavailable:
    """As the store raises it, with a cause that names a host."""
    error = StoreUnavailable()
    error.__cause__ = ServerSelectionTimeoutError("db-7.internal:27017: connection refused")
    return error


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


def made(store: ScriptedStore) -> Readiness:
    """Over the scripted store, with a clock that the test moves."""
    readiness = Readiness(store=cast("Store", store), keys=cast("KeyRing", store))
    now = [100.0]
    cast("Any", readiness)._clock = lambda: now[0]
    cast("Any", readiness).now = now
    return readiness


async def test_before_the_preparation_nothing_is_served_and_mongodb_is_not_asked(
    store: ScriptedStore,
) -> None:
    readiness = made(store)
    with pytest.raises(TemporarilyUnavailable):
        readiness.require()
    assert await readiness.problem() == "the database has not been prepared yet"
    assert store.pings == 0
    await readiness.prepare()
    readiness.require()
    assert await readiness.problem() is None


async def test_the_preparation_is_tried_again_and_its_trouble_is_told_without_a_host(
    store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport.readiness._RETRY", 0)
    readiness = made(store)
    store.trouble = unavailable()
    preparing = asyncio.create_task(readiness.prepare())
    await until(lambda: store.preparations >= 3, "it was tried again")
    problem = await readiness.problem()
    assert problem is not None
    assert "ServerSelectionTimeoutError" in problem
    assert "db-7" not in problem
    store.trouble = StartupError("collection users holds documents that break an index")
    seen = store.preparations
    await until(lambda: store.preparations > seen + 1, "it was tried again")
    assert await readiness.problem() == "collection users holds documents that break an index"
    store.trouble = None
    await preparing
    assert await readiness.problem() is None


async def test_many_probes_are_one_ping_a_second(store: ScriptedStore) -> None:
    readiness = made(store)
    await readiness.prepare()
    assert await asyncio.gather(*(readiness.problem() for _ in range(50))) == [None] * 50
    assert store.pings == 1
    store.trouble = unavailable()
    assert await readiness.problem() is None
    assert store.pings == 1
    cast("Any", readiness).now[0] += 1.01
    assert "MongoDB does not answer" in (await readiness.problem() or "")
    assert store.pings == 2


async def test_a_ping_without_an_answer_is_a_problem_after_a_second(
    store: ScriptedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport.readiness._PING_DEADLINE", 0.01)
    readiness = made(store)
    await readiness.prepare()
    store.answer = asyncio.Event()
    assert "MongoDB does not answer (TimeoutError)" in (await readiness.problem() or "")
    store.answer.set()
    cast("Any", readiness).now[0] += 1.01
    assert await readiness.problem() is None


async def test_a_probe_that_is_cut_does_not_cut_the_others(store: ScriptedStore) -> None:
    readiness = made(store)
    await readiness.prepare()
    store.answer = asyncio.Event()
    leaving, staying = (asyncio.create_task(readiness.problem()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait({leaving})
    store.answer.set()
    assert await staying is None
    assert store.pings == 1


async def test_keys_that_cannot_be_read_back_yet_are_tried_again() -> None:
    """The insert was lost to another process, whose key a majority read does not show yet."""

    class LaggingKeys:
        def __init__(self) -> None:
            self.shown: list[StoredKey] = []

        async def list(self) -> list[StoredKey]:
            return self.shown

        async def insert(self, key: StoredKey) -> bool:
            self.winner = key
            return False

    lagging = LaggingKeys()
    signing_keys = SigningKeys(
        store=cast("SigningKeyStore", lagging),
        sealer=Sealer(b"k" * 32, "keys"),
        token_ttl=timedelta(hours=1),
        now=utc_now,
    )
    keys = KeyRing(signing_keys=signing_keys, now=utc_now)
    with pytest.raises(StoreUnavailable):
        await keys.open()
    lagging.shown = [lagging.winner]
    await keys.open()
    assert keys.signer.kid == lagging.winner.kid
    await keys.close()


async def test_while_draining_it_says_so(store: ScriptedStore) -> None:
    readiness = made(store)
    await readiness.prepare()
    readiness.draining = True
    assert await readiness.problem() == "the server is shutting down"
