"""Pictures to upload, good and hostile, and how wx.uploadFile sends them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import aiohttp
from PIL import Image, ImageDraw

from tests.client import API, Reply, bearer

AVATAR = "/accounts/me/avatar"
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 30), (30, 30, 220), (255, 255, 255)
# GPS of a made-up place, and words that must not come out again.
GPS_IFD, ORIENTATION, SECRET = 0x8825, 0x0112, b"lives at 31.2304N 121.4737E"


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """The picture as a file."""
    output = io.BytesIO()
    picture.save(output, form, **options)
    return output.getvalue()


def plain(form: str = "JPEG", size: tuple[int, int] = (600, 600), **options: Any) -> bytes:
    """A red picture."""
    return encoded(Image.new("RGB", size, RED), form, **options)


def quarters(width: int = 640, height: int = 480) -> Image.Image:
    """Red above, blue below; green at the right above: every way of turning it shows."""
    picture = Image.new("RGB", (width, height), BLUE)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, height // 2), fill=RED)
    draw.rectangle((width // 2, 0, width, height // 2), fill=GREEN)
    return picture


def with_gps(orientation: int = 1) -> bytes:
    """A JPEG that says where it was taken, in EXIF, XMP and a comment."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(GPS_IFD)[1] = "N"
    exif.get_ifd(GPS_IFD)[2] = (31.0, 13.0, 49.4)
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + SECRET + b"</x:xmpmeta>"
    return encoded(quarters(), "JPEG", quality=95, exif=exif, xmp=xmp, comment=SECRET)


def png(width: int, height: int, *, rows: bytes = b"", bits: int = 8, colour: int = 6) -> bytes:
    """A PNG that claims this size, and holds these bytes, whatever they are worth."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def worst_png(side: int = 5000) -> bytes:
    """A small file that is a valid picture of 25 million pixels in four channels."""
    return encoded(Image.new("RGBA", (side, side), (*RED, 128)), "PNG", compress_level=9)


def scan_bomb(scans: int = 30_000) -> bytes:
    """A progressive JPEG that refines nothing, again and again: seconds of work for a few kilobytes."""
    picture = encoded(Image.new("RGB", (5000, 5000)), "JPEG", progressive=True)
    last = picture[picture.rfind(b"\xff\xda") : -2]
    return picture[:-2] + last * scans + picture[-2:]


def heic() -> bytes:
    """How an iPhone's photo begins (ISO/IEC 23008-12)."""
    brands = b"heic" + struct.pack(">I", 0) + b"mif1heicMiHE"
    return struct.pack(">I", len(brands) + 8) + b"ftyp" + brands + b"\0" * 4096


def form(
    content: bytes, *, name: str = "file", filename: str = "tmp_a1.jpg", kind: str = "image/jpeg"
) -> Any:
    """The body of wx.uploadFile."""
    data = aiohttp.FormData()
    data.add_field(name, io.BytesIO(content), filename=filename, content_type=kind)
    return data


async def upload(api: API, token: str, content: bytes, **options: Any) -> Reply:
    """wx.uploadFile with the user's token."""
    return await api.post(AVATAR, data=form(content, **options), headers=bearer(token))


async def fetched(api: API, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    """What an <image> gets: status, headers and bytes."""
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, api.base_url + path, headers=headers) as response,
    ):
        return response.status, response.headers, await response.read()


async def uploaded(api: API, token: str, content: bytes, **options: Any) -> bytes:
    """Upload it and fetch what became of it."""
    reply = await upload(api, token, content, **options)
    assert reply.status == 200, reply
    status, _, picture = await fetched(api, path_of(reply))
    assert status == 200
    return picture


def path_of(reply: Reply) -> str:
    """The avatar's path; tests run on another port than the one configured."""
    path: str = "/avatars/" + reply.json["avatar_url"].rpartition("/avatars/")[2]
    return path


def opened(content: bytes) -> Image.Image:
    """As a picture."""
    return Image.open(io.BytesIO(content))


def near(left: Any, right: Any, tolerance: int = 12) -> bool:
    """Equal, as far as a JPEG keeps colours."""
    return all(abs(a - b) <= tolerance for a, b in zip(left, right, strict=True))
