"""One push, one effect, one receipt: repeated by WeChat, replayed by somebody, encrypted anew, many at once."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from passport.records import PushReceipt
from passport.services import Services
from sandbox import StandIn
from sandbox.pushes import Push
from tests.client import API
from tests.conftest import APPID, Clock
from tests.integration.pushes import (
    ENTERED,
    PROFILE,
    Database,
    a_phone,
    deliver,
    delivered,
    document,
    expecting_pushes,
    person_with_everything,
    without,
)

HANDLED = ("user_info_modified", "user_authorization_revoke", "user_authorization_cancellation")


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Encrypted; plain pushes are believed, too."""
    return expecting_pushes(stand_in, accept_plain=True)


async def the_same_again(api: API, push: Push, created: int) -> list[Push]:
    """What comes after the push: its bytes again, WeChat's repeat, and the message encrypted or written anew."""
    people = api.stand_in.people
    variants: list[dict[str, Any]] = [
        {"mode": mode, "form": form}
        for mode in ("encrypted", "compatible", "plain")
        for form in ("JSON", "XML")
    ]
    return [push] + [people.push("mei", revoke_info=6, created=created, **each) for each in variants]


async def test_a_push_that_comes_again_erases_nothing_that_was_entered_since(
    api: API, database: Database, clock: Clock
) -> None:
    mei = await person_with_everything(api, database, "mei")
    created = int(clock.timestamp())
    push = api.stand_in.people.push("mei", revoke_info=6, created=created)
    await delivered(api, push)
    found_by = {name: mei[name] for name in ("search", "search_text")}
    again = {"entered": ENTERED, "profile": PROFILE, **found_by}
    database.users.update_one({"_id": mei["_id"]}, {"$set": again})
    clock.advance(seconds=5)
    for repeated in await the_same_again(api, push, created):
        await delivered(api, repeated)
    assert document(database, mei["_id"]) == without(mei, "avatar")
    assert database.push_receipts.count_documents({}) == 1


async def test_a_later_push_of_the_same_kind_is_a_new_one(api: API, database: Database, clock: Clock) -> None:
    mei = await person_with_everything(api, database, "mei")
    await delivered(api, api.stand_in.people.push("mei", revoke_info=8))
    database.users.update_one({"_id": mei["_id"]}, {"$set": {"phone": a_phone("+8613900000001")}})
    clock.advance(seconds=2)
    await delivered(api, api.stand_in.people.push("mei", revoke_info=8))
    assert document(database, mei["_id"]) == without(mei, "phone")
    assert database.push_receipts.count_documents({}) == 2


async def test_two_kinds_in_one_second_are_two_pushes(api: API, database: Database, clock: Clock) -> None:
    mei = await person_with_everything(api, database, "mei")
    created = int(clock.timestamp())
    for kind in (8, 19):
        await delivered(api, api.stand_in.people.push("mei", revoke_info=kind, created=created))
    assert document(database, mei["_id"]) == without(mei, "phone", "profile.nickname", "entered.nickname")


@pytest.mark.parametrize("event", HANDLED)
async def test_many_of_one_push_at_once_have_one_effect_and_one_receipt(
    api: API, database: Database, log_records: list[logging.LogRecord], event: str
) -> None:
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", event, revoke_info=6)
    await asyncio.gather(*(delivered(api, push) for _ in range(24)))
    (receipt,) = database.push_receipts.find()
    closing = event == "user_authorization_cancellation"
    assert receipt["outcome"] == ("closed" if closing else "erased")
    assert receipt["account_id"] == str(mei["_id"])
    erased = [record for record in log_records if getattr(record, "outcome", None) == "erased"]
    assert len(erased) == (0 if closing else 1)


async def test_the_receipt_of_who_did_it_wins(services: Services, clock: Clock, database: Database) -> None:
    def receipt(outcome: str, account_id: str | None) -> PushReceipt:
        return PushReceipt(
            digest=b"d", appid=APPID, event="e", kinds=(), account_id=account_id, at=clock(), outcome=outcome
        )

    late = receipt("no_account", None)
    for first, second in (("late", "closed"), ("closed", "late")):
        for each in (first, second):
            if each == "late":
                await services.store.push_receipts.keep(late, decisive=False)
            else:
                await services.store.push_receipts.keep(receipt("closed", "a"), decisive=True)
        (kept,) = database.push_receipts.find()
        assert kept["outcome"] == "closed"
        database.push_receipts.delete_many({})


@pytest.mark.parametrize("event", HANDLED)
async def test_a_receipt_holds_no_personal_data(api: API, database: Database, event: str) -> None:
    mei = await person_with_everything(api, database, "mei")
    await delivered(api, api.stand_in.people.push("mei", event, revoke_info="6,8"))
    (receipt,) = database.push_receipts.find()
    assert receipt.keys() == {"_id", "appid", "event", "kinds", "account_id", "at", "outcome"}
    assert (receipt["appid"], receipt["event"], receipt["kinds"]) == (APPID, event, [6, 8])
    assert receipt["account_id"] == str(mei["_id"])
    assert len(receipt["_id"]) == 32
    openid = mei["identities"][0]["openid"]
    for personal in (openid, mei["unionid"], mei["phone"]["number"], *PROFILE.values(), "美美"):
        assert str(personal) not in str(receipt)


async def test_receipts_are_kept_for_190_days(api: API, database: Database) -> None:
    await delivered(api, api.stand_in.people.push("mei", revoke_info=6))
    index = database.push_receipts.index_information()["push_receipts_ttl"]
    assert index["key"] == [("at", 1)]
    assert timedelta(seconds=index["expireAfterSeconds"]) == timedelta(days=190)


async def test_the_signature_of_a_plain_push_is_good_for_no_other_body(api: API, database: Database) -> None:
    """It covers time and nonce alone, and stands in the access log of every proxy on the way."""
    people = api.stand_in.people
    mei, bo = [await person_with_everything(api, database, each) for each in ("mei", "bo")]
    seen = people.push("mei", revoke_info=8, mode="plain")
    await delivered(api, seen)
    for other in (
        people.push("mei", "user_authorization_cancellation", mode="plain"),
        people.push("bo", revoke_info=8, mode="plain"),
    ):
        reply = await deliver(api, seen, body=other.body)
        assert (reply.status, reply.error) == (403, "push_refused")
    await delivered(api, seen)
    assert document(database, mei["_id"]) == without(mei, "phone")
    assert document(database, bo["_id"]) == bo


async def test_the_signature_of_the_consoles_check_is_good_for_no_push(api: API, database: Database) -> None:
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", "user_authorization_cancellation", mode="plain")
    async with aiohttp.request(
        "GET", f"{api.base_url}/wechat/events/{APPID}", params={**push.query, "echostr": "123"}
    ) as response:
        assert (response.status, await response.text()) == (200, "123")
    assert (await deliver(api, push)).error == "push_refused"
    assert document(database, mei["_id"]) == mei
