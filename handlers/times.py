"""How the dashboard tells times: near ones as a distance, others as a date, always with the exact one beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from babel.dates import format_datetime, format_timedelta
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

_NEAR = timedelta(hours=24)
_LOCALES = {"zh": "zh_CN", "en": "en_GB"}


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
        text = format_timedelta(-distance, add_direction=True, locale=_LOCALES[frame.language])
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


def exact_time(moment: datetime, zone: Any, language: str) -> str:
    """`2026-11-22 16:30:05` in the zone for Chinese, `22 Nov 2026, 16:30:05` for English."""
    pattern = "yyyy-MM-dd HH:mm:ss" if language == "zh" else "d MMM yyyy, HH:mm:ss"
    return format_datetime(moment, pattern, tzinfo=zone, locale=_LOCALES[language])
