"""How pages tell exact times. Beside them, templates tell near ones as a distance (handlers/templating.py)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

LOCALES = {"zh": "zh_CN", "en": "en_GB"}


def exact_time(moment: datetime, zone: Any, language: str) -> str:
    """`2026-11-22 16:30:05` in the zone for Chinese, `22 Nov 2026, 16:30:05` for English."""
    # Imported with the first time that is shown.
    from babel.dates import format_datetime

    pattern = "yyyy-MM-dd HH:mm:ss" if language == "zh" else "d MMM yyyy, HH:mm:ss"
    return format_datetime(moment, pattern, tzinfo=zone, locale=locale_of(language))


@lru_cache
def locale_of(language: str) -> Any:
    """Babel's locale. By its name, Babel would look for its file with each time that a page tells."""
    from babel import Locale

    return Locale.parse(LOCALES[language])
