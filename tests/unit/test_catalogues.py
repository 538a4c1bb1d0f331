"""The Chinese catalogues hold every text of the dashboard, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir

from handlers.translations import LOCALE_PATH, merged_catalogue

ROOT = Path(__file__).resolve().parents[2]
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def texts_shown() -> dict[object, str]:
    """Every text to translate, and where it stands."""
    found: dict[object, str] = {}
    for folder in ("handlers", "templates", "passport", "playground"):
        for name, line, text, _, _ in extract_from_dir(
            ROOT / folder, method_map=_METHODS, keywords=_KEYWORDS
        ):
            found[text] = f"{folder}/{name}:{line}"
    return found


def texts_translated() -> dict[object, object]:
    return {message.id: message.string for message in merged_catalogue(LOCALE_PATH / "zh") if message.id}


def test_every_text_is_translated() -> None:
    translated = texts_translated()
    assert {text: place for text, place in texts_shown().items() if not translated.get(text)} == {}


def test_no_translation_is_left_over() -> None:
    assert set(texts_translated()) - set(texts_shown()) == set()


def test_a_translation_names_the_same_parameters() -> None:
    def parameters(text: object) -> set[str]:
        texts = text if isinstance(text, tuple | list) else [text]
        return {name for each in texts for name in re.findall(r"%\((\w+)\)", str(each))}

    odd = {
        text: string for text, string in texts_translated().items() if parameters(text) != parameters(string)
    }
    assert odd == {}
