"""Pictures made to harm: what comes out holds nothing of what was hidden in them, and no bomb goes off.

Polyglots, metadata, decompression bombs, other formats under a picture's name, and damaged files, uploaded over HTTP.
"""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pymongo
import pytest
from PIL import PngImagePlugin

from passport import workshop
from passport.errors import InternalError, PassportError, PictureTooLarge, TooManyUploads, UnreadablePicture
from passport.image_limits import Outcome
from passport.services import Services
from passport.workshop import Workshop, refusal_of, run
from tests.client import API
from tests.pictures import SECRET, heic, opened, plain, png, scan_bomb, upload, uploaded, with_gps, worst_png

SCRIPT = b"<html><script>alert(document.domain)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


def zipped(content: bytes) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        archive.writestr("evil.js", content)
    return output.getvalue()


def in_a_text_chunk() -> bytes:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SCRIPT.decode())
    notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return plain("PNG", pnginfo=notes)


POLYGLOTS = {
    "html after a JPEG": plain("JPEG") + SCRIPT,
    "html in a JPEG's comment": plain("JPEG", comment=SCRIPT),
    "zip after a PNG": plain("PNG") + zipped(SCRIPT),
    "text in a PNG": in_a_text_chunk(),
    "zip after a GIF": plain("GIF") + zipped(SCRIPT),
    "html in a GIF's comment": plain("GIF", comment=SCRIPT),
    "xmp in a WebP": plain("WEBP", xmp=SCRIPT, exif=b"Exif\0\0" + SECRET),
    "GPS in EXIF": with_gps(),
}


@pytest.mark.parametrize("content", POLYGLOTS.values(), ids=POLYGLOTS.keys())
async def test_nothing_but_pixels_comes_out(api: API, content: bytes) -> None:
    picture = await uploaded(api, await api.signed_in("mei"), content)
    for hidden in (b"script", b"PK\x03\x04", b"evil.js", SECRET, b"Exif", b"http", b"xmp"):
        assert hidden.lower() not in picture.lower()
    shown = opened(picture)
    assert set(shown.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "progressive",
        "progression",
    }
    # The end of the picture is the end of the file.
    assert picture.endswith(b"\xff\xd9")


NO_PICTURES = {
    "svg": SVG,
    "svg with a declaration": b'<?xml version="1.0"?>\n' + SVG,
    "html": SCRIPT,
    "heic": heic(),
    "text": "你好".encode() * 100,
    "nothing": b"",
    "zip": zipped(SCRIPT),
    "pdf": b"%PDF-1.7\n" + b"0" * 2000,
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "tiff": plain("TIFF"),
    "bmp": plain("BMP"),
    "ico": plain("ICO", (64, 64)),
    "avif": plain("AVIF"),
    "jpeg 2000": plain("JPEG2000"),
    "ppm": plain("PPM"),
    "tga": plain("TGA"),
}


@pytest.mark.parametrize("content", NO_PICTURES.values(), ids=NO_PICTURES.keys())
async def test_what_is_none_of_the_four_formats_is_refused_whatever_it_is_called(
    api: API, content: bytes, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    token = await api.signed_in("mei")
    reply = await upload(api, token, content, filename="photo.jpg", kind="image/jpeg")
    assert (reply.status, reply.error) == (415, "unsupported_media_type")
    assert "wx.compressImage" in reply.json["hint"]
    assert database.avatars.count_documents({}) == 0


BOMBS = {
    "a tiny file of 900 million pixels": png(30_000, 30_000),
    "a pixel too many": png(5001, 5000),
    "the largest there can be": png(2**31 - 1, 2**31 - 1),
    "a WebP": plain("WEBP", (16_000, 16_000), lossless=True, method=0),
    "a GIF": b"GIF89a"
    + b"\xff\xff\xff\xff"
    + b"\x80\0\0"
    + b"\0" * 6
    + b","
    + b"\0" * 4
    + b"\xff" * 4
    + b"\0\x02",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
async def test_a_decompression_bomb_is_refused_by_its_header(api: API, content: bytes) -> None:
    assert len(content) < 2000
    reply = await upload(api, await api.signed_in("mei"), content)
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert reply.json["error_description"] == "The picture has more than 25 million pixels."


async def test_the_most_pixels_that_are_allowed_are_decoded(api: API) -> None:
    assert opened(await uploaded(api, await api.signed_in("mei"), worst_png())).size == (512, 512)


@pytest.mark.gen_test(timeout=200)
async def test_a_picture_that_takes_too_long_is_ended_by_the_system(
    api: API, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The five seconds of CPU that it may have can last longer than the deadline on a busy machine.
    monkeypatch.setattr(services.avatars._workshop, "_deadline", 180)
    token = await api.signed_in("mei")
    reply = await upload(api, token, scan_bomb())
    assert (reply.status, reply.error) == (413, "payload_too_large")
    assert reply.json["error_description"] == "The picture takes too much work to decode."
    assert (await upload(api, token, plain())).status == 200


DAMAGED = {
    "half a JPEG": plain("JPEG")[:2000],
    "half a PNG": worst_png(300)[:200],
    "half a WebP": plain("WEBP", lossless=True)[:40],
    "half a GIF": plain("GIF")[:300],
    "the beginning of a JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "a PNG without pixels": png(600, 600),
    "a PNG whose checksum is wrong": plain("PNG").replace(b"IDAT", b"IDAU", 1),
    "a JPEG of no height": plain("JPEG")[:157] + b"\0" * 20,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_damaged_picture_is_refused_and_nothing_is_kept(
    api: API, content: bytes, database: pymongo.database.Database[dict[str, Any]]
) -> None:
    reply = await upload(api, await api.signed_in("mei"), content)
    assert (reply.status, reply.error) in ((403, "unreadable_picture"), (415, "unsupported_media_type"))
    assert database.avatars.count_documents({}) == 0


async def test_the_decoder_gets_none_of_the_servers_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WXPASSPORT_SECRET_KEY", "a secret of this server that no decoder may read")
    program = "import os, sys; sys.stdout.write(repr(dict(os.environ)))"
    monkeypatch.setattr(workshop, "_PROGRAM", (sys.executable, "-c", program))
    status, output, _ = await run(b"")
    assert status == 0
    assert b"WXPASSPORT" not in output


async def test_a_decoder_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    program = (
        f"import os, pathlib, time; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    monkeypatch.setattr(workshop, "_PROGRAM", (sys.executable, "-c", program))
    with pytest.raises(TooManyUploads):
        await Workshop(deadline=3).avatar(plain())
    assert not (Path("/proc") / mark.read_text()).exists()


@pytest.mark.parametrize(
    ("status", "refusal"),
    [(-11, UnreadablePicture), (-6, UnreadablePicture), (-9, PictureTooLarge), (-24, PictureTooLarge)],
)
def test_a_decoder_that_crashes_costs_its_picture_alone(status: int, refusal: type[PassportError]) -> None:
    assert type(refusal_of(status, b"")) is refusal


@pytest.mark.expects_log("passport.images does not run")
def test_a_decoder_that_cannot_run_is_our_fault() -> None:
    assert type(refusal_of(1, b"ModuleNotFoundError: No module named 'PIL'")) is InternalError
    assert set(Outcome).isdisjoint({1, 2})


def test_the_server_itself_loads_no_decoder(project_root: Path) -> None:
    program = "import server, sys; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=project_root, check=False).returncode == 0
