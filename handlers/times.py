"""How pages tell exact times. Beside them, templates tell near ones as a distance (handlers/templating.py)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from passport.views.locales import locale_of


def exact_time(moment: datetime, zone: Any, language: str) -> str:
    """`2026-11-22 16:30:05` in the zone for Chinese, `22 Nov 2026, 16:30:05` for English."""
    # Imported with the first time that is shown.
    from babel.dates import format_datetime

    pattern = "yyyy-MM-dd HH:mm:ss" if language == "zh" else "d MMM yyyy, HH:mm:ss"
    return format_datetime(moment, pattern, tzinfo=zone, locale=locale_of(language))
