"""What an upload must look like, how large it may be, and who may send one: refused early, and in our words (R-034)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pymongo
import pytest

from handlers.api import avatars as handler
from passport.services import Services
from passport.uploads import UploadRoom
from tests.client import API, Reply
from tests.integration.helpers import refusal, until
from tests.pictures import AVATAR, bearer, plain, upload

MIB = 1024 * 1024
TYPE = "multipart/form-data; boundary=b"
GOOD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
END = b"\r\n--b--\r\n"


def head(token: str, transfer: str) -> bytes:
    """The beginning of an upload's request."""
    lines = f"Authorization: Bearer {token}\r\nContent-Type: {TYPE}\r\n{transfer}\r\n\r\n"
    return f"POST {AVATAR} HTTP/1.1\r\nHost: x\r\n{lines}".encode()


async def sent(api: API, body: bytes, content_type: str = TYPE) -> Reply:
    """This very body, of a signed-in user."""
    headers = {**bearer(await api.signed_in("mei")), "Content-Type": content_type}
    return await api.post(AVATAR, data=body, headers=headers)


@pytest.mark.parametrize("name", ["file", "avatar", "头像"])
@pytest.mark.parametrize(
    "filename", ["tmp_1.jpg", "我的照片.jpg", 'a"b;c.jpg', "../../etc/passwd", "x" * 500]
)
async def test_any_field_and_file_name_will_do(api: API, name: str, filename: str) -> None:
    token = await api.signed_in("mei")
    assert (await upload(api, token, plain(), name=name, filename=filename)).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=b",
        'multipart/form-data; boundary="b"',
        "Multipart/Form-Data; charset=utf-8; boundary=b",
    ],
)
async def test_the_content_type_may_be_written_as_clients_do(api: API, content_type: str) -> None:
    assert (await sent(api, GOOD + plain() + END, content_type)).status == 200


async def test_fields_beside_the_file_are_ignored(api: API) -> None:
    field = b'--b\r\nContent-Disposition: form-data; name="user"\r\n\r\nmei\r\n'
    assert (await sent(api, field + GOOD + plain() + END)).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "image/jpeg", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/mixed; boundary=b", f"multipart/form-data; boundary={'b' * 71}", "multipart/form-data; boundary=头"],
)  # fmt: skip
async def test_another_content_type_is_refused(api: API, content_type: str) -> None:
    reply = await sent(api, GOOD + plain() + END, content_type)
    assert (reply.status, reply.error) == (415, "unsupported_media_type")
    assert "wx.uploadFile" in reply.json["hint"]


MALFORMED = {
    "nothing": b"",
    "no part": b"--b--\r\n",
    "no end": GOOD + plain(),
    "another end": GOOD + plain() + b"\r\n--c--\r\n",
    "no file": b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx' + END,
    "two files": GOOD + plain() + b"\r\n" + GOOD.replace(b'"file"', b'"more"') + plain() + END,
    "two files of one name": GOOD + plain() + b"\r\n" + GOOD + plain() + END,
    "no disposition": b"--b\r\nContent-Type: image/jpeg\r\n\r\nx" + END,
    "no header at all": b"--b\r\nx" + END,
    "no name": b'--b\r\nContent-Disposition: form-data; filename="a.jpg"\r\n\r\nx' + END,
    "an attachment": GOOD.replace(b"form-data", b"attachment") + b"x" + END,
    "a file name in no UTF-8": GOOD.replace(b"a.jpg", b"\xff\xfe.jpg") + plain() + END,
    "a NUL in a header": GOOD.replace(b"a.jpg", b"a\0.jpg") + b"x" + END,
    "a header without end": b"--b\r\nContent-Disposition: form-data; " + b"x" * 9000 + b"\r\n\r\nx" + END,
    "5,000 headers": b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\nx" + END,
    "5,000 parameters": GOOD.replace(b"; name", b"; a=b" * 5000 + b"; name") + b"x" + END,
    "100 parts": b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 100 + GOOD + b"x" + END,
    "a folded header": GOOD.replace(b"; name", b";\r\n\x01 name") + b"x" + END,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_upload_is_refused_and_nothing_is_kept(
    api: API, body: bytes, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    reply = await sent(api, body)
    assert (reply.status, reply.error) in ((403, "invalid_request"), (415, "unsupported_media_type"))
    assert "wx." in reply.json["hint"]
    assert database.avatars.count_documents({}) == 0


async def test_a_photo_of_30_mb_hears_that_it_is_too_large(api: API) -> None:
    token = await api.signed_in("mei")
    reply = await upload(api, token, plain() + b"\0" * (30 * MIB))
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert "wx.compressImage" in reply.json["hint"]
    assert (await upload(api, token, plain())).status == 200


@pytest.mark.parametrize("size", [10 * MIB, 10 * MIB + 1])
async def test_the_limit_is_ten_mebibytes(api: API, size: int) -> None:
    padding = size - len(GOOD + plain() + END)
    body = GOOD + plain() + b"\0" * padding + END
    token = await api.signed_in("mei")
    async with aiohttp.ClientSession() as http:
        headers = {**bearer(token), "Content-Type": TYPE, "Content-Length": str(size)}
        async with http.post(api.base_url + AVATAR, data=pieces(body), headers=headers) as response:
            assert response.status == (200 if size == 10 * MIB else 413)


async def pieces(body: bytes, size: int = 64 * 1024) -> Any:
    """The body piece by piece."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_an_upload_in_chunks_is_read(api: API) -> None:
    headers = {**bearer(await api.signed_in("mei")), "Content-Type": TYPE}
    assert (await api.post(AVATAR, data=pieces(GOOD + plain() + END), headers=headers)).status == 200


async def test_chunks_without_end_are_cut_off(api: API) -> None:
    token = await api.signed_in("mei")
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    reply = await refusal(api.base_url, head(token, "Transfer-Encoding: chunked"), more=chunk)
    assert (reply.status, reply.error) == (413, "payload_too_large")


@pytest.mark.parametrize("size", [41 * MIB, 100 * MIB, 10**15])
async def test_what_no_phone_would_send_is_refused_unread(api: API, size: int) -> None:
    reply = await refusal(api.base_url, head(await api.signed_in("mei"), f"Content-Length: {size}"))
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert reply.headers["Connection"] == "close"


async def test_a_stranger_is_refused_before_the_body_is_read(api: API) -> None:
    # Nothing of the body is ever sent, so the answer cannot have waited for it.
    reply = await refusal(api.base_url, head("no-token", f"Content-Length: {9 * MIB}"))
    assert (reply.status, reply.error) == (401, "invalid_token")
    assert reply.headers["Connection"] == "close"


async def test_a_banned_user_is_refused_before_the_body_is_read(api: API, services: Services) -> None:
    token = await api.signed_in("mei")
    await services.users.ban(await api.registered("mei"), reason="spam", by="lin")
    reply = await refusal(api.base_url, head(token, f"Content-Length: {9 * MIB}"))
    assert (reply.status, reply.error) == (403, "account_disabled")


async def test_a_strangers_chunks_are_cut_off_after_little(api: API) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    reply = await refusal(api.base_url, head("no-token", "Transfer-Encoding: chunked"), more=chunk)
    assert (reply.status, reply.error) == (401, "invalid_token")


async def test_an_avatar_with_an_expired_token_hears_that_it_expired(api: API, clock: Any) -> None:
    token = await api.signed_in("mei")
    clock.advance(hours=2)
    reply = await upload(api, token, plain("PNG", (600, 600), compress_level=0))
    assert (reply.status, reply.error) == (401, "invalid_token")


async def test_other_methods_take_no_upload(api: API) -> None:
    for method in ("PUT", "PATCH", "GET"):
        assert (await api.request(method, AVATAR)).status == 405
    reply = await refusal(api.base_url, head("x", f"Content-Length: {9 * MIB}").replace(b"POST", b"PUT"))
    assert (reply.status, reply.error) == (413, "payload_too_large")


@contextlib.asynccontextmanager
async def half_an_upload(api: API, token: str, size: int = MIB) -> Any:
    """An upload that stops after this many bytes."""
    parts = urlsplit(api.base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(head(token, f"Content-Length: {9 * MIB}") + GOOD + b"\0" * size)
    await writer.drain()
    yield reader
    writer.transport.abort()


async def test_a_user_has_one_upload_at_a_time_and_is_free_again_after_it(
    api: API, services: Services
) -> None:
    token = await api.signed_in("mei")

    async def uploads(number: int) -> bool:
        return services.uploads.uploads == number

    async with half_an_upload(api, token):
        await until(lambda: uploads(1))
        reply = await upload(api, token, plain())
        assert (reply.status, reply.error) == (429, "slow_down")
        assert (await upload(api, await api.signed_in("bo"), plain())).status == 200
    await until(lambda: uploads(0))
    assert (await upload(api, token, plain())).status == 200


async def test_uploads_that_fill_the_room_are_told_to_wait(api: API, services: Services) -> None:
    services.uploads._free = 2 * MIB
    async with half_an_upload(api, await api.signed_in("mei")):
        reply = await upload(api, await api.signed_in("bo"), plain() + b"\0" * 2 * MIB)
        assert (reply.status, reply.error) == (503, "temporarily_unavailable")
        assert reply.headers["Retry-After"] == "5"

    async def all_free() -> bool:
        return services.uploads._free == 2 * MIB

    await until(all_free)


async def test_a_body_that_comes_too_slowly_is_cut_off_and_forgotten(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "UPLOAD_SECONDS", 0.5)
    async with half_an_upload(api, await api.signed_in("mei")) as reader:
        assert await reader.read() == b""

    async def empty() -> bool:
        return services.uploads.uploads == 0

    await until(empty)


def test_an_upload_leaves_the_room_once() -> None:
    room = UploadRoom(10)
    upload = room.enter("mei")
    upload.grow(10)
    upload.leave()
    upload.leave()
    assert (room.uploads, room._free) == (0, 10)
