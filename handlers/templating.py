"""The templates, in both languages. Imported with the first page that is shown: the libraries cost time and memory."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from babel.dates import format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from handlers.icons import icon
from handlers.language import Language
from handlers.times import exact_time
from handlers.translations import translations
from passport.views.handles import handle_of, pattern_of
from passport.views.locales import in_one_unit, locale_of
from passport.views.refusal_words import what_happened
from passport.views.tongue import Tongue

TEMPLATES_PATH = Path(__file__).resolve().parent.parent / "templates"
_NEAR = timedelta(hours=24)


@pass_context
def refusal_name(context: Context, error: str) -> str:
    """What happened, as a sentence in the page's language, for an error code; no time is in it."""

    def translate(text: str) -> str:
        return str(context.call(context["gettext"], text))

    return what_happened(error, Tongue(translate, chinese=context["frame"].language == "zh", exact=str))


def _ago(distance: timedelta, language: Language) -> str:
    text = format_timedelta(-distance, add_direction=True, locale=locale_of(language))
    # Babel's is “36秒钟前”, where all other words of ours stand apart from their number.
    return re.sub(r"(\d+)", r"\1 ", text).replace("秒钟", "秒") if language == "zh" else text


@pass_context
def when(context: Context, moment: datetime | None) -> Markup:
    """`<time>`: “3 hours ago” or “14 Nov 2026, 08:30”, with the exact time on hover; a dash for None."""
    if moment is None:
        return Markup('<span class="text-secondary">–</span>')
    frame: Any = context["frame"]
    exact = exact_time(moment, frame.zone, frame.language)
    text = exact.rpartition(":")[0]
    distance = datetime.now(UTC) - moment
    if abs(distance) < _NEAR:
        text = _ago(distance, frame.language)
    form = '<time datetime="{}" title="{}">{}</time>'
    return Markup(form).format(  # noqa: S704  format() escapes
        moment.astimezone(UTC).isoformat(timespec="seconds"), exact, text
    )


@pass_context
def at(context: Context, moment: datetime | None) -> Markup:
    """`<time>` with the exact time in words."""
    if moment is None:
        return Markup('<span class="text-secondary">–</span>')
    frame: Any = context["frame"]
    form = '<time datetime="{}">{}</time>'
    stamp = moment.astimezone(UTC).isoformat(timespec="seconds")
    return Markup(form).format(  # noqa: S704  format() escapes
        stamp, exact_time(moment, frame.zone, frame.language)
    )


def load_templates(folder: Path, language: Language = "zh") -> Environment:
    """The templates in this language, each compiled when it is first shown, unless `compile_templates` came before."""
    environment = Environment(
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "icon": icon,
        "when": when,
        "at": at,
        "in_one_unit": in_one_unit,
        "handle_of": handle_of,
        "pattern_of": pattern_of,
        "refusal_name": refusal_name,
    }
    return environment


_templates: dict[Language, Environment] = {}


def templates(language: Language) -> Environment:
    """Ours, in this language."""
    if language not in _templates:
        _templates[language] = load_templates(TEMPLATES_PATH, language)
    return _templates[language]


def compile_templates(environment: Environment) -> None:
    """Compile them all. It takes half a second, so the server does it in a thread, once it serves.

    Raises:
        jinja2.TemplateSyntaxError: there is a fault in one.
    """
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)
