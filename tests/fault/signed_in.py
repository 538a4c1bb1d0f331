"""People who stay signed in through every fault: they refresh, lose answers, sign out, and keep a ledger of it all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.client import API, Reply
from tests.conftest import APPID
from tests.fault.visitors import BrokenPromise, Ledger, Visitors, coming
from tests.integration.helpers import Client

REFRESHES = 4
# What the servers of these tests run with: no machine is so busy that an honest client comes later than that.
GRACE = {"tokens__refresh_grace": "1m"}
SHOP = Client("shop", "kept-between-the-shop-and-us_1f7a93b0c5d2")
ASKED_BY_SHOP = {"resource_servers": [{"id": SHOP.id, "secret": SHOP.secret}]}


@dataclass
class Held:
    """A session as its owner knows it. `leaving` means that a sign-out was asked for, `left` that it was confirmed."""

    api: API
    access_token: str
    refresh_token: str
    leaving: bool = False
    left: bool = False

    def take(self, answer: Mapping[str, Any]) -> None:
        """Go on with these tokens."""
        self.access_token, self.refresh_token = answer["access_token"], answer["refresh_token"]


@dataclass
class SessionLedger(Ledger):
    """What the server promised those who are signed in."""

    held: list[Held] = field(default_factory=list)
    refreshes: int = 0
    repeats: int = 0
    sign_outs: int = 0

    def summary(self) -> str:
        """The figures of a run, in one line."""
        told = f"refreshes {self.refreshes}, repeated {self.repeats}, sign-outs {self.sign_outs}, "
        return told + super().summary()

    async def broken_promises(self) -> list[str]:
        """Tokens that were given and are refused now, and sessions that were ended and live."""
        gate = asyncio.Semaphore(8)

        async def check(held: Held) -> str | None:
            async with gate:
                return await _broken_promise(held)

        found = await asyncio.gather(*(check(held) for held in self.held))
        return [each for each in found if each is not None]


async def _broken_promise(held: Held) -> str | None:
    if held.leaving and not held.left:
        # Nobody was told, so it may still live; asked again, it ends.
        assert (await sign_out(held.api, held.refresh_token)).status == 200
    reply = await held.api.refresh(held.refresh_token)
    if not held.leaving:
        return None if reply.status == 200 else f"a refresh token is lost: {reply.status} {reply.error}"
    use = await held.api.me(held.access_token)
    refused = (reply.error, use.error) == ("invalid_grant", "invalid_token")
    return None if refused else f"a sign-out is lost: refresh {reply.status}, use {use.status}"


def ended_as_replays(database: Any) -> list[Any]:
    """Sessions that were taken from their honest owners."""
    return list(database.sessions.find({"ended_by": "replay"}, {"refresh.generation": 1}))


async def sign_out(api: API, token: str) -> Reply:
    """POST /oauth/revoke."""
    return await api.post("/oauth/revoke", data={"token": token})


async def introspect(api: API, token: str) -> Reply:
    """POST /oauth/introspect, by a server that was started with ASKED_BY_SHOP."""
    return await api.post("/oauth/introspect", data={"token": token}, headers=SHOP.basic)


class SignedIn(Visitors):
    """Register, sign in, refresh again and again; every other one signs out at last."""

    ledger: SessionLedger

    def __init__(self, apis: list[API]) -> None:
        super().__init__(apis, SessionLedger())

    async def _visit(self, number: int) -> None:
        # Whoever was wronged stays away; the others show how many are.
        with contextlib.suppress(BrokenPromise):
            await self._stay(number)

    async def _stay(self, number: int) -> None:
        api, name = self._apis[number % len(self._apis)], f"visitor-{number}"
        openid = api.stand_in.people.openid(name, APPID)
        registered = await self._insist(api.register, api, name, {200, 201})
        self.ledger.note_account(openid, registered)
        signed_in = await self._insist(api.token, api, name, {200})
        self.ledger.note_session(openid, signed_in)
        held = Held(api, signed_in.json["access_token"], signed_in.json["refresh_token"])
        self.ledger.held.append(held)
        for step in range(REFRESHES):
            await self._refresh(held, name, lose_answer=(number + step) % 3 == 0)
        if number % 2:
            await self._sign_out(held, name, held.access_token if number % 4 == 1 else held.refresh_token)

    async def _refresh(self, held: Held, name: str, *, lose_answer: bool) -> None:
        token = held.refresh_token
        answer = (await self._insist(lambda _: held.api.refresh(token), held.api, name, {200})).json
        if lose_answer:
            again = (await self._insist(lambda _: held.api.refresh(token), held.api, name, {200})).json
            if again["refresh_token"] != answer["refresh_token"]:
                self.ledger.broken.append(f"{name} got two successors of one token")
            self.ledger.repeats += 1
        held.take(answer)
        self.ledger.note_success()
        self.ledger.refreshes += 1
        # Whoever has just been given a token is let in with it.
        await self._insist(lambda _: held.api.me(held.access_token), held.api, name, {200})

    async def _sign_out(self, held: Held, name: str, token: str) -> None:
        held.leaving = True
        await self._insist(lambda _: sign_out(held.api, token), held.api, name, {200})
        held.left = True
        self.ledger.note_success()
        self.ledger.sign_outs += 1
        # And whoever was told that the session is over finds it so from that moment on.
        await self._insist(lambda _: held.api.me(held.access_token), held.api, name, {401})
        await self._insist(lambda _: held.api.refresh(held.refresh_token), held.api, name, {400})


@contextlib.asynccontextmanager
async def staying(apis: list[API], people: int) -> AsyncIterator[SessionLedger]:
    """So many at once come, refresh and go while the block runs; whoever fails, fails the block."""
    visitors = SignedIn(apis)
    async with coming(visitors, people):
        yield visitors.ledger
