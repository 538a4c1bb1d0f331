"""How the pages' languages write times. Babel is imported with the first time that is shown."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_LOCALES = {"zh": "zh_CN", "en": "en_GB"}


@cache
def locale_of(language: str) -> Locale:
    """Babel's words for the language. Told its name alone, Babel would seek that among all there are, for each time."""
    from babel import Locale

    return Locale.parse(_LOCALES[language])


def in_one_unit(duration: timedelta) -> tuple[int, str]:
    """A time from the configuration in the largest unit that it is a multiple of: (90, "day")."""
    seconds = duration.total_seconds()
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return int(seconds // size), unit
    return round(seconds * 1000), "millisecond"
