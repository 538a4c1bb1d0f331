"""New people who register and sign in without end, through every fault, and a ledger of what they were told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from tests.client import API, Reply
from tests.conftest import APPID


class BrokenPromise(AssertionError):
    """An answer that no fault excuses; the ledger has it, too."""


@dataclass
class Ledger:
    """What the server promised. `broken` has the answers that no fault excuses."""

    accounts: dict[str, str] = field(default_factory=dict)
    sessions: list[tuple[str, str]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    broken: list[str] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)
    slowest: float = 0.0
    last_success: float = field(default_factory=time.monotonic)

    def note_account(self, openid: str, reply: Reply) -> None:
        """An account id was told; it must be the one told before."""
        account_id = reply.json["account_id"]
        if self.accounts.setdefault(openid, account_id) != account_id:
            self.broken.append(f"{openid} was told another account id")
        self.note_success()

    def note_session(self, openid: str, reply: Reply) -> None:
        """A token was given, and with it a session."""
        self.note_account(openid, reply)
        payload = reply.json["access_token"].split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        self.sessions.append((claims["sid"], claims["sub"]))

    def note_success(self) -> None:
        """Somebody was served."""
        now = time.monotonic()
        self.stalls.append(now - self.last_success)
        self.last_success = now

    @property
    def worst_stall(self) -> float:
        """The longest time without a success, in seconds."""
        return max(self.stalls)

    def lost(self, database: Any) -> list[str]:
        """Promises that the database does not hold."""
        accounts = {
            identity["openid"]: str(user["_id"])
            for user in database.users.find({}, {"identities": 1})
            for identity in user["identities"]
        }
        lost = [
            f"account {told} of {openid}"
            for openid, told in self.accounts.items()
            if accounts.get(openid) != told
        ]
        kept = {
            (str(each["_id"]), str(each["user_id"])) for each in database.sessions.find({}, {"user_id": 1})
        }
        return lost + [f"session {each}" for each in self.sessions if each not in kept]

    def doubled(self, database: Any) -> list[Any]:
        """People with more than one account, and accounts that are not whole."""
        people = [{"$unwind": "$identities"}, {"$group": {"_id": "$identities", "n": {"$sum": 1}}}]
        doubled: list[Any] = list(database.users.aggregate([*people, {"$match": {"n": {"$gt": 1}}}]))
        whole = {
            name: {"$exists": True} for name in ("identities", "status", "created_at", "profile", "sign_ins")
        }
        return doubled + list(database.users.find({"$nor": [whole]}))

    def summary(self) -> str:
        """The figures of a run, in one line."""
        answers = sum(self.statuses.values())
        return (
            f"accounts {len(self.accounts)}, sessions {len(self.sessions)}, answers {answers}, "
            f"503 {self.statuses[503]} ({self.statuses[503] / max(1, answers):.1%}), cut connections {self.cut}, "
            f"longest stall {self.worst_stall:.1f} s, slowest answer {self.slowest:.1f} s"
        )


class Visitors:
    """`async with visiting([api], 12) as ledger:` keeps that many people busy meanwhile."""

    def __init__(self, apis: list[API], ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self._apis, self._numbers = apis, count()

    async def keep_coming(self) -> None:
        """One person after the other, for ever."""
        while True:
            await self._visit(next(self._numbers))

    async def _visit(self, number: int) -> None:
        api = self._apis[number % len(self._apis)]
        people, name = api.stand_in.people, f"visitor-{number}"
        openid = people.openid(name, APPID)
        registered = await self._insist(lambda login: api.register(login), api, name, {200, 201})
        self.ledger.note_account(openid, registered)
        signed_in = await self._insist(lambda login: api.token(login), api, name, {200})
        self.ledger.note_session(openid, signed_in)

    async def _insist(self, call: Callable[[Any], Any], api: API, name: str, wanted: set[int]) -> Reply:
        """Do as the hints say until it succeeds: repeat after a 503, call wx.login again after `code_used`."""
        login = api.wx_login(name)
        while True:
            asked_at = time.monotonic()
            try:
                reply: Reply = await call(login)
            except aiohttp.ClientError:
                self.ledger.cut += 1
                await asyncio.sleep(0.05)
                login = api.wx_login(name)  # as a mini-program does when the network failed
                continue
            self.ledger.statuses[reply.status] += 1
            self.ledger.slowest = max(self.ledger.slowest, time.monotonic() - asked_at)
            if reply.status in wanted:
                return reply
            if reply.status == 503:
                if int(reply.headers["Retry-After"]) <= 0 or reply.error != "temporarily_unavailable":
                    self.ledger.broken.append(f"{reply}")
                await asyncio.sleep(0.05)
            elif reply.error == "code_used":
                login = api.wx_login(name)
            else:
                # A lost account shows here too: its owner is told that nobody knows them.
                self.ledger.broken.append(f"{name}: {reply.status} {reply.error}")
                if reply.error != "unregistered":
                    raise BrokenPromise(self.ledger.broken[-1])
                await api.register(login)


@contextlib.asynccontextmanager
async def visiting(apis: list[API], writers: int) -> AsyncIterator[Ledger]:
    """So many people at once register and sign in while the block runs; whoever fails, fails the block."""
    visitors = Visitors(apis)
    async with coming(visitors, writers):
        yield visitors.ledger


@contextlib.asynccontextmanager
async def coming(visitors: Visitors, writers: int) -> AsyncIterator[None]:
    """So many of these at once, while the block runs."""
    tasks = [asyncio.create_task(visitors.keep_coming()) for _ in range(writers)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [each for each in outcomes if not isinstance(each, asyncio.CancelledError)]
    assert failures == [], failures
