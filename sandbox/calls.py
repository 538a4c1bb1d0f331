"""What the stand-in was asked: totals for ever, the calls themselves for as long as they are recent."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from sandbox.recent import Recent

MAX_CALLS = 1_000
MAX_CODES = 10_000
# A made-up code may be as long as a URL; the count needs its beginning only.
MAX_CODE_LENGTH = 128
CODE2SESSION = "/sns/jscode2session"


class Call(NamedTuple):
    """One call to WeChat. `outcome` is `ok`, the errcode WeChat answered, or the mode of the fault."""

    appid: str
    code: str
    outcome: str


class Calls:
    """`total`, `of(code)` and `at(path)` count, iteration gives the recent calls, oldest first."""

    def __init__(self) -> None:
        self.total = 0
        self.redirects_followed = 0
        self._recent: deque[Call] = deque(maxlen=MAX_CALLS)
        self._per_code: Recent[str, int] = Recent(MAX_CODES)
        self._per_path: Counter[str] = Counter()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def note(self, appid: str, code: str, outcome: str, path: str = CODE2SESSION) -> None:
        call = Call(appid[:MAX_CODE_LENGTH], code[:MAX_CODE_LENGTH], outcome)
        self.total += 1
        self._per_path[path] += 1
        self._recent.append(call)
        self._per_code[call.code] = self._per_code.get(call.code, 0) + 1
        if self._waiting:
            self._wake()

    def of(self, code: str) -> int:
        """How often this code was sent, whatever became of it."""
        return self._per_code.get(code[:MAX_CODE_LENGTH], 0)

    def at(self, path: str) -> int:
        """How often this path of WeChat's was called, such as `/cgi-bin/stable_token`."""
        return self._per_path[path]

    def clear(self) -> None:
        self.total = self.redirects_followed = 0
        self._recent.clear()
        self._per_code.clear()
        self._per_path.clear()

    async def reach(self, total: int) -> None:
        """Return as soon as that many calls have arrived, answered or not: instead of a sleep in a test."""
        if self.total < total:
            arrived = asyncio.get_running_loop().create_future()
            self._waiting.append((total, arrived))
            await arrived

    def describe(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "redirects_followed": self.redirects_followed,
            "per_code": dict(self._per_code),
            "per_path": dict(self._per_path),
            "recent": [call._asdict() for call in self._recent],
        }

    def __len__(self) -> int:
        return len(self._recent)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._recent)

    def _wake(self) -> None:
        reached = [arrived for total, arrived in self._waiting if total <= self.total]
        self._waiting = [(total, arrived) for total, arrived in self._waiting if total > self.total]
        for arrived in reached:
            if not arrived.done():
                arrived.set_result(None)
