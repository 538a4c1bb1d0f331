"""All that happened to one user on one line of time, newest first, a page at a time.

It is kept in several collections. Each is asked, by its index, for the latest things up to a moment, and they are
merged here. A place on the line is the time, the kind and the key of what stands there, so that nothing is told twice
or left out between two pages, however much is added meanwhile.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from passport.audit import Audit
from passport.jobs.service import Jobs
from passport.models import ActFilter, Session, User
from passport.refusal_filter import RefusalFilter
from passport.refusals import Refusals
from passport.store.sessions import SessionStore

PAGE = 20
# Of one kind in one millisecond more than these would not be told. A millisecond has room for no more.
_SPARE = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FAR = datetime(9999, 12, 31, tzinfo=UTC)
_PLACE = re.compile(r"([0-9]{1,14})\.([a-z_]{1,20})\.([A-Za-z0-9:~_-]{1,80})")


@dataclass(frozen=True)
class Happening:
    """Something that happened. `facts` is what is known of it: a session, an act of an operator, a refusal, or text.

    Args:
        at: when.
        kind: what sort of thing: `sign_in`, `refusal`, `act`, `registered`, `consent`, `phone`, `ban`.
        key: tells it from others of its kind.
        facts: more of it.
    """

    at: datetime
    kind: str
    key: str
    facts: Any = field(default=None, repr=False)

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands on the line."""
        return _milliseconds(self.at), self.kind, self.key

    @property
    def place_text(self) -> str:
        """The same for a URL."""
        return ".".join(str(each) for each in self.place)


class Source(Protocol):
    """Somewhere that things are kept by user and time."""

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> Sequence[Happening]:
        """The latest that happened to the user up to and including this moment, newest first."""


class SignIns:
    """The sign-ins, from the sessions."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> Sequence[Happening]:
        """As a Source."""
        found: list[Session] = await self._store.list_until(user_id, moment, limit=limit)
        return [Happening(each.created_at, "sign_in", each.session_id, each) for each in found]


class Acts:
    """What operators did to the user, from the audit log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> Sequence[Happening]:
        """As a Source."""
        wanted = ActFilter(target_id=user_id, until=moment + _MILLISECOND)
        found = await self._audit.page(wanted, limit=limit)
        return [Happening(each.act.at, "act", f"{each.seq:016d}", each.act) for each in found]


class ByJobs:
    """What was done to the user as to many others at once."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> Sequence[Happening]:
        """As a Source."""
        found = await self._jobs.changes_of(user_id, until=moment, limit=limit)
        return [Happening(each.at, "job", each.job_id, each) for each in found]


class Refused:
    """The user's attempts that were refused."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> Sequence[Happening]:
        """As a Source."""
        wanted = RefusalFilter(_EPOCH, moment + _MILLISECOND, account_id=user_id, ordinary=True)
        found = await self._refusals.page(wanted, limit=limit)
        return [Happening(each.at, "refusal", each.refusal_id, each) for each in found]


@dataclass(frozen=True)
class Page:
    """Some of the line, newest first. `older` is the place after which the next page begins; None on the last one."""

    happenings: tuple[Happening, ...]
    older: str | None


class History:
    """The line of one user.

    Args:
        sources: where what happened is kept.
    """

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    async def page(
        self, user_id: str, user: User | None, *, before: str | None = None, size: int = PAGE
    ) -> Page:
        """What happened, from the place `before` back; one that is no place of ours begins at the present.

        Args:
            user_id: whose.
            user: with the times that only their own document knows; None when the account was closed.
            before: the `older` of the page before.
            size: how many.
        """
        place = _place(before)
        moment = _moment(place[0]) if place else _FAR
        told = await asyncio.gather(
            *(source.until(user_id, moment, limit=size + _SPARE) for source in self._sources)
        )
        everything = [*(each for part in told for each in part), *(_known_by_time(user) if user else [])]
        line = sorted(everything, key=lambda each: each.place, reverse=True)
        rest = [each for each in line if place is None or each.place < place]
        page = tuple(rest[:size])
        return Page(page, page[-1].place_text if len(rest) > size else None)


def _known_by_time(user: User) -> list[Happening]:
    known = [Happening(user.created_at, "registered", "account")]
    if user.consent is not None:
        known.append(Happening(user.consent.at, "consent", "consent", user.consent.version))
    if user.phone is not None:
        known.append(Happening(user.phone.bound_at, "phone", "phone", user.phone.appid))
    return known


def _place(text: str | None) -> tuple[int, str, str] | None:
    found = _PLACE.fullmatch(text or "")
    return (int(found[1]), found[2], found[3]) if found else None


def _moment(milliseconds: int) -> datetime:
    return min(_FAR, _EPOCH + (min(milliseconds, _milliseconds(_FAR)) * _MILLISECOND))


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND
