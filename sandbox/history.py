"""Ninety days in the life of a small mini-program, made up: who came when, and what went wrong. Pure.

For the demo, so that its dashboard is alive. Nobody in it exists: names are drawn from lists, addresses come from the
ranges that documentation may use (RFC 5737), and the same seed tells the same story.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sandbox.identities import openid_of, unionid_of

# By the hour of the day: asleep, on the way, at lunch, and the evening on the sofa.
_RHYTHM = (3, 2, 1, 1, 1, 2, 5, 11, 16, 15, 14, 15, 21, 18, 14, 13, 14, 16, 18, 22, 27, 26, 17, 8)
_WEEKEND = 1.3
# Visits a day of those who love it, those who use it, and those who looked once.
_HABITS = ((0.55, 0.15), (0.18, 0.35), (0.03, 0.50))
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_GIVEN = "晓雨 子涵 思远 若曦 一诺 浩然 雅静 明轩 欣怡 建国 海燕 志强 小龙 佳怡 文博 晨曦 可可 乐乐 大山 阿宝"
_PLAYFUL = (
    "追风的少年 橘子汽水 吃饱再减肥 南方以南 半糖去冰 月亮邮差 "
    "一只小鹿 山海有归期 今天不加班 橙子味的夏天 🌸桃桃 A张师傅水电维修"
)
_ENGLISH = "Alice Kevin Mia Leo Grace Tom Jessie Ryan Coco Ethan Luna Oscar Zoe Max Iris Hugo"
_CITIES = "深圳 广州 上海 北京 杭州 成都 武汉 西安 厦门 长沙 南京 重庆"
_DEVICES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.61 NetType/WIFI",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.54 NetType/4G",
    "Mozilla/5.0 (Linux; Android 15; 24069PC21C) AppleWebKit/537.36 MicroMessenger/8.0.60 NetType/5G",
    "Mozilla/5.0 (Linux; Android 14; ALN-AL10) AppleWebKit/537.36 MicroMessenger/8.0.58 NetType/WIFI",
    "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 MicroMessenger/1.0.9 MiniProgramEnv/ohos",
)
_TOOLS = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 wechatdevtools/1.06 MicroMessenger/8.0.5"
# Error, WeChat's errcode, how many a day.
_MISHAPS: tuple[tuple[str, int | None, float], ...] = (
    ("decrypt_failed", None, 2.6),
    ("invalid_grant", None, 1.9),
    ("code_used", 40163, 1.6),
    ("invalid_code", 40029, 1.3),
    ("invalid_request", None, 0.7),
    ("signature_mismatch", None, 0.5),
    ("slow_down", None, 0.4),
    ("user_blocked", 40226, 0.12),
)
# An afternoon of every story: WeChat's daily quota was used up, for an hour and a half.
_BAD_DAY, _BAD_HOUR, _BAD_CALLS = 18, 15, 46


@dataclass(frozen=True)
class Person:
    """Somebody who registered. `name` is who they are to the stand-in; `profile` is what WeChat tells of them."""

    name: str
    openid: str
    unionid: str
    profile: Mapping[str, Any]
    registered_at: datetime
    user_agent: str
    ip: str
    banned: bool


@dataclass(frozen=True)
class Visit:
    """A sign-in, and how often the tokens were refreshed before the day was over."""

    person: Person
    at: datetime
    refreshes: int


@dataclass(frozen=True)
class Mishap:
    """A refused attempt, by nobody in particular or by somebody who is known."""

    at: datetime
    error: str
    errcode: int | None
    rid: str | None
    user_agent: str
    ip: str
    person: Person | None


@dataclass(frozen=True)
class History:
    """All of it, each in the order of time."""

    people: list[Person]
    visits: list[Visit]
    mishaps: list[Mishap]


def invent(
    now: datetime, *, appid: str, zone: tzinfo, people: int = 300, days: int = 90, seed: int = 7
) -> History:
    """The story of so many people and days that ends now.

    Args:
        now: its end.
        appid: the mini-program.
        zone: by whose clock people sleep.
        people, days: how many.
        seed: another one tells another story.
    """
    chance = random.Random(seed)  # noqa: S311  a story, no secret
    today = now.astimezone(zone).date()
    calendar = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    # A little more come every week.
    weights = [1 + place / days for place in range(days)]
    registered = sorted(_moment(chance, day, zone) for day in chance.choices(calendar, weights, k=people))
    persons = [
        _person(chance, f"demo-{number}", appid, at) for number, at in enumerate(registered) if at <= now
    ]
    visits = sorted(
        (visit for person in persons for visit in _visits(chance, person, calendar, zone, now)),
        key=lambda each: each.at,
    )
    mishaps = sorted(
        (each for each in _mishaps(chance, persons, calendar, zone) if each.at <= now),
        key=lambda each: each.at,
    )
    return History(persons, visits, mishaps)


def _person(chance: random.Random, name: str, appid: str, at: datetime) -> Person:
    return Person(
        name=name,
        openid=openid_of(name, appid),
        unionid=unionid_of(name),
        profile=_profile(chance),
        registered_at=at,
        user_agent=chance.choice(_DEVICES),
        ip=_address(chance),
        banned=chance.random() < 0.01,
    )


def _profile(chance: random.Random) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.6:
        # WeChat calls most people 微信用户 since 2022, of which nothing is kept.
        return {}
    if kind < 0.85:
        nickname = chance.choice(_SURNAMES) + chance.choice(_GIVEN.split())
    else:
        nickname = chance.choice((_PLAYFUL if kind < 0.93 else _ENGLISH).split())
    return {"nickname": nickname, "city": chance.choice(_CITIES.split()), "country": "CN"}


def _visits(
    chance: random.Random, person: Person, calendar: list[date], zone: tzinfo, now: datetime
) -> Iterator[Visit]:
    yield Visit(person, person.registered_at + timedelta(seconds=1), chance.randrange(2))
    (habit,) = chance.choices([each for each, _ in _HABITS], [share for _, share in _HABITS])
    for day in calendar:
        eagerness = habit * (_WEEKEND if day.weekday() >= 5 else 1)
        if chance.random() >= eagerness:
            continue
        at = _moment(chance, day, zone)
        if person.registered_at < at <= now:
            yield Visit(person, at, chance.choice((0, 0, 1, 1, 2, 3)))


def _mishaps(
    chance: random.Random, persons: list[Person], calendar: list[date], zone: tzinfo
) -> Iterator[Mishap]:
    for day in calendar:
        for error, errcode, often in _MISHAPS:
            for _ in range(_how_many(chance, often)):
                yield _mishap(chance, error, errcode, _moment(chance, day, zone), persons)
    if len(calendar) > _BAD_DAY:
        began = datetime.combine(calendar[-1 - _BAD_DAY], time(_BAD_HOUR), zone)
        for _ in range(_BAD_CALLS):
            at = began + timedelta(minutes=chance.uniform(0, 90))
            yield _mishap(chance, "temporarily_unavailable", 45009, at, persons)


def _mishap(
    chance: random.Random, error: str, errcode: int | None, at: datetime, persons: list[Person]
) -> Mishap:
    known = [each for each in persons if each.registered_at < at]
    person = chance.choice(known) if known and error in ("invalid_grant", "slow_down") else None
    # Half of what goes wrong is somebody trying something out at a desk.
    agent = person.user_agent if person else chance.choice((_TOOLS, chance.choice(_DEVICES)))
    rid = f"{int(at.timestamp()):08x}-{chance.getrandbits(32):08x}-{chance.getrandbits(32):08x}"
    return Mishap(
        at, error, errcode, rid if errcode else None, agent, person.ip if person else _address(chance), person
    )


def _how_many(chance: random.Random, often: float) -> int:
    """So many on average."""
    return sum(chance.random() < often / 6 for _ in range(6))


def _moment(chance: random.Random, day: date, zone: tzinfo) -> datetime:
    (hour,) = chance.choices(range(24), _RHYTHM)
    at = datetime.combine(day, time(hour), zone) + timedelta(milliseconds=chance.randrange(3_600_000))
    return at.astimezone(zone)


def _address(chance: random.Random) -> str:
    return f"{chance.choice(('192.0.2', '198.51.100', '203.0.113'))}.{chance.randrange(1, 255)}"
