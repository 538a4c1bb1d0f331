"""POST and DELETE /accounts/me/avatar and GET /avatars/{id}: what is kept, shown, cached, replaced and erased."""

from __future__ import annotations

import asyncio
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from passport.services import Services
from tests.client import API
from tests.integration.helpers import until
from tests.pictures import AVATAR, bearer, fetched, opened, path_of, plain, upload

Database = pymongo.database.Database[dict[str, Any]]


async def account_of(api: API, token: str) -> dict[str, Any]:
    return (await api.get("/accounts/me", headers=bearer(token))).json


async def removed(api: API, token: str) -> int:
    return (await fetched(api, AVATAR, "DELETE", **bearer(token)))[0]


async def test_an_uploaded_picture_becomes_a_small_square_jpeg(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    reply = await upload(api, token, plain("PNG", (900, 600)))

    assert reply.status == 200
    assert reply.json.keys() == {"avatar_url"}
    status, headers, content = await fetched(api, path_of(reply))
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert opened(content).format == "JPEG"
    assert opened(content).size == (512, 512)
    assert database.avatars.count_documents({}) == 1


async def test_the_profile_shows_it_in_place_of_wechats(api: API, services: Services) -> None:
    token = await api.signed_in("mei")
    before = (await account_of(api, token))["profile"]
    avatar_url = (await upload(api, token, plain())).json["avatar_url"]

    assert before["avatar_url"].startswith("https://thirdwx.qlogo.cn/")
    assert (await account_of(api, token))["profile"] == {**before, "avatar_url": avatar_url}
    assert avatar_url.startswith(f"{services.settings.listening_url}/avatars/")


async def test_signing_in_again_does_not_bring_wechats_back(api: API) -> None:
    avatar_url = (await upload(api, await api.signed_in("mei"), plain())).json["avatar_url"]
    token = await api.signed_in("mei")
    assert (await account_of(api, token))["profile"]["avatar_url"] == avatar_url


async def test_the_picture_may_be_cached_by_anybody_for_ever(api: API) -> None:
    path = path_of(await upload(api, await api.signed_in("mei"), plain()))
    status, headers, _ = await fetched(api, path)

    assert status == 200
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == 'inline; filename="avatar.jpg"'
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not {"Set-Cookie", "Vary", "Server"} & set(headers)
    again = await fetched(api, path, **{"If-None-Match": headers["ETag"]})
    assert (again[0], again[1]["ETag"], again[2]) == (304, headers["ETag"], b"")


async def test_head_tells_the_same_without_the_picture(api: API) -> None:
    path = path_of(await upload(api, await api.signed_in("mei"), plain()))
    _, headers, content = await fetched(api, path)
    status, of_head, nothing = await fetched(api, path, "HEAD")
    assert (status, nothing) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert of_head[name] == headers[name]
    assert of_head["Content-Length"] == str(len(content))


@pytest.mark.parametrize("avatar_id", ["A" * 22, "A" * 21, "A" * 23, "..%2f..%2fetc%2fpasswd", "$ne", ""])
async def test_an_unknown_id_is_not_found_and_not_cached(api: API, avatar_id: str) -> None:
    reply = await api.get(f"/avatars/{avatar_id}")
    assert (reply.status, reply.error) == (404, "not_found")
    assert "ETag" not in reply.headers or reply.headers["Cache-Control"] == "no-store"


async def test_a_new_picture_takes_the_place_of_the_former(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    former, new = [path_of(await upload(api, token, plain())) for _ in range(2)]
    assert former != new
    assert (await fetched(api, former))[0] == 404
    assert (await fetched(api, new))[0] == 200
    assert database.avatars.count_documents({}) == 1


async def test_a_refused_picture_leaves_the_former_one(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    path = path_of(await upload(api, token, plain()))
    assert (await upload(api, token, b"no picture")).status == 415
    assert (await fetched(api, path))[0] == 200
    assert database.avatars.count_documents({}) == 1


async def test_a_removed_avatar_is_gone_and_wechats_is_back(api: API, database: Database) -> None:
    token = await api.signed_in("mei")
    before = await account_of(api, token)
    path = path_of(await upload(api, token, plain()))

    assert [await removed(api, token), await removed(api, token)] == [204, 204]
    assert (await fetched(api, path))[0] == 404
    assert await account_of(api, token) == before
    assert database.avatars.count_documents({}) == 0
    assert "avatar" not in database.users.find_one({})


async def test_everybody_has_their_own(api: API, database: Database) -> None:
    mei, bo = await api.signed_in("mei"), await api.signed_in("bo")
    of_mei, of_bo = path_of(await upload(api, mei, plain())), path_of(await upload(api, bo, plain()))
    assert of_mei != of_bo
    assert await removed(api, mei) == 204
    assert (await fetched(api, of_bo))[0] == 200
    assert database.avatars.count_documents({}) == 1


async def test_uploads_at_once_leave_one_picture_that_the_user_refers_to(
    api: API, services: Services, database: Database
) -> None:
    user_id = await api.registered("mei")
    # Past the handler, which takes one of a user at a time: other processes have handlers of their own.
    await asyncio.gather(*(services.avatars.replace(user_id, plain()) for _ in range(6)))
    kept = [each["_id"] for each in database.avatars.find({})]
    assert kept == [database.users.find_one({})["avatar"]]


async def test_an_account_closed_during_the_upload_leaves_no_picture(
    api: API, services: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await api.signed_in("mei")
    make = services.avatars._workshop.avatar

    async def close_meanwhile(content: bytes) -> bytes:
        made = await make(content)
        user = await services.users.find(str(database.users.find_one({})["_id"]))
        assert user is not None
        await services.closing.close(user, by="user")
        return made

    monkeypatch.setattr(services.avatars._workshop, "avatar", close_meanwhile)
    reply = await upload(api, token, plain())
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert database.avatars.count_documents({}) == 0
    assert database.users.count_documents({"avatar": {"$exists": True}}) == 0


async def test_closing_an_account_finds_every_picture_of_it(
    api: API, services: Services, database: Database
) -> None:
    mei, bo = await api.registered("mei"), await api.registered("bo")
    for user_id in (mei, bo):
        await services.avatars.replace(user_id, plain())
    user = await services.users.find(mei)
    assert user is not None
    for _ in range(2):
        await services.closing.close(user, by="user")
    assert [each["user_id"] for each in database.avatars.find({})] == [ObjectId(bo)]


@pytest.mark.parametrize("failing", ["insert", "commitTransaction"])
async def test_a_write_that_fails_halfway_changes_nothing(
    api: API, services: Services, database: Database, failing: str
) -> None:
    token = await api.signed_in("mei")
    path = path_of(await upload(api, token, plain()))
    before = database.users.find_one({})["avatar"]
    fault = {"failCommands": [failing], "errorCode": 8000, "namespace": f"{database.name}.avatars"}
    if failing == "commitTransaction":
        del fault["namespace"]
    admin = database.client.admin
    admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fault)
    try:
        reply = await upload(api, token, plain())
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")

    assert (reply.status, reply.error) == (503, "temporarily_unavailable")
    assert database.users.find_one({})["avatar"] == before
    assert [each["_id"] for each in database.avatars.find({})] == [before]
    assert (await fetched(api, path))[0] == 200
    assert (await upload(api, token, plain())).status == 200


async def test_nothing_of_an_upload_stays_in_memory(api: API, services: Services) -> None:
    token = await api.signed_in("mei")
    for content in (plain(), b"no picture", plain()):
        await upload(api, token, content)

    async def empty() -> bool:
        return services.uploads.uploads == 0

    await until(empty)
    assert services.uploads._free == 48 * 1024 * 1024
