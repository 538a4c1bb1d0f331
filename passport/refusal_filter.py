"""Which refusals somebody wants to see: as the URL of the page says it, and as the store is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

# One refused token call is how the first visit of everybody begins, so it shows when it is asked for.
ORDINARY = frozenset({"unregistered"})
PERIODS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
USUAL_PERIOD = "24h"

# The sort key of a refusal: its time and its id.
Place = tuple[datetime, str]

_NUMBER = re.compile(r"-?[0-9]{1,9}")
_ACCOUNT = re.compile(r"[0-9a-f]{24}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORDS = 200


@dataclass(frozen=True, slots=True)
class RefusalFilter:
    """What the store is asked for. None matches all; without `ordinary`, the ordinary ones are left out."""

    since: datetime
    until: datetime
    error: str | None = None
    appid: str | None = None
    operation: str | None = None
    wechat_errcode: int | None = None
    account_id: str | None = None
    openid: bytes | None = None
    ordinary: bool = False

    @property
    def equal(self) -> dict[str, Any]:
        """The members that must be equal to something."""
        names = ("error", "appid", "operation", "wechat_errcode", "account_id", "openid")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class RefusalQuery:
    """The same as words in a URL; each member is a parameter of that name.

    `who` is the hex of an openid's digest, so that a URL never names anybody. `faults` tells which of the words were no
    use, for a word beside the field: they are ignored.
    """

    period: str = USUAL_PERIOD
    since: str = ""
    until: str = ""
    error: str = ""
    app: str = ""
    operation: str = ""
    errcode: str = ""
    account: str = ""
    who: str = ""
    ordinary: str = ""
    faults: frozenset[str] = field(default=frozenset())

    @classmethod
    def from_query(cls, text: Callable[[str], str]) -> RefusalQuery:
        """What the URL says.

        Args:
            text: the parameter of this name; the empty text when there is none.
        """
        given: dict[str, Any] = {name: text(name).strip()[:_WORDS] for name in _NAMES}
        if given["period"] not in PERIODS:
            given["period"] = USUAL_PERIOD
        query = cls(**given)
        rules = {"errcode": _NUMBER, "account": _ACCOUNT, "who": _DIGEST}
        faults = {name for name, rule in rules.items() if given[name] and not rule.fullmatch(given[name])}
        faults |= {name for name in ("since", "until") if given[name] and _moment(given[name], UTC) is None}
        return replace(query, faults=frozenset(faults))

    def to_query(self, **changes: str) -> str:
        """The URL's query for it, with these changes; what is as usual is left out."""
        words = {name: changes.get(name, getattr(self, name)) for name in _NAMES}
        extra = {name: value for name, value in changes.items() if name not in words}
        said = {name: value for name, value in words.items() if value and value != _USUAL.get(name)}
        return urlencode(said | {name: value for name, value in extra.items() if value})

    @property
    def is_set(self) -> bool:
        """Whether anything is not as usual."""
        return self != RefusalQuery()

    @property
    def narrowed(self) -> bool:
        """Whether it leaves out more than the time does."""
        return any(getattr(self, name) for name in ("error", "app", "operation", "errcode", "account", "who"))

    def to_filter(self, now: datetime, zone: tzinfo) -> RefusalFilter:
        """As the store is asked.

        Args:
            now: where a period ends.
            zone: what `since` and `until` are told in.
        """
        until = _moment(self.until, zone) or now + timedelta(minutes=1)  # other hosts' clocks differ a little
        since = _moment(self.since, zone) or min(now, until) - PERIODS[self.period]
        errcode = self.errcode if "errcode" not in self.faults else ""
        who = self.who if "who" not in self.faults else ""
        return RefusalFilter(
            since=since,
            until=until,
            error=self.error or None,
            appid=self.app or None,
            operation=self.operation or None,
            wechat_errcode=int(errcode) if errcode else None,
            account_id=(self.account or None) if "account" not in self.faults else None,
            openid=bytes.fromhex(who) if who else None,
            # Who asks for somebody's refusals wants all of them.
            ordinary=bool(self.ordinary or self.account or who),
        )


_NAMES = tuple(each.name for each in fields(RefusalQuery) if each.name != "faults")
_USUAL = {"period": USUAL_PERIOD}


def place_of(text: str) -> Place | None:
    """The place that a link names: `1772353800123-66f0…`; None for anything else."""
    match = re.fullmatch(r"([0-9]{1,14})-([0-9a-f]{24})", text)
    if match is None:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(match[1])), match[2]


def place_text(at: datetime, refusal_id: str) -> str:
    """The name of a place in a link."""
    return f"{round(at.timestamp() * 1000)}-{refusal_id}"


def _moment(text: str, zone: tzinfo) -> datetime | None:
    """What `<input type="datetime-local">` sends, in the zone; None for anything that is no time of our days."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 2000 <= moment.year <= 2999:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
