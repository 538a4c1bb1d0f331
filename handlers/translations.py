"""The dashboard's words: English where they stand, Chinese from the catalogues in `locale/` (gettext).

Read from the `.po` files at the start, so that a translation is changed by changing a text file.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from handlers.language import Language

# Babel is imported with the first page that is shown.
if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from babel.support import NullTranslations

LOCALE_PATH = Path(__file__).resolve().parent.parent / "locale"


def N_(text: str) -> str:  # noqa: N802  gettext's own name for: to be translated where it is shown
    """The text as it is, marked for the catalogues."""
    return text


@cache
def translations(language: Language) -> NullTranslations:
    """gettext and ngettext of the language; English needs no catalogue."""
    from babel.messages.mofile import write_mo
    from babel.support import NullTranslations, Translations

    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, merged_catalogue(LOCALE_PATH / language))
    compiled.seek(0)
    return Translations(compiled)


def merged_catalogue(folder: Path) -> Catalog:
    """All catalogues of a folder as one.

    Raises:
        ValueError: two of them give one text different translations, and only one could win.
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    merged = Catalog(locale="zh_CN")
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_CN"):
                known = merged.get(message.id, message.context) if message.id else None
                if known is not None and known.string != message.string:
                    raise ValueError(f"{path.name}: {message.id!r} is translated otherwise elsewhere")
                if message.id:
                    merged[message.id] = message
    return merged
