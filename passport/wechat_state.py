"""What all processes together know of WeChat: each tells what it sees, and the dashboard puts it together."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from passport.clock import Now
from passport.models import WeChatReport, WeChatTrouble
from passport.store.wechat_health import WeChatHealthStore
from passport.wechat.health import Health

# How often a process that holds calls back says so, and for how long it is believed.
_REMINDED = timedelta(seconds=30)
_BELIEVED = timedelta(seconds=90)
# Older answers say nothing of how fast WeChat is now.
_RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class WeChatState:
    """How WeChat does.

    Args:
        latency: in seconds, over the processes that called it in the last hour; None when none did.
        answered_at: when it last answered.
        held_back: the calls that some process does not make at present.
        trouble: the last one.
    """

    latency: float | None
    answered_at: datetime | None
    held_back: tuple[str, ...]
    trouble: WeChatTrouble | None


class WeChatStates:
    """Tells what this process sees, and what all do.

    Args:
        store: shared by all processes.
        health: of this one.
        held_back: the calls that this one does not make at present.
        now: the clock.
    """

    def __init__(
        self,
        *,
        store: WeChatHealthStore,
        health: Health,
        held_back: Callable[[], tuple[str, ...]],
        now: Now,
    ) -> None:
        self._store, self._health, self._held_back, self._now = store, health, held_back, now
        self._process = secrets.token_hex(8)
        self._told: WeChatReport | None = None

    async def tell(self) -> None:
        """Write down what changed since the last time.

        Raises:
            StoreUnavailable: the next time tells it.
        """
        report = self._report()
        if self._is_known(report):
            return
        await self._store.put(self._process, report)
        self._told = report

    async def read(self) -> WeChatState:
        """What all processes know. Raises StoreUnavailable."""
        return summed_up(await self._store.all(), self._now())

    def _report(self) -> WeChatReport:
        health = self._health
        return WeChatReport(
            self._now(), health.latency, health.answered_at, self._held_back(), health.trouble
        )

    def _is_known(self, report: WeChatReport) -> bool:
        told = self._told
        if told is None:
            return report.answered_at is None and report.trouble is None
        same = (told.answered_at, told.held_back, told.trouble) == (
            report.answered_at,
            report.held_back,
            report.trouble,
        )
        return same and not (report.held_back and report.at - told.at >= _REMINDED)


def summed_up(reports: Sequence[WeChatReport], now: datetime) -> WeChatState:
    """One state out of what the processes told."""
    answers = [each.answered_at for each in reports if each.answered_at]
    troubles = [each.trouble for each in reports if each.trouble]
    recent = [
        each.latency
        for each in reports
        if each.latency is not None and each.answered_at is not None and now - each.answered_at <= _RECENT
    ]
    held_back = {call for each in reports if now - each.at <= _BELIEVED for call in each.held_back}
    return WeChatState(
        latency=sum(recent) / len(recent) if recent else None,
        answered_at=max(answers, default=None),
        held_back=tuple(sorted(held_back)),
        trouble=max(troubles, key=lambda each: each.at, default=None),
    )
