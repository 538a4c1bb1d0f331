"""How the pages' languages write times. Babel is imported with the first time that is shown."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

_LOCALES = {"zh": "zh_CN", "en": "en_GB"}


@cache
def locale_of(language: str) -> Locale:
    """Babel's words for the language. Told its name alone, Babel would seek that among all there are, for each time."""
    from babel import Locale

    return Locale.parse(_LOCALES[language])
