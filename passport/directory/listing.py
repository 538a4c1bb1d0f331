"""The list of users: what a search came to, its pages, and how many there are. Knows no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from passport.clock import Now
from passport.directory.filters import Faults, UserFilter
from passport.directory.grams import comparable, is_told_by_its_grams
from passport.directory.people import MOST_COUNTED, MOST_READ, PAGE_SIZE, Page, Total, View
from passport.directory.words import understand
from passport.errors import StoreUnavailable
from passport.errors.dashboard import TooBroad
from passport.store.directory import DirectoryStore
from passport.store.sessions import SessionStore

_APPS_KNOWN_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to: the filter to list by, and the session whose id its text was."""

    asked: UserFilter
    session_id: str | None = None


class Directory:
    """Finds users.

    Args:
        store: lists them.
        sessions: tells whose a session is.
        appids: of the configured apps.
        zone: of the days in a filter.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: DirectoryStore,
        sessions: SessionStore,
        appids: Sequence[str],
        zone: tzinfo,
        now: Now,
    ) -> None:
        self._store, self._sessions, self._zone, self._now = store, sessions, zone, now
        self._configured: tuple[str, ...] = tuple(appids)
        self._appids, self._appids_until = self._configured, datetime.min.replace(tzinfo=now().tzinfo)
        self._asking = asyncio.Lock()

    def filter_from_query(self, query: Mapping[str, str]) -> tuple[UserFilter, Faults]:
        """The filter that a query asks for, its days in the dashboard's time zone, and what is wrong with it."""
        return UserFilter.from_query(query, self._zone)

    async def find(self, asked: UserFilter) -> Found:
        """What the text of the filter leads to: the id of a session is replaced by that of its account."""
        understood = understand(asked.text)
        if understood.kind != "document_id" or await self._store.exists(understood.value):
            return Found(asked)
        session = await self._sessions.find(understood.value)
        if session is None:
            return Found(asked)
        return Found(replace(asked, text=session.user_id), session_id=session.session_id)

    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user."""
        return await self._store.exists(user_id)

    async def page(self, asked: UserFilter, view: View) -> Page:
        """A page of those who match.

        Raises:
            TooBroad: it takes too long.
            StoreUnavailable: MongoDB does not answer.
        """
        people = await self._store.page(
            asked, view, appids=await self.appids(), now=self._now(), limit=PAGE_SIZE + 1
        )
        more = len(people) > PAGE_SIZE
        if view.backwards:
            return Page(tuple(people[more:]), has_previous=more, has_next=view.before is not None)
        return Page(tuple(people[:PAGE_SIZE]), has_previous=view.after is not None, has_next=more)

    async def total(self, asked: UserFilter) -> Total:
        """How many match: exactly up to MOST_COUNTED or MOST_READ, and everybody always."""
        most = MOST_READ if _is_read(asked) else MOST_COUNTED
        try:
            count = await self._store.count(asked, appids=await self.appids(), now=self._now(), most=most)
        except TooBroad:
            return Total(None)
        if asked.is_everybody or count <= most:
            return Total(count)
        return Total(most, more=True)

    async def appids(self) -> tuple[str, ...]:
        """Every app that somebody may be a user of: the configured ones, then those that were."""
        async with self._asking:
            if self._now() >= self._appids_until:
                try:
                    known = await self._store.appids()
                except StoreUnavailable:
                    return self._appids
                self._appids = tuple(dict.fromkeys((*self._configured, *known)))
                self._appids_until = self._now() + _APPS_KNOWN_FOR
        return self._appids


def _is_read(asked: UserFilter) -> bool:
    """Whether a document has to be read to see that somebody is meant."""
    sought = understand(asked.text)
    compared = sought.kind == "name" and not is_told_by_its_grams(comparable(sought.value))
    return compared or asked.has_phone is not None or asked.has_unionid is not None
