"""How one gets each refusal of each operation: one function a refusal, over real HTTP.

A function takes a `Stage` and answers with the reply. `SITUATIONS` maps the refusal's class, by its name, to the
function that provokes it at any operation; `AT` holds what one operation has in another way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from handlers.base import APIHandler
from passport.uploads import ROOM
from tests.client import Reply, bearer
from tests.integration.helpers import Client, the_three, until
from tests.integration.phones import PHONE_NUMBER
from tests.integration.staging import MANY_CALLS, SHOP, Stage
from tests.pictures import form, heic, plain, png

Situation = Callable[[Stage], Awaitable[Reply]]


async def ask_for_what_is_not_there(stage: Stage) -> Reply:
    nothing = {"session_id": "0" * 24, "avatar_id": "A" * 22, "appid": "wx00", "issuer_path": "nobody"}
    stage.parameters = nothing
    return await stage.call()


async def send_an_empty_object(stage: Stage) -> Reply:
    return await stage.call(json={})


async def send_an_empty_nickname(stage: Stage) -> Reply:
    return await stage.call(json={"nickname": "\u200b"})


async def send_plain_text(stage: Stage) -> Reply:
    stage.headers["Content-Type"] = "text/plain"
    return await stage.call(data=b"code")


async def send_far_too_much(stage: Stage) -> Reply:
    return await stage.call(json={"code": "x" * 70_000})


async def send_a_made_up_code(stage: Stage) -> Reply:
    return await stage.call(json={**stage.api.wx_login(), "code": "made-up"})


async def send_a_redeemed_code(stage: Stage) -> Reply:
    visitor = stage.api.wx_login()
    stage.api.stand_in.people.redeem(visitor["code"], next(iter(stage.api.stand_in.people.apps)))
    return await stage.call(json=visitor)


async def be_high_risk(stage: Stage) -> Reply:
    await stage.prepare()
    stage.api.stand_in.faults.set("errcode", errcode=40226)
    return await stage.call()


async def fetch_the_data_before_wx_login(stage: Stage) -> Reply:
    return await stage.call(json=the_three(stage.api.wx_login("mei", order="wrong")))


async def reformat_the_raw_data(stage: Stage) -> Reply:
    login = stage.api.wx_login("mei")
    return await stage.call(json={**login, "rawData": login["rawData"].replace(",", ", ")})


async def come_too_often(stage: Stage) -> Reply:
    for _ in range(MANY_CALLS):
        reply = await stage.call()
        if reply.status == 429:
            break
    return reply


async def come_after_the_secret_was_reset(stage: Stage) -> Reply:
    await stage.prepare()
    apps = stage.api.stand_in.people.apps
    apps[next(iter(apps))] = "0" * 32
    return await stage.call()


async def be_banned(stage: Stage) -> Reply:
    account_id = await stage.api.registered("mei")
    await stage.prepare()
    await stage.services.users.ban(account_id, reason="spam", by="lin")
    return await stage.call()


async def bring_a_made_up_token(stage: Stage) -> Reply:
    stage.headers |= bearer("made.up.token")
    return await stage.call()


async def be_a_stranger(stage: Stage) -> Reply:
    return await stage.call(json=stage.api.wx_login())


async def ask_for_another_grant(stage: Stage) -> Reply:
    return await stage.call(json={**stage.api.wx_login("mei"), "grant_type": "password"})


async def refresh_with_a_made_up_token(stage: Stage) -> Reply:
    return await stage.call(data={"grant_type": "refresh_token", "refresh_token": "wpr_made-up"})


async def refresh_without_a_token(stage: Stage) -> Reply:
    return await stage.call(data={"grant_type": "refresh_token"})


async def be_another_client(stage: Stage) -> Reply:
    stage.headers |= Client(SHOP.id, "a secret of somebody else").basic
    return await stage.call()


async def bring_the_code_of_another_user(stage: Stage) -> Reply:
    return await stage.call(json={"code": stage.api.wx_login("bo")["code"]})


async def send_a_made_up_phone_code(stage: Stage) -> Reply:
    return await stage.call(json={"phone_code": "made-up"})


async def send_a_used_phone_code(stage: Stage) -> Reply:
    stage.api.stand_in.faults.set("errcode", errcode=40163, path=PHONE_NUMBER)
    return await stage.call()


async def have_no_right_to_phone_numbers(stage: Stage) -> Reply:
    stage.api.stand_in.faults.set("errcode", errcode=48001, path=PHONE_NUMBER)
    return await stage.call()


async def forge_a_push(stage: Stage) -> Reply:
    query = {"timestamp": str(int(stage.api.stand_in.people.now())), "nonce": "1", "signature": "0" * 40}
    return await stage.call(params=query)


async def upload_a_document(stage: Stage) -> Reply:
    return await stage.call(json={"file": "x"})


async def upload_nothing(stage: Stage) -> Reply:
    stage.headers["Content-Type"] = "multipart/form-data; boundary=b"
    return await stage.call(data=b"--b--\r\n")


async def upload_a_heic(stage: Stage) -> Reply:
    return await stage.call(data=form(heic()))


async def upload_too_many_pixels(stage: Stage) -> Reply:
    return await stage.call(data=form(png(30_000, 30_000)))


async def upload_half_a_picture(stage: Stage) -> Reply:
    picture = plain()
    return await stage.call(data=form(picture[: len(picture) // 2]))


async def upload_twice_at_once(stage: Stage) -> Reply:
    """Of the first, only the head arrives."""
    await stage.prepare()
    parts = urlsplit(stage.api.base_url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"{name}: {value}" for name, value in stage.headers.items()]
    head = [f"POST {stage.address} HTTP/1.1", "Host: x", *lines, "Content-Length: 9", "", ""]
    writer.write("\r\n".join(head).encode())

    async def is_under_way() -> bool:
        return stage.services.uploads.uploads == 1

    try:
        await until(is_under_way)
        return await stage.call()
    finally:
        writer.transport.abort()


async def upload_when_there_is_no_room(stage: Stage) -> Reply:
    stage.services.uploads.take(ROOM)
    return await stage.call()


async def come_before_the_database(stage: Stage) -> Reply:
    await stage.prepare()
    stage.services.readiness._prepared.clear()
    return await stage.call()


async def meet_a_fault_of_ours(stage: Stage) -> Reply:
    """No client can bring one about, or it would be a fault to mend; so the first answer is made to fail."""
    await stage.prepare()
    await stage.api.registered("mei")
    original, failed = APIHandler.finish, []

    def fail_once(handler: APIHandler, *args: Any) -> Any:
        if handler.request.path == stage.address and not failed:
            failed.append(handler)
            raise RuntimeError("for this test")
        return original(handler, *args)

    stage.monkeypatch.setattr(APIHandler, "finish", fail_once)
    return await stage.call()


SITUATIONS: dict[str, Situation] = {
    "AccountDisabled": be_banned,
    "CodeUsed": send_a_redeemed_code,
    "ConsentRequired": be_a_stranger,
    "DecryptFailed": fetch_the_data_before_wx_login,
    "InternalError": meet_a_fault_of_ours,
    "InvalidClient": be_another_client,
    "InvalidCode": send_a_made_up_code,
    "InvalidGrant": refresh_with_a_made_up_token,
    "InvalidPhoneCode": send_a_made_up_phone_code,
    "InvalidRequest": send_an_empty_object,
    "InvalidToken": bring_a_made_up_token,
    "MalformedRequest": send_an_empty_object,
    "MalformedUpload": upload_nothing,
    "NotFound": ask_for_what_is_not_there,
    "NotMultipart": upload_a_document,
    "PayloadTooLarge": send_far_too_much,
    "PhoneCodeUsed": send_a_used_phone_code,
    "PhoneNumbersNotAllowed": have_no_right_to_phone_numbers,
    "PictureTooLarge": upload_too_many_pixels,
    "PushRefused": forge_a_push,
    "ServerMisconfigured": come_after_the_secret_was_reset,
    "SignatureMismatch": reformat_the_raw_data,
    "SlowDown": come_too_often,
    "TemporarilyUnavailable": come_before_the_database,
    "TooManyUploads": upload_when_there_is_no_room,
    "UnreadablePicture": upload_half_a_picture,
    "Unregistered": be_a_stranger,
    "UnsupportedGrantType": ask_for_another_grant,
    "UnsupportedMediaType": send_plain_text,
    "UnsupportedPicture": upload_a_heic,
    "UploadUnderWay": upload_twice_at_once,
    "UserBlocked": be_high_risk,
    "WrongUser": bring_the_code_of_another_user,
}
# Where one operation gets a refusal in another way.
AT: dict[tuple[str, str, str], Situation] = {
    ("post", "/oauth/token", "MalformedRequest"): refresh_without_a_token,
    ("put", "/accounts/me", "InvalidRequest"): send_an_empty_nickname,
}


def situation_of(method: str, path: str, refusal: str) -> Situation | None:
    """None when nobody has said yet how one gets there."""
    return AT.get((method, path, refusal)) or SITUATIONS.get(refusal)
