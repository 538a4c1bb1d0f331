"""`GET /admin`: what an operator looks at first."""

from __future__ import annotations

from handlers.admin.page import AdminPage


class OverviewPage(AdminPage):
    """The state of the service at a glance."""

    async def get(self) -> None:
        """200."""
        self.show("admin/overview.html", None)
