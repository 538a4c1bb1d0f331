"""Every address below /admin without a page."""

from __future__ import annotations

from handlers.admin.page import AdminPage
from passport.errors.dashboard import PageNotFound


class MissingPage(AdminPage):
    """Only who is signed in is told that it is not there."""

    async def get(self) -> None:
        """404."""
        raise PageNotFound

    async def submit(self) -> None:
        """404."""
        raise PageNotFound
