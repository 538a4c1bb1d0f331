"""Read the one file of a multipart/form-data body (RFC 7578), as wx.uploadFile sends it.

Tornado's parser does the reading. What it leaves open is checked before: the length of the boundary (RFC 2046 section
5.1.1) and that the body ends with it. Tornado looks for the end backwards and naively: of ten million dashes and a
boundary of 2,000, nearly all dashes, that makes 12 seconds on the loop. With both checks the worst is 25 ms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message

from tornado.httputil import HTTPFile, HTTPInputError, ParseMultipartConfig, parse_multipart_form_data

from passport.errors import MalformedUpload, NotMultipart

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
# A file and the few fields of `formData`; a header of a part holds little more than a file's name.
_LIMITS = ParseMultipartConfig(max_parts=10, max_part_header_size=4096)


def the_file(body: bytes, content_types: Sequence[str]) -> bytes:
    """The content of the only file, whatever its field, name and type are called. Other fields are ignored.

    Raises:
        NotMultipart: the Content-Type is another, or has no usable boundary.
        MalformedUpload: the body is not that, or has no file, or several.
    """
    files = _files(body, _boundary(content_types))
    if len(files) != 1:
        raise MalformedUpload(f"The body must hold exactly one file, and holds {len(files) or 'none'}.")
    return bytes(files[0].body)


def _boundary(content_types: Sequence[str]) -> bytes:
    if len(content_types) != 1:
        raise NotMultipart
    message = Message()
    message["Content-Type"] = content_types[0]
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise NotMultipart
    if not _BOUNDARY.fullmatch(boundary):
        raise NotMultipart
    return boundary.encode("ascii")


def _files(body: bytes, boundary: bytes) -> list[HTTPFile]:
    fields: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    if not body[-len(boundary) - 8 :].rstrip(b"\r\n").endswith(b"--" + boundary + b"--"):
        raise MalformedUpload
    try:
        parse_multipart_form_data(boundary, body, fields, files, config=_LIMITS)
    except (HTTPInputError, ValueError) as error:
        raise MalformedUpload from error
    return [each for field in files.values() for each in field]
