"""Made-up users and sessions by the million, written straight into MongoDB as the server would have left them.

The same ones every time. Of ten users six are called 微信用户, three have a Chinese nickname and one a Latin one; one
in a hundred is banned, three in ten have a phone number, nine a unionid, one in twenty a tag. They registered over
three years, and half were last seen in the past month.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.collection import Collection

from passport.store.search import search_fields

Document = dict[str, Any]

APPIDS = tuple(f"wx{number:016x}" for number in range(1, 5))
# The first has most of the users, the last one in a thousand.
_SHARES = (0.7, 0.25, 0.049, 0.001)
TAGS = ("vip", "beta", "refund", "watch")
_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_YEARS = timedelta(days=3 * 365)
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = (
    "小明大伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛超霞平刚桂文辉玲华红玉梅兰飞鹏宇浩轩然子涵梓诗雨欣怡思远晨曦悦琳佳俊泽"
    "天一凡星辰月阳光海云风雪冰火山水木林森花草春夏秋冬梦想爱心快乐猫狗鱼熊兔龙虎豹鹰"
)
_LATIN = (
    "an",
    "el",
    "mi",
    "ra",
    "to",
    "ki",
    "lo",
    "sha",
    "ven",
    "dor",
    "lin",
    "mar",
    "jo",
    "bel",
    "ta",
    "wen",
    "xin",
    "qi",
)
_BATCH = 5_000


def fill(database: Any, *, users: int, sessions: int) -> None:
    """Write so many users, and sessions of them, into the empty database."""
    randomly = random.Random(20261122)  # noqa: S311  nothing here is a secret
    people = _ids(users)
    _write(database["users"], (_user(each, randomly) for each in people))
    _write(database["sessions"], (_session(randomly.choice(people), randomly) for _ in range(sessions)))


def connected(uri: str) -> MongoClient[Document]:
    """A client for filling, which is no server's."""
    return MongoClient(uri, tz_aware=True)


def _write(collection: Collection[Document], documents: Iterator[Document]) -> None:
    while batch := list(islice(documents, _BATCH)):
        collection.insert_many(batch, ordered=False)


def _ids(users: int) -> list[ObjectId]:
    """In the order of time, as they were registered: more in the later years."""
    began = (_NOW - _YEARS).timestamp()
    moments = (int(began + _YEARS.total_seconds() * (number / users) ** 0.7) for number in range(users))
    return [
        ObjectId(moment.to_bytes(4) + b"bench" + (number % 2**24).to_bytes(3))
        for number, moment in enumerate(moments)
    ]


def _user(user_id: ObjectId, randomly: random.Random) -> Document:
    created_at = user_id.generation_time
    nickname = _nickname(randomly)
    profile = {"language": "zh_CN"} | ({"nickname": nickname} if nickname else {})
    letters = f"{randomly.getrandbits(130):027x}"[:27]
    document: Document = {
        "_id": user_id,
        "identities": [{"appid": randomly.choices(APPIDS, _SHARES)[0], "openid": f"o{letters}"}],
        "profile": profile,
        "status": "active",
        "created_at": created_at,
        "last_seen_at": _between(randomly, created_at),
        "sign_ins": int(randomly.paretovariate(1.1)),
        **search_fields(str(user_id), nickname),
    }
    if randomly.random() < 0.9:
        document["unionid"] = f"oc{letters[1:]}"
    if randomly.random() < 0.3:
        document["phone"] = _phone(randomly, created_at)
    if randomly.random() < 0.05:
        document["tags"] = [randomly.choice(TAGS)]
    if randomly.random() < 0.01:
        document |= {"status": "banned", "ban": _ban(randomly)}
    return document


def _between(randomly: random.Random, created_at: datetime) -> datetime:
    """When they were last seen: half of them lately."""
    lately = max(created_at, _NOW - timedelta(days=30))
    since = lately if randomly.random() < 0.5 else created_at
    # Whole milliseconds, as MongoDB keeps them.
    return since + timedelta(milliseconds=int((_NOW - since).total_seconds() * 1000 * randomly.random()))


def _nickname(randomly: random.Random) -> str | None:
    kind = randomly.random()
    if kind < 0.6:
        return None
    if kind < 0.9:
        return randomly.choice(_FAMILY) + "".join(randomly.choices(_GIVEN, k=randomly.choice((1, 2, 2))))
    return "".join(randomly.choices(_LATIN, k=randomly.choice((2, 3)))).title()


def _phone(randomly: random.Random, at: datetime) -> Document:
    pure = f"138{randomly.randrange(10**8):08d}"
    return {
        "number": f"+86{pure}",
        "country_code": "86",
        "pure_number": pure,
        "appid": APPIDS[0],
        "bound_at": at,
        "code_digest": b"benchmark",
    }


def _ban(randomly: random.Random) -> Document:
    ends = _NOW + timedelta(days=randomly.randrange(-60, 60)) if randomly.random() < 0.5 else None
    return {"reason": "spam", "by": "lin", "at": _NOW - timedelta(days=61), "until": ends, "shown": True}


def _session(user_id: ObjectId, randomly: random.Random) -> Document:
    at = _between(randomly, user_id.generation_time)
    return {
        "_id": ObjectId(int(at.timestamp()).to_bytes(4) + randomly.randbytes(8)),
        "user_id": user_id,
        "appid": APPIDS[0],
        "created_at": at,
        "ends_at": at + timedelta(days=180),
        # Far enough for the benchmark not to lose them while it runs.
        "expires_at": _NOW + timedelta(days=3650),
        "ip": "192.0.2.1",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) MicroMessenger/8.0.44",
        "epoch": 0,
        "refresh": {
            "generation": 1,
            "digest": randomly.randbytes(32),
            "rotated_at": at,
            "uses": 0,
            "expires_at": at + timedelta(days=30),
        },
        "last_used_at": at,
    }
