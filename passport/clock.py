"""The time, as an argument: whoever needs it takes a `Now`, so that a test can say what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The present as an aware UTC datetime, in whole milliseconds because MongoDB keeps no more."""
    return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T08:30:00.123Z` (RFC 3339, UTC, milliseconds), as every time on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
