"""What the tests of pushes share: a configuration that expects them, a user with everything, and WeChat's request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pymongo
from bson import ObjectId

from passport.store.search import search_fields
from sandbox import StandIn
from sandbox.pushes import Push
from tests.client import API, Reply, check_error_shape
from tests.conftest import APP_SECRET, APPID
from tests.integration.helpers import configured

Database = pymongo.database.Database[dict[str, Any]]
Document = dict[str, Any]

PROFILE = {"nickname": "小美", "avatar_url": "https://thirdwx.qlogo.cn/mmopen/vi_32/mei/132", "city": "广州"}
ENTERED = {"nickname": "美美", "avatar_url": "https://login.example.com/a", "gender": 2}


def expecting_pushes(stand_in: StandIn, *, encrypted: bool = True, **push: Any) -> dict[str, Any]:
    """The configuration of the tests, with the stand-in's token and, in the encrypted modes, its key."""
    agreed = stand_in.people.push_secrets
    keys = {"encoding_aes_key": agreed.encoding_aes_key} if encrypted else {}
    app: Any = {"appid": APPID, "secret": APP_SECRET, "push": {"token": agreed.token, **keys, **push}}
    return configured(stand_in, apps=[app])


async def deliver(
    api: API,
    push: Push,
    *,
    appid: str = APPID,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send the push, or a variation of it; `success` is the answer as text/plain, a refusal has our shape."""
    async with aiohttp.request(
        "POST",
        f"{api.base_url}/wechat/events/{appid}",
        params=push.query if query is None else query,
        data=push.body if body is None else body,
        headers={"Content-Type": push.content_type} if headers is None else headers,
    ) as response:
        text = await response.text()
        if response.status == 200:
            assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert text == "success"
            return Reply(200, response.headers, {})
        answer = json.loads(text)
        check_error_shape(answer, response.headers)
        return Reply(response.status, response.headers, answer)


async def delivered(api: API, push: Push) -> None:
    """Send it; it must be acknowledged."""
    reply = await deliver(api, push)
    assert reply.status == 200, reply


def a_phone(number: str) -> Document:
    """A bound number as it is kept."""
    return {
        "number": number,
        "country_code": "86",
        "pure_number": number.removeprefix("+86"),
        "appid": APPID,
        "bound_at": datetime(2026, 11, 1, tzinfo=UTC),
        "code_digest": b"digest",
    }


async def person_with_everything(api: API, database: Database, person: str) -> Document:
    """A user of whom we hold all that a push can name, in the way of the parts that write it; their document."""
    registered = await api.register({**api.wx_login(person), "appid": APPID})
    user_id = ObjectId(registered.json["account_id"])
    held = {
        "profile": PROFILE,
        "entered": ENTERED,
        "phone": a_phone(f"+86139000000{len(person):02}"),
        "avatar": f"a-{person}",
    }
    database.users.update_one({"_id": user_id}, {"$set": held})
    database.avatars.insert_one({"_id": f"a-{person}", "user_id": user_id, "image": b"webp"})
    return document(database, user_id)


def document(database: Database, user_id: object) -> Document:
    """The user's document as it is."""
    found = database.users.find_one({"_id": user_id})
    assert found is not None
    return found


def without(whole: Document, *members: str) -> Document:
    """A copy without these members, such as `profile.nickname`."""
    copy = {name: dict(value) if isinstance(value, dict) else value for name, value in whole.items()}
    for member in members:
        outer, _, inner = member.partition(".")
        copy[outer].pop(inner) if inner else copy.pop(outer)
    # Whoever has lost their name is found by their handle.
    if any(member.endswith(".nickname") for member in members):
        copy |= search_fields(str(whole["_id"]), None)
    return copy
