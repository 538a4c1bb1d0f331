"""How templates are loaded: all at once, escaping, and strict about what they are given."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from handlers.language import Language
from handlers.templating import compile_templates, load_templates, templates


def test_a_template_with_a_fault_is_found_by_compiling_them_all(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{% if %}")
    with pytest.raises(jinja2.TemplateSyntaxError):
        compile_templates(load_templates(tmp_path))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_of_our_templates_compiles(language: Language) -> None:
    compile_templates(templates(language))


def test_a_template_escapes_what_it_shows_and_trips_over_what_it_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }}")
    page = load_templates(tmp_path).get_template("page.html")
    assert page.render(name="<b>") == "&lt;b&gt;"
    with pytest.raises(jinja2.UndefinedError):
        page.render()
