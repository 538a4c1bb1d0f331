"""The overview as its template sees it: numbers as they are written, what changed, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from passport.errors import catalogue
from passport.models import WeChatTrouble
from passport.overview import MOST_CONFLICTS, PERIODS, Bin, Figure, Period, Snapshot
from passport.store.client import Deployment
from passport.views.charts import Chart, Row, chart
from passport.views.locales import locale_of

Light = Literal["green", "yellow", "red", "secondary"]

# A ping on one host takes less than a millisecond, within one region a few.
_SLOW_MONGODB = 0.1
_SLOW_WECHAT = 1.0
# For how long the last trouble with WeChat is a reason to look.
_LATELY = timedelta(hours=1)
_SHOWN_REFUSALS = 8


@dataclass(frozen=True)
class Change:
    """A number and how it compares.

    Args:
        now, before, by: as they are written; `by` is the difference.
        trend: more, fewer or same.
        good: whether that is welcome; None when it is neither.
    """

    now: str
    before: str
    by: str
    trend: Literal["more", "fewer", "same"]
    good: bool | None


@dataclass(frozen=True)
class RefusalRow:
    """The refusals of one error: how many, their share in percent, the cure, and where they are listed."""

    code: str
    count: str
    share: int
    cure: str
    link: str


@dataclass(frozen=True)
class Choice:
    """Something to choose: its words or its name, where it leads, and whether it is chosen."""

    name: str
    link: str
    chosen: bool


@dataclass(frozen=True)
class MongoDBCard:
    """The state of MongoDB; `trouble` is standalone, unreachable or slow."""

    light: Light
    trouble: str
    embedded: bool
    version: str
    replica_set: str | None
    members: int
    unreachable: int
    milliseconds: int


@dataclass(frozen=True)
class WeChatCard:
    """The state of WeChat; `trouble` is held_back, failed, slow or quota."""

    light: Light
    trouble: str
    milliseconds: int | None
    answered_at: datetime | None
    held_back: tuple[str, ...]
    last: WeChatTrouble | None
    calls: str
    failures: str
    quota_hits: str


@dataclass(frozen=True)
class KeyCard:
    """The state of the signing key."""

    light: Light
    problem: str | None
    kid: str
    signs_from: datetime
    days: int
    rotates_at: datetime | None
    next_kid: str | None


@dataclass(frozen=True)
class OverviewView:
    """All that the template shows.

    Args:
        address: of this very page, for its refresh.
        base_url: where mini-programs call.
        stand_in: the address of the WeChat stand-in, when there is one.
        jobs: how many are under way; `job` is where the oldest is.
        weekday, time: what today is compared with.
        conflicts: how many pairs of accounts look like one person; `conflicts_more` when there are even more.
    """

    address: str
    at: datetime
    base_url: str
    stand_in: str | None
    is_new: bool
    weekday: str
    time: str
    today: Mapping[str, Change]
    active: Mapping[str, Change]
    period: Period
    periods: Sequence[Choice]
    appid: str
    apps: Sequence[Choice]
    charts: Sequence[Chart]
    refused: Sequence[RefusalRow]
    refused_total: str
    refusals_link: str
    mongodb: MongoDBCard
    wechat: WeChatCard
    key: KeyCard
    jobs: int
    job: str
    conflicts: int
    conflicts_more: bool
    conflict: str | None


@dataclass(frozen=True)
class Setting:
    """What the view needs to know beside the snapshot.

    Args:
        apps: names by appid.
        embedded: whether MongoDB is our own.
        base_url: where mini-programs call.
        stand_in: the address of the WeChat stand-in, when there is one.
        language, zone: of the page.
    """

    apps: Mapping[str, str]
    embedded: bool
    base_url: str
    stand_in: str | None
    language: str
    zone: ZoneInfo


def overview_view(snapshot: Snapshot, setting: Setting, *, period: Period, appid: str | None) -> OverviewView:
    """The snapshot in the words and the time zone of the page."""
    total = sum(snapshot.refused.values())
    return OverviewView(
        address=_link(period, appid),
        at=snapshot.at,
        base_url=setting.base_url,
        stand_in=setting.stand_in,
        is_new=not snapshot.has_users,
        weekday=_written(snapshot.compared_to, "EEEE", setting),
        time=_written(snapshot.compared_to, "HH:mm", setting),
        today={
            name: _change(figure, more_is_good=name != "refusals") for name, figure in snapshot.today.items()
        },
        active={span: _change(figure, more_is_good=True) for span, figure in snapshot.active.items()},
        period=period,
        periods=[Choice(each, _link(each, appid), each == period) for each in PERIODS],
        appid=appid or "",
        apps=_apps(setting, appid) if len(setting.apps) > 1 else (),
        charts=_charts(snapshot, setting, period),
        refused=[
            _refusal(code, count, total, setting, _refusals_link(snapshot, setting, period, appid, code))
            for code, count in list(snapshot.refused.items())[:_SHOWN_REFUSALS]
        ],
        refused_total=number(total),
        refusals_link=_refusals_link(snapshot, setting, period, appid),
        mongodb=_mongodb(snapshot.mongodb, setting),
        wechat=_wechat(snapshot),
        key=_key(snapshot),
        jobs=len(snapshot.jobs),
        job=f"/admin/jobs/{snapshot.jobs[0]}" if snapshot.jobs else "",
        conflicts=snapshot.conflicts,
        conflicts_more=snapshot.conflicts >= MOST_CONFLICTS,
        conflict=snapshot.conflict,
    )


def number(count: int) -> str:
    """`1,234,567`, as both languages write it."""
    return f"{count:,}"


def _change(figure: Figure, *, more_is_good: bool) -> Change:
    difference = figure.now - figure.before
    trend: Literal["more", "fewer", "same"] = "more" if difference > 0 else "fewer" if difference else "same"
    good = None if difference == 0 else (difference > 0) == more_is_good
    return Change(number(figure.now), number(figure.before), number(abs(difference)), trend, good)


def _apps(setting: Setting, appid: str | None) -> list[Choice]:
    return [Choice(name or each, each, each == appid) for each, name in setting.apps.items()]


def _link(period: Period, appid: str | None) -> str:
    said = {"period": period if period != PERIODS[0] else "", "app": appid or ""}
    query = urlencode({name: value for name, value in said.items() if value})
    return f"/admin?{query}" if query else "/admin"


def _charts(snapshot: Snapshot, setting: Setting, period: Period) -> list[Chart]:
    full, short, step = {
        "24h": ("M-d HH:mm", "HH:mm", 1),
        "7d": ("M-d HH:mm", "M-d", 4),
        "30d": ("M-d EEE", "M-d", 1),
        "90d": ("M-d EEE", "M-d", 1),
    }[period]

    def rows(bins: Sequence[Bin], full: str, short: str, *names: str) -> list[Row]:
        return [
            Row(
                each.start,
                _written(each.start, full, setting),
                _written(each.start, short, setting),
                tuple(getattr(each, name) for name in names),
            )
            for each in bins
        ]

    return [
        chart("sign_ins", rows(snapshot.bins, full, short, "sign_ins", "registrations"), step=step),
        chart("refusals", rows(snapshot.bins, full, short, "refusals"), step=step),
        chart("active", rows(snapshot.days, "M-d EEE", "M-d", "active"), summed=False),
    ]


def _written(moment: datetime, pattern: str, setting: Setting) -> str:
    # Imported with the first time that is shown.
    from babel.dates import format_datetime

    return format_datetime(moment, pattern, tzinfo=setting.zone, locale=locale_of(setting.language))


def _refusal(code: str, count: int, total: int, setting: Setting, link: str) -> RefusalRow:
    known = catalogue().get(code)
    cure = (known.hint.zh if setting.language == "zh" else known.hint.en) if known else ""
    return RefusalRow(code, number(count), round(100 * count / total), cure, link)


def _refusals_link(
    snapshot: Snapshot, setting: Setting, period: Period, appid: str | None, code: str = ""
) -> str:
    """The list with the same restrictions; it has names for all periods but the longest."""
    said = {"period": period if period in ("7d", "30d") else "", "error": code, "app": appid or ""}
    if period == "90d":
        said["since"] = f"{snapshot.bins[0].start.astimezone(setting.zone):%Y-%m-%dT%H:%M}"
    query = urlencode({name: value for name, value in said.items() if value})
    return f"/admin/refusals?{query}" if query else "/admin/refusals"


def _mongodb(state: Deployment, setting: Setting) -> MongoDBCard:
    trouble, light = "", "green"
    if state.latency > _SLOW_MONGODB:
        trouble, light = "slow", "yellow"
    if state.unreachable:
        trouble, light = "unreachable", "yellow"
    if not state.retries_writes:
        trouble, light = "standalone", "red"
    return MongoDBCard(
        light=light,  # type: ignore[arg-type]  # one of the literals above
        trouble=trouble,
        embedded=setting.embedded,
        version=state.version,
        replica_set=state.replica_set,
        members=state.members,
        unreachable=state.unreachable,
        milliseconds=_milliseconds(state.latency),
    )


def _wechat(snapshot: Snapshot) -> WeChatCard:
    state, last = snapshot.wechat, snapshot.wechat.trouble
    light: Light = "green" if state.answered_at else "secondary"
    trouble = ""
    if state.latency is not None and state.latency > _SLOW_WECHAT:
        trouble, light = "slow", "yellow"
    if last is not None and snapshot.at - last.at <= _LATELY:
        trouble, light = "failed", "yellow"
    if snapshot.quota_hits:
        trouble, light = "quota", "yellow"
    if state.held_back:
        trouble, light = "held_back", "red"
    return WeChatCard(
        light=light,
        trouble=trouble,
        milliseconds=None if state.latency is None else _milliseconds(state.latency),
        answered_at=state.answered_at,
        held_back=state.held_back,
        last=last,
        calls=number(snapshot.calls),
        failures=number(snapshot.failures),
        quota_hits=number(snapshot.quota_hits),
    )


def _key(snapshot: Snapshot) -> KeyCard:
    key = snapshot.key
    return KeyCard(
        light="yellow" if key.problem else "green",
        problem=key.problem,
        kid=key.kid,
        signs_from=key.signs_from,
        days=max(0, (snapshot.at - key.signs_from).days),
        rotates_at=key.rotates_at,
        next_kid=key.next_kid,
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
