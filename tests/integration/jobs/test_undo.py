"""The way back: exactly those whom the job changed, and of them those whom nobody changed since."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.jobs.model import Act, Job, Kind, Progress, Selection, State
from passport.models import Operator
from passport.services import Services
from tests.conftest import Clock
from tests.integration.jobs.conftest import SPAM, Start, documents, found, register, statuses, work

Database = pymongo.database.Database[dict[str, Any]]
VIP = Act(Kind.TAG, tag="vip")


async def undone(services: Services, job: Job, lin: Operator) -> Job:
    assert await services.admin.jobs.undo(job.job_id, by=lin)
    await work(services)
    return await found(services, job)


def states(database: Database, ids: list[str]) -> list[dict[str, Any]]:
    """What an operator can tell of them. An ended session stays ended, so the epoch is no part of it."""
    names = ("status", "ban", "tags")
    return [{name: each[name] for name in names if name in each} for each in documents(database, ids)]


async def test_an_undone_ban_leaves_everybody_as_they_were(
    services: Services, database: Database, clock: Clock, crowd: list[str], lin: Operator, start: Start
) -> None:
    await services.users.ban(crowd[3], reason="fraud", by="ada")
    past = {"reason": "once", "by": "ada", "at": clock(), "until": clock(), "shown": True}
    database.users.update_one({"_id": ObjectId(crowd[5])}, {"$set": {"status": "banned", "ban": past}})
    before = states(database, crowd)
    clock.advance(seconds=1)
    job = await start()
    await work(services)
    over = await undone(services, job, lin)
    assert states(database, crowd) == before
    assert (over.state, over.undo) == (State.UNDONE, Progress(done=11, changed=11))


async def test_a_user_changed_by_hand_meanwhile_is_left(
    services: Services, database: Database, clock: Clock, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services)
    clock.advance(minutes=1)
    await services.users.unban(crowd[2])
    await services.users.ban(crowd[4], reason="fraud", by="ada")
    over = await undone(services, job, lin)
    assert over.undo == Progress(done=12, changed=10, skipped=2)
    assert {(each.user_id, each.why) for each in over.undo_failures} == {
        (crowd[2], "changed_since"),
        (crowd[4], "changed_since"),
    }
    assert documents(database, crowd)[4]["ban"]["reason"] == "fraud"
    assert statuses(database, crowd).count("active") == 11


async def test_those_whom_the_job_did_not_change_are_not_touched(
    services: Services, database: Database, clock: Clock, crowd: list[str], lin: Operator, start: Start
) -> None:
    tagged = register(database, clock, 2, tags=["vip"])
    job = await start(VIP)
    await work(services)
    await undone(services, job, lin)
    assert [each["tags"] for each in documents(database, tagged)] == [["vip"]] * 2
    assert [each["tags"] for each in documents(database, crowd)] == [[]] * 12


async def test_an_undone_unban_bans_again_with_the_same_ban(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start, api: Any
) -> None:
    for each in crowd:
        await services.users.ban(each, reason=f"of {each}", by="ada")
    before = states(database, crowd)
    job = await start(Act(Kind.UNBAN))
    await work(services)
    assert statuses(database, crowd) == ["active"] * 12
    await undone(services, job, lin)
    assert states(database, crowd) == before


async def test_sessions_that_began_after_an_unban_end_when_it_is_undone(
    services: Services, lin: Operator, start: Start, api: Any
) -> None:
    mei = await api.registered("mei")
    await services.users.ban(mei, reason="spam", by="ada")
    job = await start(Act(Kind.UNBAN))
    await work(services)
    tokens = await api.sign_in("mei")
    await undone(services, job, lin)
    assert (await api.refresh(tokens["refresh_token"])).status in (400, 403)


async def test_an_unban_that_somebody_confirmed_by_hand_is_not_undone(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    await services.users.ban(crowd[0], reason="spam", by="ada")
    job = await start(Act(Kind.UNBAN))
    await work(services)
    # Banned and unbanned since: it looks as the job left it, and is what a person decided.
    await services.users.ban(crowd[0], reason="spam", by="ada")
    await services.users.unban(crowd[0])
    over = await undone(services, job, lin)
    assert over.undo == Progress(done=1, skipped=1)
    assert statuses(database, crowd)[0] == "active"


async def test_an_untag_gives_the_tag_back(
    services: Services, database: Database, clock: Clock, lin: Operator, start: Start
) -> None:
    ids = register(database, clock, 4, tags=["a", "vip", "z"])
    job = await start(Act(Kind.UNTAG, tag="vip"))
    await work(services)
    database.users.update_one({"_id": ObjectId(ids[1])}, {"$set": {"tags": ["new"]}})
    await undone(services, job, lin)
    assert [each["tags"] for each in documents(database, ids)] == [
        ["a", "vip", "z"],
        ["new", "vip"],
        *[["a", "vip", "z"]] * 2,
    ]


async def test_a_stopped_job_can_be_undone(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services, turns=2)
    await services.admin.jobs.stop(job.job_id, by=lin)
    await work(services)
    assert "banned" in statuses(database, crowd)
    await undone(services, job, lin)
    assert statuses(database, crowd) == ["active"] * 12


async def test_an_undoing_goes_on_where_a_dead_worker_stood(
    services: Services,
    other_services: Services,
    database: Database,
    clock: Clock,
    crowd: list[str],
    lin: Operator,
    start: Start,
) -> None:
    job = await start()
    await work(services)
    assert await services.admin.jobs.undo(job.job_id, by=lin)
    await work(services, turns=2)
    clock.advance(seconds=31)
    await work(other_services)
    over = await found(services, job)
    assert (over.state, over.undo) == (State.UNDONE, Progress(done=12, changed=12))
    assert statuses(database, crowd) == ["active"] * 12


async def test_somebody_who_closed_their_account_is_not_brought_back(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services)
    database.users.delete_one({"_id": ObjectId(crowd[0])})
    over = await undone(services, job, lin)
    assert [(each.user_id, each.why) for each in over.undo_failures] == [(crowd[0], "gone")]
    assert database.users.count_documents({}) == 11


async def test_the_timeline_says_that_it_was_undone(
    services: Services, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start(SPAM, Selection(ids=(crowd[0],)))
    await work(services)
    await undone(services, job, lin)
    (change,) = await services.admin.jobs.changes_of(crowd[0])
    assert change.undone_at is not None


@pytest.mark.parametrize("act", [Act(Kind.END_SESSIONS)], ids=["end_sessions"])
async def test_what_has_no_way_back_is_not_undone(
    services: Services, crowd: list[str], lin: Operator, start: Start, act: Act
) -> None:
    job = await start(act)
    await work(services)
    assert not (await found(services, job)).can_undo(services.admin.now())
    assert not await services.admin.jobs.undo(job.job_id, by=lin)


async def test_a_job_is_undone_once(
    services: Services, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services)
    await undone(services, job, lin)
    assert not await services.admin.jobs.undo(job.job_id, by=lin)


async def test_a_job_of_last_month_is_not_undone(
    services: Services, clock: Clock, crowd: list[str], lin: Operator, start: Start
) -> None:
    job = await start()
    await work(services)
    clock.advance(days=30, seconds=1)
    assert not await services.admin.jobs.undo(job.job_id, by=lin)
    assert await services.admin.jobs.changes_of(crowd[0]) == []
