"""Every filter in every order is answered by an index, and what is told apart by one document reads few (R-027)."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.people import APPIDS, TAGS, fill
from passport.directory.addresses import ORDERS, read_address
from passport.directory.people import PAGE_SIZE
from passport.services import Services
from tests.integration.admin.people import Database
from tests.security.profiler import asked, profiling

USERS = 3_000
# What may be read for a page of each, the page itself and whoever shares an entry with it included.
FEW, PAGES, MANY = 4, 400, USERS
FILTERS: dict[str, tuple[dict[str, str], int]] = {
    "everybody": ({}, PAGES),
    "active": ({"status": "active"}, PAGES),
    "banned": ({"status": "banned"}, PAGES),
    "ban ended": ({"status": "ban_ended"}, PAGES),
    "an app of most": ({"app": APPIDS[0]}, PAGES),
    "an app of few": ({"app": APPIDS[3]}, PAGES),
    "registered in a month": ({"registered_from": "2026-01-01", "registered_to": "2026-01-31"}, MANY),
    "seen in a week": ({"seen_from": "2026-11-10", "seen_to": "2026-11-16"}, MANY),
    "a phone": ({"phone": "yes"}, PAGES),
    "no phone": ({"phone": "no"}, PAGES),
    "a unionid": ({"unionid": "yes"}, PAGES),
    "no unionid": ({"unionid": "no"}, MANY),
    "a tag": ({"tag": TAGS[0]}, PAGES),
    "a character": ({"q": "小"}, PAGES),
    "two characters": ({"q": "小明"}, PAGES),
    "letters": ({"q": "mar"}, PAGES),
    "a word of a handle": ({"q": "heron"}, PAGES),
    "nobody's name": ({"q": "zzzz"}, FEW),
    "two filters": ({"status": "banned", "app": APPIDS[0]}, PAGES),
    "a name and a filter": ({"q": "小", "status": "active"}, PAGES),
}


# Whom a page shows, one more to know whether there is another page, and as many again: where few are meant at all,
# mongod may as well read them.
SHOWN = 2 * (PAGE_SIZE + 1)
# Whoever is not meant is left out by their key, in every order, and in the count.
BY_KEYS: dict[str, dict[str, str]] = {
    "an app": {"app": APPIDS[1]},
    "a tag": {"tag": TAGS[0]},
    "banned": {"status": "banned"},
    "ban ended": {"status": "ban_ended"},
    "banned, an app": {"status": "banned", "app": APPIDS[0]},
    "registered in a year": {"registered_from": "2025-01-01", "registered_to": "2025-12-31"},
}


@pytest.fixture
def crowd(services: Services, database: Database) -> Database:
    """Made-up users."""
    fill(database, users=USERS, sessions=0)
    return database


def exact(crowd: Database) -> dict[str, dict[str, str]]:
    """Questions about one user."""
    one = crowd.users.find_one({"phone": {"$exists": True}, "unionid": {"$exists": True}})
    assert one
    return {
        "openid": {"q": one["identities"][0]["openid"].ljust(28, "0")},
        "unionid": {"q": one["unionid"].ljust(28, "0")},
        "account id": {"q": str(one["_id"])},
        "phone": {"q": one["phone"]["number"]},
    }


async def looks(
    services: Services, crowd: Database, query: dict[str, str], order: str
) -> list[dict[str, Any]]:
    """What mongod did for the first page, the last one, those beside somebody, and the count."""
    directory = services.admin.directory
    wanted, faults = directory.filter_from_query(query)
    assert faults == {}
    address = read_address({"order": order}, wanted)
    # Which plan was best for another day says nothing here.
    crowd.command("planCacheClear", "users")
    with profiling(crowd) as profiled:
        for each in (address, address.at(last=True)):
            page = await directory.page(wanted, each.view)
        if page.people:
            await directory.page(wanted, address.at(before=page.people[0]).view)
            await directory.page(wanted, address.at(after=page.people[0]).view)
        await directory.total(wanted)
        found = of_the_list(profiled)
    crowd.drop_collection("system.profile")
    return found


async def reads(services: Services, crowd: Database, query: dict[str, str], order: str) -> tuple[bool, int]:
    """Whether the first page, the last one, or the count walked the collection, and how many documents a page read."""
    found = await looks(services, crowd, query, order)
    walks = [each for each in found if "COLLSCAN" in each.get("planSummary", "")]
    return bool(walks), max(each["docsExamined"] for each in found if is_a_page(each))


def is_a_page(entry: dict[str, Any]) -> bool:
    """Whether it is one, or else a count."""
    return "sort" in entry["command"]


def of_the_list(profiled: Database) -> list[dict[str, Any]]:
    """What was asked of users by the server; a count of everybody reads nothing and has no plan."""
    ours = [each for each in asked(profiled) if each.get("appName") == "wxpassport"]
    return [each for each in ours if each["ns"].endswith(".users") and "docsExamined" in each]


@pytest.mark.gen_test(timeout=200)
async def test_every_filter_in_every_order_is_answered_by_an_index(
    services: Services, crowd: Database
) -> None:
    await services.background.close()
    await services.admin.directory.appids()
    wrong = {}
    for name, (query, most) in FILTERS.items():
        for order in ORDERS:
            if "q" in query and not order.startswith("registered"):
                continue
            walked, read = await reads(services, crowd, query, order)
            if walked or read > most:
                wrong[f"{name}, {order}"] = (walked, read)
    for name, query in exact(crowd).items():
        walked, read = await reads(services, crowd, query, "seen-desc")
        if walked or read > FEW:
            wrong[name] = (walked, read)
    assert wrong == {}


@pytest.mark.gen_test(timeout=200)
async def test_no_document_is_read_to_see_that_somebody_is_not_meant(
    services: Services, crowd: Database
) -> None:
    await services.background.close()
    await services.admin.directory.appids()
    crowd.users.update_many({"unionid": {"$exists": False}}, {"$set": {"tags": [TAGS[0]]}})
    banned = {"status": "banned", "ban": {"until": None}}
    crowd.users.update_many({"phone": {"$exists": True}}, {"$set": banned})
    wrong = {}
    for name, query in BY_KEYS.items():
        for order in ORDERS:
            for each in await looks(services, crowd, query, order):
                most = SHOWN if is_a_page(each) else 0
                if each["docsExamined"] > most:
                    wrong[f"{name}, {order}"] = (each["docsExamined"], each["planSummary"])
    assert wrong == {}


@pytest.mark.parametrize(
    ("index", "query", "most"),
    [
        ("users_created_at", {}, PAGES),
        ("users_search", {"q": "小明"}, PAGES),
        ("users_phone", {"q": "+8613812345678"}, FEW),
    ],
)
async def test_a_missing_index_would_be_seen(
    services: Services, crowd: Database, index: str, query: dict[str, str], most: int
) -> None:
    await services.background.close()
    crowd.users.drop_index(index)
    try:
        walked, read = await reads(services, crowd, query, ORDERS[0])
    finally:
        await services.store.make_indexes()
    assert walked or read > most
