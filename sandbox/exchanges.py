"""What a server and WeChat said to each other, for people to look at: whose code, when, the question and the answer.

No secret is kept: AppSecret, session_key and access_token are blotted out before anything is noted.
"""

import itertools
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.iostream import IOStream

MAX_EXCHANGES = 1_000
# As much of an answer as a person reads.
MAX_BODY = 4_096
BLOT = "[secret]"
SECRET_FIELDS = ("secret", "access_token")
# In text and not in parsed JSON, since an answer may be cut off in the middle; the closing quote may be missing.
_SECRET_MEMBERS = re.compile(r'("(?:session_key|access_token)"\s*:\s*")[^"]*')


@dataclass(slots=True)
class Exchange:
    """One call to WeChat. Times are Unix times; `answered_at` is None while WeChat has not finished."""

    number: int
    method: str
    path: str
    fields: Mapping[str, Any]
    code: str
    user: str | None
    arrived_at: float
    answered_at: float | None = None
    status: int | None = None
    content_type: str = ""
    body: bytearray = field(default_factory=bytearray, repr=False)

    def describe(self) -> dict[str, Any]:
        """For JSON: everything but secrets."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "fields": dict(self.fields),
            "code": self.code,
            "user": self.user,
            "arrived_at": self.arrived_at,
            "answered_at": self.answered_at,
            "status": self.status,
            "content_type": self.content_type,
            "body": blotted(self.body.decode("utf-8", "replace")),
        }


class Exchanges:
    """The recent exchanges, oldest first."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._numbers = itertools.count(1)
        self._recent: deque[Exchange] = deque(maxlen=MAX_EXCHANGES)

    def begin(
        self,
        connection: HTTP1Connection,
        method: str,
        path: str,
        fields: Mapping[str, Any],
        user: str | None,
    ) -> "Heard":
        """Note a question; its answer is noted when it is sent through what is returned."""
        kept = {name: BLOT if name in SECRET_FIELDS else value for name, value in fields.items()}
        code = str(fields.get("js_code", "") or fields.get("code", ""))
        exchange = Exchange(next(self._numbers), method, path, kept, code, user, self._now())
        self._recent.append(exchange)
        return Heard(connection, exchange, self._now)

    def of(self, user: str) -> list[Exchange]:
        """Those about this person's codes."""
        return [each for each in self._recent if each.user == user]

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._recent)


class Heard:
    """A connection that is listened to: the part of Tornado's HTTP1Connection that `sandbox.wire` uses."""

    def __init__(self, connection: HTTP1Connection, exchange: Exchange, now: Callable[[], float]) -> None:
        self._connection, self._exchange, self._now = connection, exchange, now

    @property
    def stream(self) -> IOStream:
        """Whoever asks for it means to break the connection."""
        return self._connection.stream

    def write_headers(
        self, start_line: ResponseStartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> Awaitable[None]:
        """As Tornado's."""
        self._exchange.status = start_line.code
        self._exchange.content_type = headers.get("Content-Type", "")
        self._keep(chunk or b"")
        return self._connection.write_headers(start_line, headers, chunk)

    def write(self, chunk: bytes) -> Awaitable[None]:
        """As Tornado's."""
        self._keep(chunk)
        return self._connection.write(chunk)

    def finish(self) -> None:
        """As Tornado's."""
        self._exchange.answered_at = self._now()
        self._connection.finish()

    def close(self) -> None:
        """As Tornado's."""
        self._exchange.answered_at = self._now()
        self._connection.close()

    def _keep(self, chunk: bytes) -> None:
        self._exchange.body += chunk[: MAX_BODY - len(self._exchange.body)]


def blotted(text: str) -> str:
    """The text without the values of secret members, also where it stops in the middle of one."""
    return _SECRET_MEMBERS.sub(rf"\1{BLOT}", text)
