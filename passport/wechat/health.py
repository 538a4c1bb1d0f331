"""How WeChat does, as this process sees it: how fast it answers, and what went wrong last. In memory and pure.

Only what is WeChat's or the operator's affair counts as wrong; that a code was wrong is the mini-program's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

from passport.clock import Now, utc_now
from passport.errors import PassportError, ServerMisconfigured, SlowDown, TemporarilyUnavailable
from passport.models import WeChatTrouble

Event = Literal["wechat_calls", "wechat_failures", "quota_hits"]
# WeChat: the daily quota of a call is used up; calls come too often.
QUOTA_ERRCODES = frozenset({45009, 45011})
# The weight of the latest call: what was a dozen calls ago hardly counts.
_WEIGHT = 0.2
_TROUBLES = (ServerMisconfigured, SlowDown, TemporarilyUnavailable)


def _uncounted(event: Event, appid: str) -> None:
    """Nobody counts."""


class Health:
    """What the calls of this process met.

    Args:
        now: the clock.
        count: told of each call, failure and hit of a quota, with the appid.
    """

    def __init__(self, *, now: Now = utc_now, count: Callable[[Event, str], None] = _uncounted) -> None:
        self._now, self._count = now, count
        self.latency: float | None = None
        self.answered_at: datetime | None = None
        self.trouble: WeChatTrouble | None = None

    @contextmanager
    def watching(self, call: str, appid: str) -> Iterator[None]:
        """Time a call and note how it ended."""
        began = time.monotonic()
        self._count("wechat_calls", appid)
        try:
            yield
        except TimeoutError:
            self._failed(call, appid, "no answer in time")
            raise
        except PassportError as error:
            if isinstance(error, _TROUBLES):
                self._refused(call, appid, error)
            if error.wechat_errcode is not None:
                self._answered(time.monotonic() - began)
            raise
        else:
            self._answered(time.monotonic() - began)

    def _answered(self, seconds: float) -> None:
        known = self.latency
        self.latency = seconds if known is None else known + _WEIGHT * (seconds - known)
        self.answered_at = self._now()

    def _refused(self, call: str, appid: str, error: PassportError) -> None:
        if error.wechat_errcode in QUOTA_ERRCODES:
            self._count("quota_hits", appid)
        cause = type(error.__cause__).__name__ if error.__cause__ else ""
        self._failed(call, appid, cause, errcode=error.wechat_errcode, rid=error.rid)

    def _failed(
        self, call: str, appid: str, cause: str, *, errcode: int | None = None, rid: str | None = None
    ) -> None:
        self._count("wechat_failures", appid)
        self.trouble = WeChatTrouble(call, appid, errcode, rid, cause, self._now())
