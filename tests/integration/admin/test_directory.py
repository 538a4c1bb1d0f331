"""The list of users below its page: what keeps people findable, who matches, every order, every page."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from passport.directory.addresses import ORDERS, Address, read_address
from passport.directory.filling import BATCH, SearchFilling
from passport.directory.filters import UserFilter
from passport.directory.people import PAGE_SIZE, Total, View
from passport.models import Consent, Identity
from passport.services import Services
from passport.store.search import search_fields, shown_nickname
from passport.users import Visit
from passport.views.handles import handle_of
from passport.wechat.client import WeChatSession
from tests.client import API, bearer
from tests.conftest import APPID, Clock
from tests.integration.admin.people import BEGAN, Database, id_of, person

OTHER_APPID = "wx00000000000000ff"


async def found(services: Services, **query: str) -> list[str]:
    """The ids of those who match, in the usual order."""
    directory = services.admin.directory
    asked, faults = directory.filter_from_query(query)
    assert faults == {}
    page = await directory.page((await directory.find(asked)).asked, View(descending=False))
    return [each.user_id for each in page.people]


def is_in_step(document: dict[str, Any]) -> bool:
    """Whether the user is found by what they are called now."""
    fields = search_fields(str(document["_id"]), shown_nickname(document))
    return {name: document.get(name) for name in fields} == fields


# What keeps people findable


async def test_whoever_changes_a_name_changes_what_it_is_found_by(
    api: API, services: Services, database: Database
) -> None:
    async def in_step(nickname: object) -> None:
        [document] = database.users.find()
        assert shown_nickname(document) == nickname
        assert is_in_step(document), document

    tokens = await api.sign_in("mei")
    headers, user_id = bearer(tokens["access_token"]), tokens["account_id"]
    await in_step("小美🌸")
    sign_in = api.wx_login("mei", profile={"nickName": "Mei Li"})
    assert (await api.token(sign_in)).status == 200
    await in_step("Mei Li")
    assert (await api.token(api.wx_login("mei", profile={"nickName": "微信用户"}))).status == 200
    await in_step("Mei Li")
    await api.put("/accounts/me", json={"nickname": "美美"}, headers=headers)
    await in_step("美美")
    assert (await api.token(api.wx_login("mei", profile={"nickName": "Other"}))).status == 200
    await in_step("美美")
    await api.put("/accounts/me", json={"nickname": None}, headers=headers)
    await in_step(None)
    assert (await api.token(api.wx_login("mei", profile={"nickName": "Back"}))).status == 200
    await in_step(None)
    await api.put("/accounts/me", json={"nickname": "美"}, headers=headers)
    await services.store.erasure.erase(user_id, ["nickname"])
    await in_step(None)
    assert await found(services, q=handle_of(user_id, "zh")) == [user_id]


SESSION = WeChatSession("o", None, "")


async def test_of_a_name_entered_while_signing_in_the_entered_one_wins(
    services: Services, database: Database, clock: Clock
) -> None:
    users, at = services.store.users, clock()
    for number in range(20):
        user = await users.insert(
            Identity(APPID, f"o{number}"), unionid=None, profile={}, consent=Consent("1", at), at=at
        )
        assert user
        await asyncio.gather(
            services.users.record_sign_ins([Visit(user, APPID, SESSION, {"nickname": "Theirs"})]),
            users.enter(user.user_id, {"nickname": "Mine"}, consent=None),
        )
    for document in database.users.find():
        assert shown_nickname(document) == "Mine"
        assert is_in_step(document)


async def test_users_of_an_older_version_become_findable(
    services: Services, database: Database, clock: Clock
) -> None:
    await services.background.close()
    # Whatever the closed one still began is over by then.
    clock.advance(minutes=1)
    older = [person(number, "小明") for number in range(BATCH + 1)]
    for each in older:
        del each["search"], each["search_text"]
    database.users.insert_many(older)
    assert await found(services, q="小明") == []
    one, two = (SearchFilling(store=services.store.search_filling, now=clock) for _ in range(2))
    await one.when_due()
    assert database.users.count_documents({"search": {"$exists": True}}) == BATCH
    await two.when_due()
    assert database.users.count_documents({"search": {"$exists": True}}) == BATCH
    # The first one died; the other goes on where it was.
    clock.advance(seconds=31)
    await two.when_due()
    assert all(is_in_step(each) for each in database.users.find())


async def test_a_name_given_while_the_old_ones_are_filled_in_stays(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.background.close()
    older = person(1, "小明")
    del older["search"], older["search_text"]
    database.users.insert_one(older)
    bulk_write = type(services.store.search_filling._collection).bulk_write

    async def late(collection: Any, writes: Any, **options: Any) -> Any:
        await services.store.users.enter(id_of(1), {"nickname": "New"}, consent=None)
        return await bulk_write(collection, writes, **options)

    monkeypatch.setattr(type(services.store.search_filling._collection), "bulk_write", late)
    await services.store.search_filling.fill(10)
    [document] = database.users.find()
    assert (shown_nickname(document), is_in_step(document)) == ("New", True)


# Who matches


@pytest.fixture
def people(database: Database) -> Database:
    """A few who differ in all that can be asked for."""
    ended, holds = BEGAN, BEGAN + timedelta(days=3650)
    ban = {"reason": "spam", "by": "lin", "at": BEGAN, "shown": False}
    database.users.insert_many(
        [
            person(1, "小明", unionid="oc00000000000000000000000001"),
            person(2, "王小明", phone={"number": "+8613800138000"}, tags=["vip", "beta"]),
            person(3, "Mei Li", status="banned", ban={**ban, "until": None}),
            person(4, "mei", status="banned", ban={**ban, "until": ended}),
            person(5, status="banned", ban={**ban, "until": holds}),
            person(
                6, identities=[{"appid": OTHER_APPID, "openid": "oOTHER0000000000000000000006"}], sign_ins=9
            ),
            person(7, "$where: {$ne: 1} .* [a]"),
        ]
    )
    return database


WHO_MATCHES: list[tuple[dict[str, str], set[int]]] = [
    ({}, {1, 2, 3, 4, 5, 6, 7}),
    ({"q": "小"}, {1, 2}),
    ({"q": "明"}, {1, 2}),
    ({"q": "小明"}, {1, 2}),
    ({"q": "王小明"}, {2}),
    ({"q": "明小"}, set()),
    ({"q": "MEI"}, {3, 4}),
    ({"q": "ei l"}, {3}),
    ({"q": "m"}, {3, 4}),
    ({"q": "e"}, set()),
    ({"q": "ｌｉ"}, {3}),
    ({"q": "$where"}, {7}),
    ({"q": ".*"}, {7}),
    ({"q": "{$ne: 1}"}, {7}),
    ({"q": "[a]"}, {7}),
    ({"q": "^小"}, set()),
    ({"q": handle_of(id_of(5), "en")}, {5}),
    ({"q": handle_of(id_of(6), "zh")}, {6}),
    ({"q": "o000000000000000000000000001"}, {1}),
    ({"q": "oOTHER0000000000000000000006"}, {6}),
    ({"q": "oc00000000000000000000000001"}, {1}),
    ({"q": id_of(4)}, {4}),
    ({"q": id_of(99)}, set()),
    ({"q": "138 0013 8000"}, {2}),
    ({"q": "+86-138-0013-8000"}, {2}),
    ({"q": '"138 0013 8000"'}, set()),
    ({"q": "0123456789abcdef"}, set()),
    ({"status": "active"}, {1, 2, 6, 7}),
    ({"status": "banned"}, {3, 5}),
    ({"status": "ban_ended"}, {4}),
    ({"app": OTHER_APPID}, {6}),
    ({"phone": "yes"}, {2}),
    ({"phone": "no"}, {1, 3, 4, 5, 6, 7}),
    ({"unionid": "yes"}, {1}),
    ({"unionid": "no"}, {2, 3, 4, 5, 6, 7}),
    ({"tag": "vip"}, {2}),
    ({"tag": "vi"}, set()),
    ({"registered_from": "2026-11-02"}, set()),
    ({"registered_to": "2026-11-01"}, {1, 2, 3, 4, 5, 6, 7}),
    ({"seen_from": "2026-11-01", "seen_to": "2026-11-01"}, {1, 2, 3, 4, 5, 6, 7}),
    ({"q": "mei", "status": "ban_ended"}, {4}),
    ({"q": "小", "tag": "beta", "phone": "yes"}, {2}),
    ({"q": "mei", "app": OTHER_APPID}, set()),
]


async def test_who_matches(services: Services, people: Database) -> None:
    """One test, since a server for each of them would take longer than all of the questions."""
    wrong = {
        str(query): got
        for query, numbers in WHO_MATCHES
        if (got := await found(services, **query)) != [id_of(number) for number in sorted(numbers)]
    }
    assert wrong == {}


async def test_the_id_of_a_session_finds_its_user(api: API, services: Services, database: Database) -> None:
    tokens = await api.sign_in("mei")
    [session] = database.sessions.find()
    assert await found(services, q=str(session["_id"])) == [tokens["account_id"]]


# Every order, every page


async def walked(services: Services, asked: UserFilter, order: str) -> list[str]:
    """Everybody, page by page to the end, each page read again from the one after it."""
    directory, address = services.admin.directory, read_address({"order": order}, asked)
    seen: list[str] = []
    page = await directory.page(asked, address.view)
    while True:
        ids = [each.user_id for each in page.people]
        seen += ids
        if not page.has_next:
            break
        # By way of its text, as a browser has it.
        following = read_address(address.at(after=page.people[-1]).to_query(), asked)
        page = await directory.page(asked, following.view)
        back = read_address(following.at(before=page.people[0]).to_query(), asked)
        before = await directory.page(asked, back.view)
        assert [each.user_id for each in before.people] == ids
        assert before.has_next
    last = await directory.page(asked, address.at(last=True).view)
    assert [each.user_id for each in last.people] == seen[-PAGE_SIZE:]
    assert not last.has_next
    return seen


@pytest.mark.parametrize("order", ORDERS)
async def test_pages_show_everybody_once_in_order_with_ties(
    services: Services, database: Database, order: str
) -> None:
    randomly = random.Random(1)
    both = [
        [{"appid": each, "openid": f"o{number:027d}"} for each in (APPID, OTHER_APPID)]
        for number in range(2 * PAGE_SIZE + 7)
    ]
    database.users.insert_many(
        [
            person(
                number,
                identities=both[number],
                created_at=BEGAN + timedelta(seconds=number // 40),
                last_seen_at=BEGAN + timedelta(hours=randomly.randrange(3)),
                sign_ins=randomly.randrange(3),
            )
            for number in range(2 * PAGE_SIZE + 7)
        ]
    )
    documents = list(database.users.find())
    keys = {"registered": ["created_at"], "seen": ["last_seen_at"], "sign_ins": ["sign_ins", "created_at"]}
    sort, _, way = order.partition("-")
    documents.sort(key=lambda each: [each[name] for name in (*keys[sort], "_id")], reverse=way == "desc")
    assert await walked(services, UserFilter(), order) == [str(each["_id"]) for each in documents]
    for asked in (UserFilter(registered_from=BEGAN.date()), UserFilter(appid=OTHER_APPID)):
        assert await walked(services, asked, order) == [str(each["_id"]) for each in documents]


async def test_a_page_stays_where_it_was_when_somebody_registers(
    services: Services, database: Database
) -> None:
    database.users.insert_many([person(number) for number in range(PAGE_SIZE + 5)])
    directory, first = services.admin.directory, Address(UserFilter(), View())
    page = await directory.page(first.asked, first.view)
    database.users.insert_one(person(1000))
    following = await directory.page(first.asked, first.at(after=page.people[-1]).view)
    assert [each.user_id for each in following.people] == [id_of(number) for number in (4, 3, 2, 1, 0)]


async def test_totals_are_exact_as_far_as_they_are_counted(
    services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport.directory.listing.MOST_COUNTED", 10)
    database.users.insert_many([person(number, "小明") for number in range(10)])
    directory, named = services.admin.directory, UserFilter(text="小明")
    assert await directory.total(named) == Total(10)
    database.users.insert_one(person(10, "小明"))
    assert await directory.total(named) == Total(10, more=True)
    assert await directory.total(UserFilter()) == Total(11)
    # Whoever is told apart by a document is counted less far.
    monkeypatch.setattr("passport.directory.listing.MOST_READ", 5)
    database.users.insert_many([person(number, "王小明") for number in range(20, 25)])
    assert await directory.total(UserFilter(text="王小明")) == Total(5)
    assert await directory.total(UserFilter(has_unionid=False)) == Total(5, more=True)


async def test_an_address_says_the_whole_view() -> None:
    asked, _ = UserFilter.from_query({"q": "a1", "status": "banned"})
    query = {"q": "a1", "status": "banned", "order": "registered-asc", "columns": "apps.tags", "last": "yes"}
    assert read_address(query, asked).to_query() == query
    # A name has one order, and what cannot be read is left out.
    odd = {"order": "seen-asc", "after": "1.2.3", "before": "9" * 40, "columns": "tags.nothing"}
    assert read_address(odd, asked).to_query() == {
        "q": "a1",
        "status": "banned",
        "columns": "tags",
        "order": "registered-asc",
    }
