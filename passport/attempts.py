"""What is learnt of a request while it is served, so that a refusal can be recorded with whom it met.

The base handler begins an attempt for each request; the domain notes what it learns, wherever it learns it, and needs
no argument for that all the way down. Nothing is decided by it. Outside of a request, noting does nothing.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(slots=True)
class Attempt:
    """Who tried, as far as that came out. The openid stays in memory: what is kept is a digest."""

    appid: str | None = None
    account_id: str | None = None
    openid: str | None = field(default=None, repr=False)


_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def begin(attempt: Attempt) -> None:
    """From here on this request, with all that it starts, notes into this attempt."""
    _current.set(attempt)


def learnt(*, appid: str | None = None, account_id: str | None = None, openid: str | None = None) -> None:
    """Note what came out; None leaves what is known."""
    attempt = _current.get()
    if attempt is None:
        return
    attempt.appid = appid or attempt.appid
    attempt.account_id = account_id or attempt.account_id
    attempt.openid = openid or attempt.openid
