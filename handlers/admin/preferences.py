"""`POST /admin/preferences`: the language and the theme, kept in this browser."""

from __future__ import annotations

from handlers.admin.next_page import safe_next
from handlers.admin.page import AdminPage

_YEAR = 365 * 86400
_CHOICES = {"lang": ("zh", "en"), "theme": ("light", "dark", "auto")}


class PreferencesPage(AdminPage):
    """Anybody may choose, signed in or not."""

    async def submit(self) -> None:
        """303 back to where they were, with what they chose."""
        for name, allowed in _CHOICES.items():
            if chosen := self.form.choice(name, allowed, ""):
                self.keep_cookie(name, chosen, max_age=_YEAR)
        self.see_other(safe_next(self.form.text("next", most=2_000)))
