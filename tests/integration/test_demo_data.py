"""The past that the demo opens with: its statistics say what its users, sessions and refusals say."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pymongo
import pytest
from tornado.ioloop import IOLoop

from passport.demo_data import write_past
from passport.overview import Snapshot
from passport.periods import SPANS, beginning_of, hour_of
from passport.services import Services
from sandbox.history import History, invent
from tests.client import API
from tests.conftest import APPID, Clock

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def past(io_loop: IOLoop, services: Services, clock: Clock) -> History:
    """A story of some weeks, written down."""
    zone = services.settings.dashboard.zone
    story = invent(clock(), appid=APPID, zone=zone, people=60, days=40)
    io_loop.run_sync(lambda: write_past(services, story))
    return story


def test_the_same_seed_tells_the_same_story(clock: Clock, services: Services) -> None:
    zone, now = services.settings.dashboard.zone, clock()
    told = [invent(now, appid=APPID, zone=zone, people=20, days=10) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0] != invent(now, appid=APPID, zone=zone, people=20, days=10, seed=8)


def test_nothing_in_it_is_in_the_future(past: History, clock: Clock) -> None:
    moments = [each.registered_at for each in past.people] + [each.at for each in past.mishaps]
    assert max(moments) <= clock()


def test_most_people_have_no_name_as_wechat_tells_of_most(past: History) -> None:
    names = Counter(each.profile.get("nickname") for each in past.people)
    assert names.most_common(1)[0][0] is None
    assert "微信用户" not in names
    assert len(names) > 10


async def test_every_hour_says_what_its_sessions_and_users_say(
    past: History, services: Services, database: Database
) -> None:
    zone = services.settings.dashboard.zone
    for name, collection in (("sign_ins", "sessions"), ("registrations", "users")):
        found = Counter(hour_of(each["created_at"], zone) for each in database[collection].find())
        counted = {
            each["hour"]: each[name] for each in database.statistics.find({"appid": APPID, name: {"$gt": 0}})
        }
        assert counted == found


async def test_the_active_people_of_every_day_week_and_month_are_those_who_were_there(
    past: History, services: Services, database: Database
) -> None:
    zone = services.settings.dashboard.zone
    there: list[tuple[datetime, Any]] = [(each["created_at"], each["_id"]) for each in database.users.find()]
    there += [(each["created_at"], each["user_id"]) for each in database.sessions.find()]
    for span in SPANS:
        people = {(beginning_of(span, at, zone), who) for at, who in there}
        expected = Counter(begin for begin, _ in people)
        counted: Counter[datetime] = Counter()
        for each in database.statistics.find({"appid": "", f"active_{span}": {"$gt": 0}}):
            counted[beginning_of(span, each["hour"], zone)] += each[f"active_{span}"]
        assert counted == expected


async def test_a_user_looks_as_if_they_had_signed_in(past: History, database: Database) -> None:
    for user in database.users.find():
        sessions = list(database.sessions.find({"user_id": user["_id"]}).sort("created_at", -1))
        assert (user["sign_ins"], user["last_seen_at"]) == (len(sessions), sessions[0]["created_at"])
        assert user["active_in"] == {APPID: user["last_seen_at"]}


async def test_refusals_are_listed_and_counted_alike(
    past: History, services: Services, database: Database
) -> None:
    snapshot: Snapshot = await services.admin.overview.snapshot("7d")
    since = snapshot.bins[0].start
    listed = Counter(each["error"] for each in database.refusals.find({"at": {"$gte": since}}))
    assert snapshot.refused == listed


async def test_one_of_them_comes_back_and_is_known(past: History, services: Services, api: API) -> None:
    person = next(each for each in past.people if not each.banned)
    reply = await api.token(api.wx_login(person.name))
    assert reply.status == 200
    user = await services.users.find(reply.json["account_id"])
    assert user is not None
    assert user.created_at == person.registered_at.replace(
        microsecond=person.registered_at.microsecond // 1000 * 1000
    )
