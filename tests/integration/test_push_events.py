"""Every event of WeChat's, in every mode and form: what it names is erased or closed, and nothing else is touched."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from bson import ObjectId

from passport.models import Avatar
from passport.services import Services
from sandbox import StandIn, pushes
from sandbox.pushes import FORMS, MODES, Form, Mode, Push
from tests.client import API
from tests.conftest import APPID
from tests.integration.pushes import (
    Database,
    deliver,
    delivered,
    document,
    expecting_pushes,
    person_with_everything,
    without,
)

NICKNAME = ("profile.nickname", "entered.nickname")
AVATAR = ("profile.avatar_url", "entered.avatar_url", "avatar")
EVERY_KIND = (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 18, 19, 20, 201, 301)
OURS = {6: NICKNAME + AVATAR, 8: ("phone",), 19: NICKNAME, 20: AVATAR}

in_every_mode = pytest.mark.parametrize("mode", MODES)
in_every_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def configuration(stand_in: StandIn) -> dict[str, Any]:
    """Encrypted, and for the tests of the plain mode plain as well."""
    return expecting_pushes(stand_in, accept_plain=True)


@in_every_mode
@in_every_form
async def test_a_revocation_erases_the_named_kinds_and_nothing_else(
    api: API, database: Database, mode: Mode, form: Form
) -> None:
    mei = await person_with_everything(api, database, "mei")
    bo = await person_with_everything(api, database, "bo")
    await delivered(api, api.stand_in.people.push("mei", revoke_info="8,19", mode=mode, form=form))
    assert document(database, mei["_id"]) == without(mei, "phone", *NICKNAME)
    assert document(database, bo["_id"]) == bo
    assert database.avatars.count_documents({}) == 2


@in_every_mode
@in_every_form
async def test_a_cleaned_user_loses_nickname_and_avatar(
    api: API, database: Database, mode: Mode, form: Form
) -> None:
    mei = await person_with_everything(api, database, "mei")
    bo = await person_with_everything(api, database, "bo")
    await delivered(api, api.stand_in.people.push("mei", "user_info_modified", mode=mode, form=form))
    assert document(database, mei["_id"]) == without(mei, *NICKNAME, *AVATAR)
    assert document(database, bo["_id"]) == bo
    assert [image["user_id"] for image in database.avatars.find()] == [bo["_id"]]


@in_every_mode
@in_every_form
async def test_a_closed_wechat_account_closes_the_account(
    api: API, database: Database, mode: Mode, form: Form
) -> None:
    token = await api.signed_in("mei")
    bo = await person_with_everything(api, database, "bo")
    await delivered(
        api, api.stand_in.people.push("mei", "user_authorization_cancellation", mode=mode, form=form)
    )
    assert list(database.users.find()) == [bo]
    me = await api.get("/accounts/me", headers={"Authorization": f"Bearer {token}"})
    assert (me.status, me.error) == (401, "invalid_token")
    assert (await api.token(api.wx_login("mei"))).error == "unregistered"


@pytest.mark.parametrize("kind", EVERY_KIND)
async def test_each_kind_erases_exactly_its_own(api: API, database: Database, kind: int) -> None:
    mei = await person_with_everything(api, database, "mei")
    await delivered(api, api.stand_in.people.push("mei", revoke_info=kind, form="JSON"))
    assert document(database, mei["_id"]) == without(mei, *OURS.get(kind, ()))
    assert database.avatars.count_documents({}) == (0 if kind in (6, 20) else 1)


async def test_erasing_what_is_not_held_changes_nothing(api: API, database: Database) -> None:
    await api.registered("bo")
    before = list(database.users.find())
    await delivered(api, api.stand_in.people.push("bo", revoke_info="6,8,19,20"))
    assert list(database.users.find()) == before
    (receipt,) = database.push_receipts.find()
    assert receipt["outcome"] == "unchanged"


@pytest.mark.parametrize("event", ["debug_demo", "weapp_audit_success", "subscribe_msg_popup_event"])
@in_every_form
async def test_an_event_we_do_not_know_is_acknowledged_and_ignored(
    api: API, database: Database, event: str, form: Form
) -> None:
    mei = await person_with_everything(api, database, "mei")
    await delivered(api, api.stand_in.people.push("mei", event, revoke_info=6, form=form))
    assert document(database, mei["_id"]) == mei
    assert database.push_receipts.count_documents({}) == 0


@pytest.mark.parametrize(
    "event", ["user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"]
)
async def test_an_event_about_somebody_without_an_account_is_acknowledged(
    api: API, database: Database, event: str
) -> None:
    mei = await person_with_everything(api, database, "mei")
    await delivered(api, api.stand_in.people.push("stranger", event, revoke_info=6))
    assert list(database.users.find()) == [mei]
    (receipt,) = database.push_receipts.find()
    assert (receipt["outcome"], receipt["account_id"]) == ("no_account", None)


@pytest.mark.parametrize(
    "content_type", ["text/xml", "application/json", "application/json; charset=utf-8", ""]
)
async def test_the_body_tells_its_form_whatever_the_header_says(
    api: API, database: Database, content_type: str
) -> None:
    mei = await person_with_everything(api, database, "mei")
    push = api.stand_in.people.push("mei", revoke_info=8, form="XML")
    assert (await deliver(api, push, headers={"Content-Type": content_type})).status == 200
    assert document(database, mei["_id"]) == without(mei, "phone")


async def test_the_console_gets_its_echo_plain_and_encrypted(api: API) -> None:
    agreed, now = api.stand_in.people.push_secrets, int(api.stand_in.people.now())
    plain = pushes.wrap(b"", agreed, appid=APPID, mode="plain", form="XML", at=now).query
    assert await echo(api, plain | {"echostr": "4375120948345356249"}) == "4375120948345356249"
    encrypted = pushes.encrypt(b"5927782489442352469", agreed, APPID)
    signature = pushes.sign(agreed.token, plain["timestamp"], plain["nonce"], encrypted)
    assert (
        await echo(api, plain | {"msg_signature": signature, "echostr": encrypted}) == "5927782489442352469"
    )


async def echo(api: API, query: dict[str, str]) -> str:
    """The answer to the check of the address."""
    async with aiohttp.request("GET", f"{api.base_url}/wechat/events/{APPID}", params=query) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        return await response.text()


async def test_the_stand_in_sends_a_push_that_a_person_asks_for(api: API, database: Database) -> None:
    mei = await person_with_everything(api, database, "mei")
    asked = {"user": "mei", "revoke_info": 8, "url": f"{api.base_url}/wechat/events/{APPID}", "form": "XML"}
    control = f"{api.stand_in.base_url}/sandbox/push"
    async with aiohttp.request("POST", control, json=asked) as response:
        assert await response.json() == {"status": 200, "body": "success"}
    assert document(database, mei["_id"]) == without(mei, "phone")
    for url in ("http://192.0.2.1/", "http://localhost/", "file:///etc/hostname"):
        async with aiohttp.request("POST", control, json=asked | {"url": url}) as response:
            assert response.status == 400
            assert "loopback" in (await response.json())["error_description"]


def test_the_samples_have_the_keys_of_the_documentation(stand_in: StandIn) -> None:
    push: Push = stand_in.people.push("mei", revoke_info="6", mode="plain", form="JSON")
    assert all(key in push.body for key in (b'" OpenID":', b'" AppID":', b'" RevokeInfo":'))


async def test_what_the_user_removed_stays_removed_after_a_revocation(api: API, database: Database) -> None:
    mei = await person_with_everything(api, database, "mei")
    database.users.update_one(
        {"_id": mei["_id"]}, {"$set": {"entered.nickname": None}, "$unset": {"profile.nickname": ""}}
    )
    await delivered(api, api.stand_in.people.push("mei", revoke_info=6))
    await api.token({**api.wx_login("mei"), "appid": APPID})
    user = document(database, mei["_id"])
    assert user["entered"]["nickname"] is None
    assert "nickname" not in user["profile"]


async def test_an_upload_during_a_revocation_leaves_no_picture_of_nobody(
    api: API, services: Services, database: Database
) -> None:
    for _ in range(8):
        account_id = await api.registered("mei")
        push = api.stand_in.people.push("mei", revoke_info=20)
        await asyncio.gather(
            services.avatars._store.replace(a_picture(account_id)),
            delivered(api, push),
            services.avatars._store.replace(a_picture(account_id)),
        )
        user = database.users.find_one({"_id": ObjectId(account_id)})
        kept = [each["_id"] for each in database.avatars.find()]
        assert kept == ([user["avatar"]] if "avatar" in user else [])
        database.push_receipts.delete_many({})


def a_picture(user_id: str) -> Avatar:
    """As the workshop makes them."""
    return Avatar(
        secrets.token_urlsafe(16), user_id, b"\xff\xd8", "image/jpeg", datetime(2026, 11, 22, tzinfo=UTC)
    )
