"""What a job does to whom, and what it does not."""

from __future__ import annotations

from typing import Any

import pymongo
from bson import ObjectId

from passport.jobs.model import Act, Kind, Progress, Selection, State
from passport.models import Operator
from passport.services import Services
from tests.conftest import Clock
from tests.integration.jobs.conftest import (
    EVERYBODY,
    SPAM,
    Start,
    documents,
    found,
    register,
    statuses,
    work,
)
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]


async def test_a_ban_of_all_that_match_bans_each_of_them(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    job = await start()
    await work(services)
    done = await found(services, job)
    assert (done.state, done.progress) == (State.DONE, Progress(done=12, changed=12))
    assert statuses(database, crowd) == ["banned"] * 12
    assert {(each["ban"]["reason"], each["ban"]["by"]) for each in documents(database, crowd)} == {
        ("spam", "lin")
    }


async def test_only_those_who_match_are_met(
    services: Services, database: Database, clock: Clock, crowd: list[str], start: Start
) -> None:
    tagged = register(database, clock, 4, tags=["vip"])
    job = await start(SPAM, Selection(query={"tag": "vip"}))
    await work(services)
    assert statuses(database, tagged) == ["banned"] * 4
    assert statuses(database, crowd) == ["active"] * 12
    assert (await found(services, job)).progress == Progress(done=4, changed=4)


async def test_those_picked_are_met_and_nobody_else(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    picked = tuple(reversed(crowd[2:7]))
    job = await start(SPAM, Selection(ids=picked))
    await work(services)
    assert statuses(database, crowd) == ["active"] * 2 + ["banned"] * 5 + ["active"] * 5
    assert (await found(services, job)).state is State.DONE


async def test_whoever_is_banned_already_keeps_their_ban(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    await services.users.ban(crowd[4], reason="fraud", by="ada")
    job = await start()
    await work(services)
    assert documents(database, crowd)[4]["ban"]["reason"] == "fraud"
    assert (await found(services, job)).progress == Progress(done=12, changed=11, skipped=1)


async def test_a_ban_whose_time_has_passed_is_replaced(
    services: Services, database: Database, clock: Clock, crowd: list[str], start: Start
) -> None:
    past = {"reason": "once", "by": "ada", "at": clock(), "until": clock(), "shown": False}
    database.users.update_one({"_id": ObjectId(crowd[0])}, {"$set": {"status": "banned", "ban": past}})
    clock.advance(seconds=1)
    await start()
    await work(services)
    assert documents(database, crowd)[0]["ban"]["reason"] == "spam"


async def test_newcomers_are_not_met(
    services: Services, database: Database, clock: Clock, crowd: list[str], start: Start
) -> None:
    await start()
    await work(services, turns=1)
    clock.advance(seconds=1)
    at = clock()
    later = register(database, clock, 1, created_at=at)
    # The driver of another process may give a smaller id within the same second.
    first = str(ObjectId("000000000000000000000001"))
    document = documents(database, later)[0] | {
        "_id": ObjectId(first),
        "identities": [{"appid": "a", "openid": "b"}],
    }
    between = str(ObjectId(f"{int(crowd[5], 16) + 1:024x}"))
    database.users.insert_one(document)
    database.users.insert_one(document | {"_id": ObjectId(between), "identities": []})
    # Whoever came by a process whose clock is an hour late is known by the id.
    late = register(database, clock, 1)
    await work(services)
    assert statuses(database, [first, between, *later, *late]) == ["active"] * 4
    assert statuses(database, crowd) == ["banned"] * 12


async def test_somebody_who_is_gone_is_named_in_the_result(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    job = await start(SPAM, Selection(ids=tuple(crowd[:5])))
    database.users.delete_one({"_id": ObjectId(crowd[1])})
    await work(services)
    done = await found(services, job)
    assert done.progress == Progress(done=5, changed=4, failed=1)
    assert [(each.user_id, each.why) for each in done.failures] == [(crowd[1], "gone")]


async def test_a_document_that_cannot_be_changed_does_not_hold_up_the_others(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    # MongoDB refuses to count up a text; one is of no form that we write, one is taken by our own reading.
    database.users.update_one({"_id": ObjectId(crowd[1])}, {"$set": {"session_epoch": "many"}})
    database.users.update_one({"_id": ObjectId(crowd[7])}, {"$set": {"session_epoch": "7"}})
    job = await start()
    await work(services)
    done = await found(services, job)
    assert done.progress == Progress(done=12, changed=10, failed=2)
    assert {(each.user_id, each.why) for each in done.failures} == {
        (crowd[1], "refused"),
        (crowd[7], "refused"),
    }
    assert statuses(database, crowd).count("banned") == 10


async def test_a_tag_is_given_once_and_taken_again(
    services: Services, database: Database, clock: Clock, start: Start
) -> None:
    ids = register(database, clock, 4, tags=["b", "vip"]) + register(database, clock, 3)
    await start(Act(Kind.TAG, tag="vip"))
    await work(services)
    assert [each["tags"] for each in documents(database, ids)] == [["b", "vip"]] * 4 + [["vip"]] * 3
    await start(Act(Kind.UNTAG, tag="vip"))
    await work(services)
    assert [each["tags"] for each in documents(database, ids)] == [["b"]] * 4 + [[]] * 3


async def test_nobody_gets_more_tags_than_a_person_can_have(
    services: Services, database: Database, clock: Clock, start: Start
) -> None:
    tags = [f"tag {number}" for number in range(20)]
    full = register(database, clock, 1, tags=tags)
    job = await start(Act(Kind.TAG, tag="vip"))
    await work(services)
    assert documents(database, full)[0]["tags"] == tags
    assert [each.why for each in (await found(services, job)).failures] == ["too_many_tags"]


async def test_ended_sessions_are_over_and_the_history_says_so(
    services: Services, api: Any, database: Database, start: Start
) -> None:
    tokens = await api.sign_in("mei")
    await start(Act(Kind.END_SESSIONS))
    await work(services)
    assert (await api.me(tokens["access_token"])).status == 401
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"
    assert [each["ended_by"] for each in database.sessions.find()] == ["operator"]
    again = await api.sign_in("mei")
    assert (await api.me(again["access_token"])).status == 200


async def test_a_ban_by_a_job_holds_at_the_door(services: Services, api: Any, start: Start) -> None:
    tokens = await api.sign_in("mei")
    await start(Act(Kind.BAN, reason="spam", shown=True))
    await work(services)
    assert (await api.me(tokens["access_token"])).error == "account_disabled"
    refused = await api.token(api.wx_login("mei"))
    assert (refused.error, refused.json["reason"]) == ("account_disabled", "spam")


async def test_the_preview_counts_and_changes_nothing(
    services: Services, database: Database, crowd: list[str]
) -> None:
    await services.users.ban(crowd[0], reason="fraud", by="ada")
    before = documents(database, crowd)
    previews = {
        act.kind: await services.admin.jobs.preview(act, EVERYBODY)
        for act in (
            SPAM,
            Act(Kind.UNBAN),
            Act(Kind.TAG, tag="x"),
            Act(Kind.UNTAG, tag="x"),
            Act(Kind.END_SESSIONS),
        )
    }
    assert {kind.value: (each.total, each.already) for kind, each in previews.items()} == {
        "ban": (12, 1),
        "unban": (12, 11),
        "tag": (12, 0),
        "untag": (12, 12),
        "end_sessions": (12, 0),
    }
    assert len(previews[Kind.BAN].names) == 5
    assert previews[Kind.BAN].names[0][1].startswith("user ")
    assert documents(database, crowd) == before


async def test_each_change_is_in_the_users_timeline(
    services: Services, crowd: list[str], start: Start
) -> None:
    job = await start(SPAM, Selection(ids=(crowd[0],)))
    await work(services)
    (change,) = await services.admin.jobs.changes_of(crowd[0])
    assert (change.job_id, change.act.kind, change.by_name) == (job.job_id, Kind.BAN, "lin")
    assert await services.admin.jobs.changes_of(crowd[1]) == []


async def test_a_job_without_anybody_is_done_at_once(services: Services, start: Start) -> None:
    job = await start()
    await work(services)
    assert (await found(services, job)).state is State.DONE


async def test_the_audit_log_has_the_end_with_its_numbers(
    services: Services, database: Database, crowd: list[str], start: Start
) -> None:
    job = await start(SPAM, Selection(query={"status": "active", "q": "user"}))
    await work(services)
    (event,) = database.audit_events.find({"kind": {"$regex": "^job"}})
    assert (event["kind"], event["target_id"]) == ("job.done", job.job_id)
    assert (event["after"]["changed"], event["after"]["filter"]) == (12, ["status=active"])
    # What was searched for may be somebody's name.
    assert "user" not in str(event["after"])


async def test_no_query_of_a_job_or_an_export_walks_a_collection(
    services: Services, database: Database, crowd: list[str], lin: Operator, start: Start
) -> None:
    jobs = services.admin.jobs
    with profiling(database):
        for act in (
            Act(Kind.TAG, tag="x"),
            SPAM,
            Act(Kind.UNBAN),
            Act(Kind.UNTAG, tag="x"),
            Act(Kind.END_SESSIONS),
        ):
            job = await start(act)
            await work(services)
            await jobs.undo(job.job_id, by=lin)
            await work(services)
        for query in (
            {"status": "active"},
            {"phone": "no"},
            {"tag": "x"},
            {"q": "user"},
            {"status": "banned"},
        ):
            await jobs.preview(SPAM, Selection(query=query))
        await start(SPAM, Selection(ids=tuple(crowd)))
        await work(services)
        await jobs.newest()
        await jobs.changes_of(crowd[0])
        async for _ in services.admin.users_export.batches({"status": "banned"}, plain=False):
            pass
        asked_for = [each for each in asked(database) if each.get("docsExamined", 0) > 1]
        walks = {each["ns"] for each in asked_for if "COLLSCAN" in str(each.get("planSummary"))}
    # A handful of documents, read whole.
    assert walks <= {f"{database.name}.signing_keys", f"{database.name}.operators"}
