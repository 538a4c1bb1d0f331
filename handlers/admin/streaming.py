"""Send a download of any length: piece by piece, as fast as the client takes it, in constant memory."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

from passport.errors import PassportError
from passport.exports import Format, Row

log = logging.getLogger("wxpassport.export")

# Seconds for which a client may take nothing before it is given up: it holds a cursor of the database.
PATIENCE = 30.0
_NAME = re.compile(r"[a-z0-9-]{1,40}")


async def send_rows(
    handler: RequestHandler,
    batches: AsyncGenerator[Sequence[Row], None],
    *,
    form: Format,
    name: str,
    at: datetime,
    patience: float = PATIENCE,
) -> None:
    """Answer with all rows as an attachment, and finish.

    The next batch is asked for when the client has taken the one before. When the client goes, or takes nothing for
    `patience` seconds, or a batch cannot be had, the connection is cut without the end that HTTP's chunked coding has
    (RFC 9112 section 7.1): whoever downloads sees that it is not whole. The batches are closed in any case.

    Args:
        handler: of this request; its role was checked, and it has written nothing yet.
        batches: the rows, a few hundred at a time: as many are in memory.
        form: how to write them.
        name: the file's name without time and suffix, in lower-case ASCII: `users`.
        at: the present.
    """
    file_name = f"{_ascii(name)}-{at:%Y%m%dT%H%M%SZ}.{form.name}"
    if handler.request.method == "HEAD":
        _announce(handler, form, file_name)
        handler.finish()
        return
    async with aclosing(batches):
        # What refuses at once, such as a database that is away, is still answered by a page.
        first = await anext(batches, None)
        _announce(handler, form, file_name)
        try:
            await _send(handler, form.head() + (await _encoded(form, first) if first else b""), patience)
            async for batch in batches:
                await _send(handler, await _encoded(form, batch), patience)
        except StreamClosedError:
            _cut(handler, "the client went")
        except TimeoutError:
            _cut(handler, "the client took nothing")
        except PassportError as error:
            _cut(handler, error.code)
        except Exception as error:
            # Logged here: the answer has begun, so nobody else can tell of it any more.
            log.error("uncaught", exc_info=error, extra={"request_id": getattr(handler, "request_id", None)})
            _cut(handler, "our fault")
        except BaseException:
            _cut(handler, "stopped")
            raise
        else:
            handler.finish()


async def _encoded(form: Format, batch: Sequence[Row]) -> bytes:
    # In a thread, since it would hold the event loop for 10 ms each time.
    return await asyncio.to_thread(form.rows, batch)


def _announce(handler: RequestHandler, form: Format, file_name: str) -> None:
    handler.set_header("Content-Type", form.media_type)
    handler.set_header("Content-Disposition", f'attachment; filename="{file_name}"')
    handler.set_header("Cache-Control", "no-store")


def _ascii(name: str) -> str:
    assert _NAME.fullmatch(name), "the name goes into a header"
    return name


async def _send(handler: RequestHandler, piece: bytes, patience: float) -> None:
    """Write, and wait until the client has taken it."""
    if _stream(handler).closed():
        raise StreamClosedError
    handler.write(piece)
    # Tornado forgets whoever waits for a write when the connection ends, so the wait has an end of its own.
    async with asyncio.timeout(patience):
        await handler.flush()


def _cut(handler: RequestHandler, why: str) -> None:
    log.info("export cut short", extra={"reason": why})
    _stream(handler).close()
    if not handler._finished:
        handler.finish()


def _stream(handler: RequestHandler) -> IOStream:
    connection = handler.request.connection
    assert isinstance(connection, HTTP1Connection)
    return connection.stream
