"""Which users an operator means, as typed fields and as the query of a URL. Pure rules; knows no database.

A faulty field is left out of the filter and named among the faults. A filter without it matches more people than was
meant, so whoever acts on all that match must not act while there is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, TypeVar

T = TypeVar("T")
Status = Literal["active", "banned", "ban_ended"]
# What is wrong with a field, for the page to say.
Fault = Literal["unknown", "no_date", "too_long", "not_text", "backwards"]
Faults = dict[str, Fault]

STATUSES: tuple[Status, ...] = ("active", "banned", "ban_ended")
TEXT_LIMIT = 200
TAG_LIMIT = 64
APPID_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A time from `since` on and before `before`; None is open."""

    since: datetime | None
    before: datetime | None

    @property
    def is_bounded(self) -> bool:
        """Whether it leaves out anything."""
        return self.since is not None or self.before is not None


@dataclass(frozen=True, slots=True)
class UserFilter:
    """All of these at once; None and "" ask for nothing. Days are whole days in `zone`, the last one included.

    Args:
        text: what stands in the search box; `passport.directory.words` says what it is taken for.
        status: `active`, `banned` (the ban holds) or `ban_ended` (it was not lifted, and its time has passed).
        appid: has an identity there.
        zone: the time zone of the days.
    """

    text: str = ""
    status: Status | None = None
    appid: str | None = None
    registered_from: date | None = None
    registered_to: date | None = None
    seen_from: date | None = None
    seen_to: date | None = None
    has_phone: bool | None = None
    has_unionid: bool | None = None
    tag: str | None = None
    zone: tzinfo = UTC

    @classmethod
    def from_query(cls, query: Mapping[str, str], zone: tzinfo = UTC) -> tuple[UserFilter, Faults]:
        """The filter that the query of a URL or a form asks for, and what is wrong by the name of its field.

        Members that are none of ours are ignored. Never raises, whatever the query holds.
        """
        fields = _Fields(query)
        registered = fields.days("registered_from", "registered_to")
        seen = fields.days("seen_from", "seen_to")
        found = cls(
            text=fields.read("q", _parsed_text(TEXT_LIMIT)) or "",
            status=fields.read("status", _parsed_status),
            appid=fields.read("app", _parsed_text(APPID_LIMIT)),
            registered_from=registered[0],
            registered_to=registered[1],
            seen_from=seen[0],
            seen_to=seen[1],
            has_phone=fields.read("phone", _parsed_flag),
            has_unionid=fields.read("unionid", _parsed_flag),
            tag=fields.read("tag", _parsed_text(TAG_LIMIT)),
            zone=zone,
        )
        return found, fields.faults

    def to_query(self) -> dict[str, str]:
        """The query that `from_query` makes this filter of, in the same zone; empty when everybody is meant."""
        members = {
            "q": self.text,
            "status": self.status,
            "app": self.appid,
            "registered_from": _day(self.registered_from),
            "registered_to": _day(self.registered_to),
            "seen_from": _day(self.seen_from),
            "seen_to": _day(self.seen_to),
            "phone": _word(self.has_phone),
            "unionid": _word(self.has_unionid),
            "tag": self.tag,
        }
        return {name: value for name, value in members.items() if value}

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Each condition as (field, value), for a page to put into words: `("status", "banned")`."""
        return tuple(self.to_query().items())

    @property
    def is_everybody(self) -> bool:
        """Whether nothing is asked for."""
        return not self.to_query()

    @property
    def registered(self) -> Span:
        """When they registered."""
        return self._span(self.registered_from, self.registered_to)

    @property
    def seen(self) -> Span:
        """When they were last seen."""
        return self._span(self.seen_from, self.seen_to)

    def _span(self, first: date | None, last: date | None) -> Span:
        before = last + timedelta(days=1) if last is not None else None
        return Span(self._midnight(first), self._midnight(before))

    def _midnight(self, day: date | None) -> datetime | None:
        return None if day is None else datetime.combine(day, time(), self.zone).astimezone(UTC)


class _Faulty(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault: Fault = fault


class _Fields:
    """Reads a query, and collects what is wrong with it."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query, self.faults = query, Faults()

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The member as `parse` has it; None when it is absent, empty or faulty."""
        asked = self._query.get(name, "").strip()
        try:
            return parse(asked) if asked else None
        except _Faulty as error:
            self.faults[name] = error.fault
            return None

    def days(self, first: str, last: str) -> tuple[date | None, date | None]:
        """Both ends; of two that are the wrong way round the last is the faulty one."""
        since, until = self.read(first, _parsed_day), self.read(last, _parsed_day)
        if since is not None and until is not None and until < since:
            self.faults[last] = "backwards"
            until = None
        return since, until


def _parsed_text(most: int) -> Callable[[str], str]:
    def parse(asked: str) -> str:
        # Half a surrogate pair is what no document can hold, and a NUL what no key of an index should.
        if "\0" in asked or any("\ud800" <= each <= "\udfff" for each in asked):
            raise _Faulty("not_text")
        if len(asked) > most:
            raise _Faulty("too_long")
        return asked

    return parse


def _parsed_status(asked: str) -> Status:
    for status in STATUSES:
        if status == asked:
            return status
    raise _Faulty("unknown")


def _parsed_flag(asked: str) -> bool:
    if asked not in ("yes", "no"):
        raise _Faulty("unknown")
    return asked == "yes"


def _parsed_day(asked: str) -> date:
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        raise _Faulty("no_date") from None
    # Room at both ends for the time zone and for the day after the last.
    if not 1970 <= day.year <= 9000:
        raise _Faulty("no_date")
    return day


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _word(flag: bool | None) -> str | None:
    return None if flag is None else "yes" if flag else "no"
