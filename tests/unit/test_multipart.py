"""handlers.multipart: the parser sees only bodies that it reads in linear time."""

from __future__ import annotations

from typing import Any

import pytest

from handlers import multipart
from handlers.multipart import the_file
from passport.errors import MalformedUpload, NotMultipart, PassportError

PART = b'\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
DASHES = b"-" * 100_000


def body(boundary: bytes, content: bytes, *, end: bytes = b"--\r\n") -> bytes:
    return b"--" + boundary + PART + content + b"\r\n--" + boundary + end


def of_type(boundary: bytes) -> list[str]:
    return ["multipart/form-data; boundary=" + boundary.decode()]


@pytest.mark.parametrize("end", [b"--", b"--\r\n", b"--\n", b"--\r\n\r\n"])
@pytest.mark.parametrize("boundary", [b"b", b"----WebKitFormBoundaryAb12", b"x" + b"-" * 69])
def test_the_file_is_read_byte_for_byte(boundary: bytes, end: bytes) -> None:
    content = bytes(range(256)) + b"\r\n--" + DASHES + b"\r\n\r\n"
    assert the_file(body(boundary, content, end=end), of_type(boundary)) == content


@pytest.mark.parametrize(
    ("upload", "content_types", "refusal"),
    [
        (body(b"x" + b"-" * 2000, DASHES), of_type(b"x" + b"-" * 2000), NotMultipart),
        (body(b"x" + b"-" * 70, DASHES), of_type(b"x" + b"-" * 70), NotMultipart),
        (DASHES, of_type(b"x" + b"-" * 69), MalformedUpload),
        (body(b"b", DASHES) + DASHES, of_type(b"b"), MalformedUpload),
        (body(b"b", DASHES), of_type(b"b") * 2, NotMultipart),
    ],
    ids=["a long boundary", "one too long", "no end", "an end far from the end", "two types"],
)
def test_what_would_take_long_to_parse_never_reaches_the_parser(
    monkeypatch: pytest.MonkeyPatch, upload: bytes, content_types: list[str], refusal: type[PassportError]
) -> None:
    def parse(*_: Any, **__: Any) -> None:
        pytest.fail("parsed")

    monkeypatch.setattr(multipart, "parse_multipart_form_data", parse)
    with pytest.raises(refusal):
        the_file(upload, content_types)
