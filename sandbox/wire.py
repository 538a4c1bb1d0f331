"""Answers on the wire, the right one and every wrong one. Decides nothing: `sandbox.faults` does."""

import asyncio
import functools
import json
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, ResponseStartLine

from sandbox.errcodes import refusal
from sandbox.faults import Fault

# WeChat sends JSON as text/plain (recorded header sets of jscode2session).
TEXT = "text/plain"
HTML = "text/html; charset=utf-8"
CHUNK = 64 * 1024
OK = (200, "OK")


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a fault may need. `answer` is the right one, or a specimen if WeChat did not take the code."""

    connection: HTTP1Connection
    fault: Fault
    answer: Mapping[str, Any]
    now: float
    redirect_to: str


def send(
    connection: HTTP1Connection,
    body: bytes,
    *,
    status: tuple[int, str] = OK,
    content_type: str = TEXT,
    headers: Mapping[str, str] | None = None,
) -> None:
    """One whole HTTP answer; the connection stays open."""
    _send_head(connection, len(body), status, content_type, headers, body)
    connection.finish()


def send_json(connection: HTTP1Connection, answer: Any) -> None:
    send(connection, to_json(answer))


def to_json(answer: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


async def play(scene: Scene) -> None:
    await FAULTS[scene.fault.mode](scene)


async def errcode(scene: Scene) -> None:
    """A refusal that WeChat could have sent, with HTTP 200."""
    fault = scene.fault
    send_json(scene.connection, refusal(fault.errcode, now=scene.now, errmsg=fault.errmsg))


async def string_errcode(scene: Scene) -> None:
    """The errcode in quotes, as WeChat's page for third-party platforms prints it."""
    fault = scene.fault
    answer = refusal(fault.errcode, now=scene.now, errmsg=fault.errmsg)
    send_json(scene.connection, answer | {"errcode": str(fault.errcode)})


async def slow(scene: Scene) -> None:
    """The right answer, late."""
    await asyncio.sleep(scene.fault.delay)
    send_json(scene.connection, scene.answer)


async def drip(scene: Scene) -> None:
    """The right answer, byte by byte: each read succeeds, so only a limit on the whole call ends it."""
    body = to_json(scene.answer)
    await _send_head(scene.connection, len(body))
    for byte in body:
        await scene.connection.write(bytes([byte]))
        await asyncio.sleep(scene.fault.delay)
    scene.connection.finish()


async def hang(_scene: Scene) -> None:
    """Nothing, on an open connection, until the client or `StandIn.stop` closes it."""


async def reset(scene: Scene) -> None:
    """A TCP RST: closing a socket with a linger time of zero discards instead of saying goodbye."""
    scene.connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    scene.connection.close()


async def disconnect(scene: Scene) -> None:
    """An orderly close without a single byte."""
    scene.connection.close()


async def empty(scene: Scene) -> None:
    """HTTP 200 with no body."""
    send(scene.connection, b"")


async def html(scene: Scene) -> None:
    """HTTP 200 with a page, as a captive portal or a company proxy sends it."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
    send(scene.connection, page, content_type=HTML)


def server_error(code: int, reason: str) -> Callable[[Scene], Awaitable[None]]:
    """A 5xx as the gateway in front of WeChat would send it: a page, not JSON."""

    async def play_it(scene: Scene) -> None:
        page = (
            f"<html><head><title>{code} {reason}</title></head><body><h1>{code} {reason}</h1></body></html>"
        )
        send(scene.connection, page.encode(), status=(code, reason), content_type=HTML)

    return play_it


async def truncated(scene: Scene) -> None:
    """Half of the bytes that Content-Length promised, then the connection closes."""
    body = to_json(scene.answer)
    await _send_head(scene.connection, len(body), chunk=body[: len(body) // 2])
    scene.connection.close()


async def cut(scene: Scene) -> None:
    """Sound HTTP, but the JSON stops in the middle."""
    body = to_json(scene.answer)
    send(scene.connection, body[: len(body) // 2])


async def array(scene: Scene) -> None:
    """JSON, but not an object."""
    send_json(scene.connection, [scene.answer])


async def no_openid(scene: Scene) -> None:
    """Looks like a success and says nobody's name."""
    send_json(scene.connection, {key: value for key, value in scene.answer.items() if key != "openid"})


async def bad_utf8(scene: Scene) -> None:
    """An object whose last value holds bytes that are no UTF-8."""
    body = to_json(scene.answer)
    send(scene.connection, body[:-1] + b',"extra":"\xff\xfe\xc0"}')


async def huge(scene: Scene) -> None:
    """A body far beyond any answer of WeChat's, for as long as the client takes it."""
    left = scene.fault.size
    await _send_head(scene.connection, left)
    chunk = b" " * CHUNK
    while left > 0:
        await scene.connection.write(chunk[:left])
        left -= CHUNK
    scene.connection.finish()


async def gzip_bomb(scene: Scene) -> None:
    """Small on the wire, `size` bytes once unpacked, and sent whether or not the client accepts gzip."""
    body = _bomb(scene.fault.size)
    send(scene.connection, body, headers={"Content-Encoding": "gzip"})


async def redirect(scene: Scene) -> None:
    """302 to somewhere else; WeChat never does that, a hijacked network does."""
    location = scene.fault.location or scene.redirect_to
    send(scene.connection, b"", status=(302, "Found"), headers={"Location": location})


FAULTS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "errcode": errcode,
    "string_errcode": string_errcode,
    "slow": slow,
    "drip": drip,
    "hang": hang,
    "reset": reset,
    "disconnect": disconnect,
    "empty": empty,
    "http_500": server_error(500, "Internal Server Error"),
    "http_502": server_error(502, "Bad Gateway"),
    "http_503": server_error(503, "Service Unavailable"),
    "html": html,
    "truncated": truncated,
    "cut": cut,
    "array": array,
    "no_openid": no_openid,
    "bad_utf8": bad_utf8,
    "huge": huge,
    "gzip_bomb": gzip_bomb,
    "redirect": redirect,
}


def _send_head(
    connection: HTTP1Connection,
    length: int,
    status: tuple[int, str] = OK,
    content_type: str = TEXT,
    headers: Mapping[str, str] | None = None,
    chunk: bytes = b"",
) -> Awaitable[None]:
    fields = HTTPHeaders(
        {"Connection": "keep-alive", "Content-Type": content_type, "Content-Length": str(length)}
    )
    for name, value in (headers or {}).items():
        fields[name] = value
    return connection.write_headers(ResponseStartLine("HTTP/1.1", *status), fields, chunk)


@functools.lru_cache(maxsize=2)
def _bomb(size: int) -> bytes:
    """The gzip of `size` spaces, made piecemeal so that it does not burst here."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    pieces = (packer.compress(b" " * min(2**20, size - start)) for start in range(0, size, 2**20))
    return b"".join([*pieces, packer.flush()])
