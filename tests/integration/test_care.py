"""What operators do with one user, without the pages: states compared, acts undone, doubts settled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pymongo
import pytest

from passport.care.acts import UNDO_LASTS, Care
from passport.care.duplicates import Duplicates
from passport.care.history import Happening, History, SignIns
from passport.errors import StoreUnavailable
from passport.errors.care import ChangedMeanwhile, NothingToUndo, UnionidInUse
from passport.models import User
from passport.services import Services
from sandbox import StandIn
from tests.client import API
from tests.conftest import Clock
from tests.integration.admin.people import person
from tests.integration.helpers import OTHER_APPID, with_two_apps
from tests.security.profiler import asked, profiling

Database = pymongo.database.Database[dict[str, Any]]


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Two mini-programs of one Open Platform account."""
    return with_two_apps(stand_in)


@pytest.fixture
def care(services: Services, clock: Clock) -> Care:
    store = services.store
    return Care(store=store.care, sessions=store.sessions, closed=store.closed_accounts, now=clock)


@pytest.fixture
def duplicates(services: Services, clock: Clock) -> Duplicates:
    store = services.store
    return Duplicates(conflicts=store.conflicts, care=store.care, users=store.users, now=clock)


async def visit(api: API, path: str, person: str, appid: str) -> dict[str, Any]:
    credentials = api.wx_login(person, appid=appid)
    return (await api.post(path, json={**credentials, "appid": appid})).json


async def registered(api: API, services: Services, person: str, appid: str) -> User:
    account = await visit(api, "/accounts/wxapp", person, appid)
    return await found(services, account["account_id"])


async def found(services: Services, user_id: str) -> User:
    user = await services.users.find(user_id)
    assert user is not None
    return user


@pytest.fixture
def appid(services: Services) -> str:
    return services.settings.wechat.apps[0].appid


# One act from one state


async def test_of_two_operators_at_once_one_bans_and_the_other_is_told(
    api: API, services: Services, care: Care, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    acts = (care.ban(mei, reason=f"by {by}", until=None, shown=False, by=by) for by in ("lin", "ada"))
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, BaseException)]
    assert [type(each) for each in refused] == [ChangedMeanwhile]
    ban = (await found(services, mei.user_id)).ban
    assert ban is not None
    assert ban.reason == f"by {ban.by}"


async def test_nothing_is_overwritten_that_the_operator_has_not_seen(
    api: API, services: Services, care: Care, appid: str
) -> None:
    seen = await registered(api, services, "mei", appid)
    await care.write_note(seen, "called on Monday", by="lin")
    await care.tag(seen, ("vip",), by="lin")
    await care.ban(seen, reason="spam", until=None, shown=False, by="lin")
    for act in (
        care.write_note(seen, "another", by="ada"),
        care.tag(seen, ("x",), by="ada"),
        care.unban(replace(seen, ban=None), by="ada"),
        care.ban(seen, reason="again", until=None, shown=False, by="ada"),
    ):
        with pytest.raises(ChangedMeanwhile):
            await act
    mei = await found(services, seen.user_id)
    assert (mei.note, mei.tags, mei.ban and mei.ban.reason) == ("called on Monday", ("vip",), "spam")


async def test_an_act_that_changes_nothing_is_none(
    api: API, services: Services, care: Care, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    await care.write_note(mei, "", by="lin")
    await care.tag(mei, (), by="lin")
    assert (await found(services, mei.user_id)).last_act is None


async def test_what_is_emptied_is_absent_from_the_document(
    api: API, services: Services, database: Database, care: Care, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    await care.tag(mei, ("vip",), by="lin")
    await care.write_note(await found(services, mei.user_id), "x", by="lin")
    mei = await found(services, mei.user_id)
    await care.tag(mei, (), by="lin")
    await care.write_note(await found(services, mei.user_id), "", by="lin")
    assert database.users.find_one({}, {"tags": 1, "note": 1}).keys() == {"_id"}


async def test_a_ban_ends_the_sessions_though_their_marks_cannot_be_written(
    api: API, services: Services, care: Care, appid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mei = await registered(api, services, "mei", appid)
    tokens = await visit(api, "/oauth/token", "mei", appid)

    async def fail(*_: object, **__: object) -> int:
        raise StoreUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(services.store.sessions, "end_all", fail)
        with pytest.raises(StoreUnavailable):
            await care.ban(await found(services, mei.user_id), reason="x", until=None, shown=False, by="lin")
    assert (await api.refresh(tokens["refresh_token"])).error == "account_disabled"
    await care.undo(await found(services, mei.user_id))
    assert (await api.refresh(tokens["refresh_token"])).error == "invalid_grant"


# Undo


async def test_each_act_is_undone_to_what_was_before(
    api: API, services: Services, care: Care, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    await care.tag(mei, ("vip",), by="lin")
    mei = await found(services, mei.user_id)
    await care.tag(mei, ("x", "y"), by="lin")
    assert (await care.undo(await found(services, mei.user_id))).kind == "tags"
    mei = await found(services, mei.user_id)
    assert (mei.tags, mei.last_act) == (("vip",), None)
    await care.write_note(mei, "a\nb", by="lin")
    await care.undo(await found(services, mei.user_id))
    assert (await found(services, mei.user_id)).note == ""


async def test_a_ban_that_is_undone_gives_the_former_ban_back(
    api: API, services: Services, care: Care, clock: Clock, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    first = await care.ban(mei, reason="spam", until=clock() + timedelta(days=1), shown=True, by="lin")
    await care.ban(await found(services, mei.user_id), reason="worse", until=None, shown=False, by="ada")
    await care.undo(await found(services, mei.user_id))
    assert (await found(services, mei.user_id)).ban == first
    await care.unban(await found(services, mei.user_id), by="ada")
    await care.undo(await found(services, mei.user_id))
    assert (await found(services, mei.user_id)).ban == first


async def test_there_is_nothing_to_undo_after_a_week_or_when_something_else_was_done(
    api: API, services: Services, care: Care, clock: Clock, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    with pytest.raises(NothingToUndo):
        await care.undo(mei)
    await care.ban(mei, reason="spam", until=None, shown=False, by="lin")
    banned = await found(services, mei.user_id)
    await services.users.unban(mei.user_id)  # as a job over many would
    with pytest.raises(NothingToUndo):
        await care.undo(await found(services, mei.user_id))
    with pytest.raises(NothingToUndo):
        await care.undo(banned)
    assert (await found(services, mei.user_id)).ban is None
    await care.write_note(await found(services, mei.user_id), "x", by="lin")
    clock.advance(seconds=UNDO_LASTS.total_seconds() + 1)
    with pytest.raises(NothingToUndo):
        await care.undo(await found(services, mei.user_id))


async def test_an_undo_is_erased_with_the_person(
    api: API, services: Services, database: Database, care: Care, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    await care.write_note(mei, "lives in Guangzhou", by="lin")
    await care.write_note(await found(services, mei.user_id), "", by="lin")
    assert "Guangzhou" in repr(database.users.find_one())
    await services.closing.close(await found(services, mei.user_id), by="operator")
    everything = [list(database[name].find()) for name in database.list_collection_names()]
    assert "Guangzhou" not in repr(everything)


# Tags


async def test_the_tags_in_use_are_read_off_the_index_one_entry_a_tag(
    services: Services, database: Database, care: Care
) -> None:
    tags = (["vip", "退款"], ["vip"], ["beta", "vip"], [], ["退款", "\U0001f308", "Ａ"])
    database.users.insert_many([person(number, tags=tags[number % 5]) for number in range(100)])
    await services.background.close()
    with profiling(database) as profiled:
        assert await care.tags_in_use() == ["beta", "vip", "退款", "Ａ", "\U0001f308"]
        steps = [each for each in asked(profiled) if each["ns"].endswith(".users")]
    assert [(each["keysExamined"], each["docsExamined"]) for each in steps] == [(1, 1)] * 5 + [(0, 0)]


# Doubts about who somebody is


async def with_two_accounts(api: API, services: Services, appid: str) -> tuple[User, User]:
    """Mei registers twice, before WeChat knows that both apps are of one Open Platform account; then it does."""
    people = api.stand_in.people
    first = await registered(api, services, "mei", appid)
    people.unbind(OTHER_APPID)
    second = await registered(api, services, "mei", OTHER_APPID)
    people.bind(OTHER_APPID)
    await visit(api, "/oauth/token", "mei", OTHER_APPID)
    return first, second


async def test_a_pair_is_seen_from_both_accounts(
    api: API, services: Services, duplicates: Duplicates, appid: str
) -> None:
    first, second = await with_two_accounts(api, services, appid)
    for one, other in ((first, second), (second, first)):
        (found_one,) = (await duplicates.of(one)).duplicates
        assert found_one.other.user_id == other.user_id
        assert (found_one.grounds, found_one.settled_by) == (("unionid",), None)


async def test_a_settled_pair_stays_settled_when_they_sign_in_again(
    api: API, services: Services, duplicates: Duplicates, appid: str
) -> None:
    first, second = await with_two_accounts(api, services, appid)
    await duplicates.settle(first, second.user_id, by="lin")
    await visit(api, "/oauth/token", "mei", OTHER_APPID)
    for one in (first, second):
        (pair,) = (await duplicates.of(one)).duplicates
        assert pair.settled_by == "lin"
    await duplicates.settle(second, first.user_id, by=None)
    (pair,) = (await duplicates.of(first)).duplicates
    assert pair.settled_by is None


async def test_two_accounts_with_one_phone_number_are_a_pair_until_settled(
    api: API, services: Services, database: Database, duplicates: Duplicates, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    bo = await registered(api, services, "bo", appid)
    number = {"number": "+8613800138000", "country_code": "86", "pure_number": "13800138000"}
    phone = {**number, "appid": appid, "bound_at": mei.created_at, "code_digest": b"x"}
    database.users.update_many({}, {"$set": {"phone": phone}})
    (pair,) = (await duplicates.of(await found(services, mei.user_id))).duplicates
    assert (pair.other.user_id, pair.grounds, pair.conflict) == (bo.user_id, ("phone",), None)
    await duplicates.settle(mei, bo.user_id, by="lin")
    (pair,) = (await duplicates.of(await found(services, bo.user_id))).duplicates
    assert pair.settled_by == "lin"


async def moved(api: API, services: Services, database: Database, appid: str) -> User:
    """Mei's app has moved to another Open Platform account, and she signs in."""
    mei = await registered(api, services, "mei", appid)
    database.users.update_one({}, {"$set": {"unionid": "of-the-former-account"}})
    await visit(api, "/oauth/token", "mei", appid)
    return await found(services, mei.user_id)


async def test_a_new_unionid_is_taken_once_and_then_no_doubt_is_left(
    api: API, services: Services, database: Database, care: Care, duplicates: Duplicates, appid: str
) -> None:
    mei = await moved(api, services, database, appid)
    (told,) = (await duplicates.of(mei)).new_unionids
    assert told.unionid == api.stand_in.people.unionid("mei")
    await care.take_unionid(mei, told.unionid)
    await duplicates.forget(told)
    await visit(api, "/oauth/token", "mei", appid)
    mei = await found(services, mei.user_id)
    assert mei.unionid == api.stand_in.people.unionid("mei")
    assert (await duplicates.of(mei)).new_unionids == ()


async def test_a_unionid_that_another_account_has_by_now_is_not_taken(
    api: API, services: Services, database: Database, care: Care, duplicates: Duplicates, appid: str
) -> None:
    mei = await moved(api, services, database, appid)
    bo = await registered(api, services, "bo", appid)
    (told,) = (await duplicates.of(mei)).new_unionids
    database.users.update_one({"unionid": bo.unionid}, {"$set": {"unionid": told.unionid}})
    with pytest.raises(UnionidInUse):
        await care.take_unionid(mei, told.unionid or "")
    assert (await found(services, mei.user_id)).unionid == "of-the-former-account"


async def test_a_settled_unionid_is_not_noted_again_but_another_one_is(
    api: API, services: Services, database: Database, duplicates: Duplicates, appid: str
) -> None:
    mei = await moved(api, services, database, appid)
    (told,) = (await duplicates.of(mei)).new_unionids
    assert await duplicates.find_new_unionid(mei, told.conflict_id) == told
    await duplicates.settle_unionid(mei, told, by="lin")
    await visit(api, "/oauth/token", "mei", appid)
    assert (await duplicates.of(mei)).new_unionids == ()
    await services.store.conflicts.note(mei.user_id, None, unionid="a-third-one", at=mei.last_seen_at)
    assert [each.unionid for each in (await duplicates.of(mei)).new_unionids] == ["a-third-one"]


# The line of time


class Made:
    """Things that happened at one moment, so that only their keys tell them apart."""

    def __init__(self, at: datetime, count: int) -> None:
        self.all = [Happening(at, "act", f"{number:02d}") for number in range(count)]

    async def until(self, user_id: str, moment: datetime, *, limit: int) -> list[Happening]:
        return [each for each in reversed(self.all) if each.at <= moment][:limit]


async def test_the_line_is_told_page_by_page_with_nothing_twice_and_nothing_left_out(
    api: API, services: Services, clock: Clock, appid: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    for _ in range(7):
        clock.advance(minutes=1)
        await visit(api, "/oauth/token", "mei", appid)
    mei = await found(services, mei.user_id)
    history = History(SignIns(services.store.sessions), Made(mei.created_at, 8))
    told: list[Happening] = []
    place = None
    while True:
        page = await history.page(mei.user_id, mei, before=place, size=3)
        told += page.happenings
        place = page.older
        if place is None:
            break
    # A new sign-in does not move the pages.
    assert [each.kind for each in told] == ["sign_in"] * 7 + ["registered"] + ["act"] * 8
    assert len({each.place for each in told}) == 16
    assert [each.at for each in told] == sorted((each.at for each in told), reverse=True)


@pytest.mark.parametrize(
    "place", ["", "x", "-1.act.1", "99999999999999.act.zz", "1.act", "1.a.b\n", "١.act.b"]
)
async def test_a_place_that_is_none_of_ours_is_no_error(
    api: API, services: Services, appid: str, place: str
) -> None:
    mei = await registered(api, services, "mei", appid)
    page = await History().page(mei.user_id, mei, before=place)
    assert [each.kind for each in page.happenings] == ["registered"]
