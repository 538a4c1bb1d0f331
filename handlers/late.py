"""The application, whose dashboard is imported with the first request for one of its pages.

Many servers have nobody at the dashboard, and it is 4 MB of memory and a tenth of a start's CPU. A fault in what is
imported late would show late, so the tests ask for all of it.
"""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import Application


class LateApplication(Application):
    """Tornado's own, with `/admin` added when it is asked for."""

    def find_handler(self, request: HTTPServerRequest, **options: Any) -> Any:
        """Who answers the request."""
        if request.path.startswith("/admin"):
            self.add_dashboard()
        return super().find_handler(request, **options)

    def reverse_url(self, name: str, *arguments: Any) -> str:
        """The path of the route with this name. Raises KeyError when there is none."""
        if name.startswith("admin-"):
            self.add_dashboard()
        return super().reverse_url(name, *arguments)

    def add_dashboard(self) -> None:
        """Import it and add its routes, unless that was done."""
        from handlers.admin import admin_urls

        if "admin-overview" not in self.wildcard_router.named_rules:
            self.wildcard_router.add_rules(admin_urls())
