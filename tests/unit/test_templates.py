"""How templates are loaded: all at once, escaping, and strict about what they are given."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from handlers.pages import load_templates


def test_a_template_with_a_fault_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{% if %}")
    with pytest.raises(jinja2.TemplateSyntaxError):
        load_templates(tmp_path)


def test_a_template_escapes_what_it_shows_and_trips_over_what_it_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }}")
    page = load_templates(tmp_path).get_template("page.html")
    assert page.render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(jinja2.UndefinedError):
        page.render()
