"""R-048: rotations under load by two processes, watched by a verifier that is not ours and caches the JWKS.

Time is the injected clock, on which the verifier's cache, the tokens and the keys all live. Every token is verified
when it is issued, and again and again until it expires, alone by joserfc and over HTTP by both processes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any

import joserfc.jwt
import pytest
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from passport.key_life import PUBLISHED_AHEAD
from passport.services import Services, make_signing_keys
from passport.signing_keys import SigningKeys
from tests.client import API
from tests.conftest import SECRET_KEY, Clock
from tests.effort import examples
from tests.fault.running import report, until

ROTATIONS = examples(16)
JWKS_CACHED = timedelta(minutes=5)
ACCESS_TTL = timedelta(hours=1)
# Minutes after a rotation at which the load goes on: dense around each change, and over a token's whole life.
AHEAD = PUBLISHED_AHEAD.total_seconds() / 60
STEPS = [0, 1, 2, 4, 7, AHEAD - 50, AHEAD - 7, AHEAD - 2, AHEAD - 1, AHEAD, AHEAD + 1, AHEAD + 2, AHEAD + 4]
STEPS += [AHEAD + minutes for minutes in (7, 12, 30, 50, 58, 59, 61, 66)]


class Verifier:
    """A service that verifies tokens alone: joserfc, a JWKS fetched from any process and kept for five minutes."""

    def __init__(self, processes: list[API], clock: Clock) -> None:
        self._processes, self._clock, self._turn = processes, clock, count()
        self._fetched_at = clock() - 2 * JWKS_CACHED
        self._keys = KeySet([])
        self.verified: Counter[str] = Counter()
        self.failures: list[str] = []

    async def verify(self, token: str) -> None:
        """Note whether the token is good by the keys that are cached."""
        if self._clock() - self._fetched_at >= JWKS_CACHED:
            process = self._processes[next(self._turn) % len(self._processes)]
            reply = await process.get("/.well-known/jwks.json")
            assert "max-age=300" in reply.headers["Cache-Control"]
            assert {name for key in reply.json["keys"] for name in key}.isdisjoint({"d", "k", "p", "q"})
            self._keys, self._fetched_at = KeySet.import_key_set(reply.json), self._clock()
        try:
            decoded = joserfc.jwt.decode(token, self._keys, algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        else:
            assert decoded.claims["exp"] > self._clock.timestamp()
            self.verified[decoded.header["kid"]] += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rings that follow within milliseconds, because the injected clock leaps by minutes."""
    monkeypatch.setattr("passport.keys.RELOAD_EVERY", 0.02)


@pytest.fixture
def other(quick: None, other_services: Services, other_process: API) -> tuple[Services, API]:
    """A second server over the same database, which shares nothing else with the first."""
    return other_services, other_process


@pytest.fixture
def operator(services: Services, clock: Clock) -> SigningKeys:
    """The command line, which shares no memory with any server."""
    return make_signing_keys(services.settings, store=services.store, secret_key=SECRET_KEY, now=clock)


async def signed_in(client: API) -> str:
    reply = await client.token(client.wx_login("mei"))
    assert reply.status == 200, reply
    token: str = reply.json["access_token"]
    return token


async def is_admitted(client: API, token: str) -> bool:
    return (await client.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})).status == 200


@pytest.mark.gen_test(timeout=200)
async def test_rotations_under_load_fail_no_verification(
    quick: None,
    api: API,
    services: Services,
    other: tuple[Services, API],
    operator: SigningKeys,
    clock: Clock,
    database: Any,
) -> None:
    rings, clients = [services.keys, other[0].keys], [api, other[1]]
    verifier = Verifier(clients, clock)
    alive: list[tuple[float, str]] = []
    refused: list[str] = []
    await api.registered("mei")

    async def load() -> None:
        """Sign in at both processes; then every living token, a sample of them over HTTP."""
        alive[:] = [(issued, token) for issued, token in alive if clock.timestamp() - issued < 3590]
        fresh = await asyncio.gather(*(signed_in(client) for client in clients for _ in range(2)))
        alive.extend((clock.timestamp(), token) for token in fresh)
        for _, token in alive:
            await verifier.verify(token)
        for _, token in alive[:2] + alive[-4:]:
            refused.extend([token for client in clients if not await is_admitted(client, token)])

    for _ in range(ROTATIONS):
        waiting, made = await operator.rotate()
        assert made
        elapsed = 0.0
        for step in STEPS:
            clock.advance(minutes=step - elapsed)
            elapsed = step
            if step == 1:  # a minute is four times the reload interval, so both rings know by now
                await until(lambda kid=waiting.key.kid: all(ring.find(kid) for ring in rings), "both know it")
            await load()
        assert {ring.signer.kid for ring in rings} == {waiting.key.kid}

    assert (verifier.failures, refused) == ([], [])
    assert len(verifier.verified) == database.signing_keys.count_documents({}) == ROTATIONS + 1
    assert [len(ring.jwks()["keys"]) for ring in rings] == [1, 1]
    report(f"{ROTATIONS} rotations, {verifier.verified.total()} verifications by joserfc, 0 failures")


async def test_an_emergency_ends_the_old_tokens_at_both_processes_and_at_the_verifier(
    quick: None,
    api: API,
    services: Services,
    other: tuple[Services, API],
    operator: SigningKeys,
    clock: Clock,
) -> None:
    clients, leaked = [api, other[1]], services.keys.signer.kid
    await api.registered("mei")
    old = await signed_in(api)
    verifier = Verifier(clients, clock)
    await verifier.verify(old)
    assert verifier.failures == []

    await operator.revoke(leaked)
    rings = services.keys, other[0].keys
    await until(lambda: not any(ring.find(leaked) for ring in rings), "both refuse it")
    assert [await is_admitted(client, old) for client in clients] == [False, False]
    fresh = [await signed_in(client) for client in clients]
    assert [await is_admitted(client, token) for client in clients for token in fresh] == [True] * 4

    clock.advance(minutes=5)
    for token in fresh:
        await verifier.verify(token)
    assert verifier.failures == []
    await verifier.verify(old)
    assert len(verifier.failures) == 1
