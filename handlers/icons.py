"""The icons of the dashboard: Tabler's, drawn into the page, so that none is a request of its own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

_FOLDER = Path(__file__).resolve().parents[1] / "static/vendor/tabler-icons-3.51.0"


@cache
def icon(name: str) -> Markup:
    """The icon as SVG that screen readers skip: the words beside it say the same.

    Raises:
        FileNotFoundError: copy it from the npm package into static/vendor.
    """
    drawing = (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    drawing = re.sub(r'class="[^"]*"', 'class="icon" aria-hidden="true"', drawing, count=1)
    return Markup(drawing)  # noqa: S704  our own file
