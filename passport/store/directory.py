"""Lists of users for the dashboard: pages by key, and counts. Reads alone, few at a time and none for long (R-027)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import pymongo
from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import ExecutionTimeout, NetworkTimeout
from pymongo.read_concern import ReadConcern

from passport.directory.filters import UserFilter
from passport.directory.people import Listed, Sort, View
from passport.errors.dashboard import TooBroad
from passport.store.faults import CollectionStore, translated
from passport.store.matching import matching
from passport.store.search import shown_nickname
from passport.store.skipping import values_in_use
from passport.store.ways import bounds, counting

Document = dict[str, Any]
T = TypeVar("T")

# Of the threads that all of this process's questions share, and of mongod's cores, the logins keep the most.
_AT_ONCE = 2
# In seconds: while others wait, a turn is followed by a pause, so that the pages leave the process time for logins.
_PAUSE = 0.3
# Of the deadline: a page that takes longer is not read by anybody.
_PATIENCE = 0.45
# In seconds, about how long somebody waits for their turn. A refusal is a page, too, which costs a login's time, and is
# asked for again at once; whoever waits asks for nothing. Less than what a server that is told to end waits for.
_WAITS = (5.5, 8.5)
# Of apps, there are a handful.
_MOST_APPS = 200
_FIELDS: Mapping[Sort, tuple[str, ...]] = {
    "registered": ("created_at", "_id"),
    "seen": ("last_seen_at", "_id"),
    "sign_ins": ("sign_ins", "created_at", "_id"),
}
_SHOWN = (
    "identities",
    "unionid",
    "profile.nickname",
    "profile.avatar_url",
    "entered.nickname",
    "entered.avatar_url",
    "phone.number",
    "avatar",
    "status",
    "ban.until",
    "tags",
    "created_at",
    "last_seen_at",
    "sign_ins",
)


class DirectoryStore(CollectionStore):
    """Reads of the users collection. Methods raise TooBroad when a question takes too long.

    Args:
        collection: users.
        deadline: in seconds.
    """

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        # Nobody is told anything by a list that a failover could take back, so it need not wait for a majority.
        local = collection.with_options(read_concern=ReadConcern("local"))
        super().__init__(local, deadline=deadline)
        self._turns, self._waiting = asyncio.Semaphore(_AT_ONCE), 0
        self._patience = deadline * _PATIENCE

    async def page(
        self, asked: UserFilter, view: View, *, appids: Sequence[str], now: datetime, limit: int
    ) -> list[Listed]:
        """Up to `limit` users that match, in the order of the page, nearest to where it begins."""
        wanted = matching(asked, appids=appids, now=now)
        return await self._in_turn(lambda: self._page(wanted, asked, view, limit))

    async def _page(self, wanted: Document, asked: UserFilter, view: View, limit: int) -> list[Listed]:
        people: list[Listed] = []
        for step in _steps(view):
            if len(people) < limit:
                conditions = [each for each in (wanted, *bounds(asked, view.sort), step) if each]
                people += await self._find(conditions, view, limit - len(people))
        return people[::-1] if view.backwards else people

    async def _find(self, conditions: list[Document], view: View, limit: int) -> list[Listed]:
        wanted = {"$and": conditions} if conditions else {}
        direction = pymongo.DESCENDING if view.descending != view.backwards else pymongo.ASCENDING
        order = [(name, direction) for name in _FIELDS[view.sort]]
        cursor = self._collection.find(wanted, dict.fromkeys(_SHOWN, 1)).sort(order).limit(limit)
        # All in one answer: a second round would be a second wait for a thread.
        return [_listed(each) for each in await cursor.batch_size(limit + 1).to_list(limit)]

    async def count(self, asked: UserFilter, *, appids: Sequence[str], now: datetime, most: int) -> int:
        """How many users match, up to `most` and one; everybody is counted exactly, from what MongoDB knows."""
        if asked.is_everybody:
            return int(await self._in_turn(self._collection.estimated_document_count))
        wanted, options = matching(asked, appids=appids, now=now), counting(asked)
        counted = await self._in_turn(
            lambda: self._collection.count_documents(wanted, limit=most + 1, **options)
        )
        return int(counted)

    @translated
    async def appids(self) -> list[str]:
        """Every appid that a user is known to, those of apps that are no longer configured included."""
        return await values_in_use(
            self._collection, "identities.appid", index="users_appid", of=_appids_of, most=_MOST_APPS
        )

    @translated
    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user."""
        try:
            return await self._collection.find_one({"_id": ObjectId(user_id)}, {"_id": 1}) is not None
        except InvalidId:
            return False

    async def _in_turn(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait, which is no fault of MongoDB's, then ask."""
        async with self._turn():
            return await self._ask(ask)

    @translated
    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            # MongoDB gives up by itself (maxTimeMS), so that nothing runs on there that nobody waits for.
            with pymongo.timeout(self._patience):
                return await ask()
        except (ExecutionTimeout, NetworkTimeout) as error:
            # By its clock or by ours, whichever was first.
            raise TooBroad from error

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            async with asyncio.timeout(random.uniform(*_WAITS)):  # noqa: S311  no secret
                await self._turns.acquire()
        except TimeoutError:
            raise TooBroad from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            pause = _PAUSE if self._waiting else 0
            asyncio.get_running_loop().call_later(pause, self._turns.release)


def _steps(view: View) -> list[Document]:
    """What follows a place, in parts that one range of an index answers each: ties first, then what is beyond.

    A disjunction of the same would be read and sorted whole.
    """
    place = view.before or view.after
    if place is None:
        return [{}]
    names, values = _FIELDS[view.sort], (*place.keys, ObjectId(place.user_id))
    beyond = "$lt" if view.descending != view.backwards else "$gt"
    return [
        {**dict(zip(names[:depth], values[:depth], strict=True)), names[depth]: {beyond: values[depth]}}
        for depth in reversed(range(len(names)))
    ]


def _listed(document: Document) -> Listed:
    known = {**document.get("profile", {}), **document.get("entered", {})}
    nickname = shown_nickname(document)
    return Listed(
        user_id=str(document["_id"]),
        nickname=nickname if isinstance(nickname, str) else None,
        avatar_url=known.get("avatar_url"),
        avatar=document.get("avatar"),
        status=document["status"],
        ban_until=document.get("ban", {}).get("until"),
        appids=tuple(dict.fromkeys(_appids_of(document))),
        openids=tuple(each["openid"] for each in document["identities"]),
        unionid=document.get("unionid"),
        phone=document.get("phone", {}).get("number"),
        tags=tuple(document.get("tags", ())),
        created_at=document["created_at"],
        last_seen_at=document["last_seen_at"],
        sign_ins=document.get("sign_ins", 0),
    )


def _appids_of(document: Document) -> list[str]:
    return [each["appid"] for each in document["identities"]]
