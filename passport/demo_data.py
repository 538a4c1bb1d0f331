"""Write a made-up past for `python server.py --demo`, through the stores. Nothing else calls it.

The statistics are counted by the very code that counts what happens, with the story's clock, so they agree with the
users, sessions and refusals that they are told with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from passport.config import Settings
from passport.errors import catalogue
from passport.models import Ban, Identity, Refresh, Refusal, Session, User
from passport.services import Services
from passport.sessions import LOGIN_HISTORY
from passport.statistics import Statistics
from passport.store import Store
from passport.store.refusals import new_refusal_id
from passport.store.sessions import new_session_id
from passport.store.users import new_user_id


class Person(Protocol):
    """Somebody who registered."""

    @property
    def name(self) -> str: ...
    @property
    def openid(self) -> str: ...
    @property
    def unionid(self) -> str: ...
    @property
    def profile(self) -> Mapping[str, Any]: ...
    @property
    def registered_at(self) -> datetime: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def ip(self) -> str: ...
    @property
    def banned(self) -> bool: ...


class Visit(Protocol):
    """A sign-in, and how often the tokens were refreshed before the day was over."""

    @property
    def person(self) -> Person: ...
    @property
    def at(self) -> datetime: ...
    @property
    def refreshes(self) -> int: ...


class Mishap(Protocol):
    """A refused attempt."""

    @property
    def at(self) -> datetime: ...
    @property
    def error(self) -> str: ...
    @property
    def errcode(self) -> int | None: ...
    @property
    def rid(self) -> str | None: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def ip(self) -> str: ...
    @property
    def person(self) -> Person | None: ...


class Past(Protocol):
    """A story, each of its parts in the order of time."""

    @property
    def people(self) -> Sequence[Person]: ...
    @property
    def visits(self) -> Sequence[Visit]: ...
    @property
    def mishaps(self) -> Sequence[Mishap]: ...


@dataclass
class _Account:
    """What has become of a person so far."""

    user_id: str
    last_seen_at: datetime
    sign_ins: int = 0


class DemoData:
    """Writes a past.

    Args:
        store: where to.
        settings: the demo's.
        digest: names the WeChat users of refusals.
        now: when the past ends.
    """

    def __init__(
        self, *, store: Store, settings: Settings, digest: Callable[[str, str], bytes], now: datetime
    ) -> None:
        self._store, self._settings, self._digest, self._now = store, settings, digest, now
        self._appid = settings.wechat.apps[0].appid
        self._told_at = now
        self._statistics = Statistics(
            store=store.statistics,
            appids={self._appid},
            zone=settings.dashboard.zone,
            now=lambda: self._told_at,
        )
        self._accounts: dict[str, _Account] = {}

    async def write(self, past: Past) -> None:
        """All of it; into an empty database."""
        sessions = self._live(past)
        await self._store.users.import_all([self._user(each) for each in past.people])
        await self._store.sessions.import_all(sessions)
        await self._store.refusals.insert(
            [self._refusal(each) for each in past.mishaps if self._is_kept(each)]
        )
        await self._statistics.flush()

    def _live(self, past: Past) -> list[Session]:
        """Go through the past in its order, counting; the sessions that came of it."""
        events: list[tuple[datetime, Callable[[], Session | None]]] = [
            *((each.registered_at, lambda each=each: self._register(each)) for each in past.people),
            *((each.at, lambda each=each: self._visit(each)) for each in past.visits),
            *((each.at, lambda each=each: self._refuse(each)) for each in past.mishaps),
        ]
        sessions = []
        for at, happen in sorted(events, key=lambda event: event[0]):
            self._told_at = _utc(at)
            session = happen()
            if session is not None:
                sessions.append(session)
        return sessions

    def _register(self, person: Person) -> None:
        self._statistics.refused("unregistered", self._appid)
        self._statistics.count("wechat_calls", self._appid)
        self._statistics.count("registrations", self._appid)
        self._statistics.active(self._appid, {}, self._told_at)
        self._accounts[person.name] = _Account(new_user_id(), self._told_at)

    def _visit(self, visit: Visit) -> Session:
        account = self._accounts[visit.person.name]
        self._statistics.count("wechat_calls", self._appid)
        self._statistics.count("sign_ins", self._appid)
        self._statistics.active(self._appid, {self._appid: account.last_seen_at}, self._told_at)
        for _ in range(visit.refreshes):
            self._statistics.count("refreshes", self._appid)
        account.last_seen_at, account.sign_ins = self._told_at, account.sign_ins + 1
        return self._session(account, visit)

    def _refuse(self, mishap: Mishap) -> None:
        self._statistics.refused(mishap.error, self._appid)
        if mishap.errcode is not None:
            self._statistics.count("wechat_calls", self._appid)
        if mishap.errcode in (45009, 45011):
            self._statistics.count("quota_hits", self._appid)
            self._statistics.count("wechat_failures", self._appid)

    def _user(self, person: Person) -> User:
        account = self._accounts[person.name]
        ban = Ban("demo: 发布广告 (spam)", by="demo", at=account.last_seen_at) if person.banned else None
        return User(
            user_id=account.user_id,
            identities=(Identity(self._appid, person.openid),),
            created_at=_utc(person.registered_at),
            last_seen_at=account.last_seen_at,
            unionid=person.unionid,
            from_wechat=dict(person.profile),
            ban=ban,
            sign_ins=account.sign_ins,
            active_in={self._appid: account.last_seen_at},
        )

    def _session(self, account: _Account, visit: Visit) -> Session:
        at, tokens = self._told_at, self._settings.tokens
        ends_at = at + tokens.session_ttl
        return Session(
            session_id=new_session_id(),
            user_id=account.user_id,
            appid=self._appid,
            created_at=at,
            ends_at=ends_at,
            forgotten_at=max(at + LOGIN_HISTORY, ends_at),
            ip=visit.person.ip,
            user_agent=visit.person.user_agent,
            epoch=0,
            # A token that nobody has.
            refresh=Refresh(visit.refreshes, secrets.token_bytes(32), at, 1, at + tokens.refresh_ttl),
            last_used_at=at,
        )

    def _is_kept(self, mishap: Mishap) -> bool:
        return self._now - mishap.at < self._settings.dashboard.refusals_kept

    def _refusal(self, mishap: Mishap) -> Refusal:
        known, person = catalogue()[mishap.error], mishap.person
        return Refusal(
            refusal_id=new_refusal_id(),
            at=_utc(mishap.at),
            error=known.code,
            status=known.status,
            kind=known.__name__,
            operation="POST /oauth/token",
            request_id=secrets.token_hex(8),
            ip=mishap.ip,
            user_agent=mishap.user_agent,
            expires_at=_utc(mishap.at) + self._settings.dashboard.refusals_kept,
            appid=self._appid,
            account_id=self._accounts[person.name].user_id if person else None,
            openid=self._digest(self._appid, person.openid) if person else None,
            wechat_errcode=mishap.errcode,
            rid=mishap.rid,
            description=known.description,
        )


async def write_past(services: Services, past: Past) -> None:
    """Give the demo its past."""
    data = DemoData(
        store=services.store,
        settings=services.settings,
        digest=services.refusals.digest,
        now=services.admin.now(),
    )
    await data.write(past)


def _utc(at: datetime) -> datetime:
    """In whole milliseconds, because MongoDB keeps no more."""
    return at.astimezone(UTC) - timedelta(microseconds=at.microsecond % 1000)
