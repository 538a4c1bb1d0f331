"""What the endpoints under `/demo/` share: for pages of this server alone, and by a loopback name alone."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, StringConstraints
from tornado.web import HTTPError

from handlers.base import APIHandler
from passport.errors import InvalidRequest, PassportError, UnsupportedMediaType
from passport.errors.base import Hint
from sandbox.faults import is_loopback
from sandbox.people import NAME
from sandbox.server import StandIn

Visitor = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]


class ByVisitor(BaseModel):
    """A body that says only who it is about."""

    user: Visitor


class Foreign(InvalidRequest):
    """The request came from a page of another site, or by a name that is not this machine's."""

    description = "Only a page of this server, opened by a loopback address, may call this."
    hint = Hint(
        zh="请在本机浏览器中打开演示页 /demo，由页面自己调用。",
        en="Open /demo in a browser on this machine; the page calls this by itself.",
    )


class DemoEndpoint(APIHandler):
    """A JSON endpoint that plays WeChat or fate for one visitor of the playground."""

    needs_database = False

    def initialize(self, stand_in: StandIn) -> None:  # type: ignore[override]  # Tornado passes the route's arguments
        """`stand_in` is the WeChat that is acted on."""
        super().initialize()
        self.stand_in = stand_in

    def check_trusted_origin(self, origin: str) -> bool:
        """None but ours: these calls ask for no token, so the page they come from is all that there is to trust."""
        return False

    def set_default_headers(self) -> None:
        """For our own pages alone."""
        super().set_default_headers()
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def prepare(self) -> Awaitable[None] | None:
        """Refuse a foreign name, which a DNS answer can point at this machine, and a body that any form could send."""
        if not is_own_name(self.request.headers.get("Host", "")):
            raise Foreign
        if self.request.method == "POST":
            media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if media_type != "application/json":
                raise UnsupportedMediaType
        return super().prepare()

    def refusal_for(self, status: int, error: BaseException | None) -> PassportError:
        """Tornado's own 403 is about where the request came from."""
        if isinstance(error, HTTPError) and status == HTTPStatus.FORBIDDEN:
            return Foreign()
        return super().refusal_for(status, error)


def is_own_name(host: str) -> bool:
    """Whether a Host header names this machine as itself.

    Args:
        host: such as `127.0.0.1:8000`, `localhost:8000` or `[::1]:8000`.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or is_loopback(name)
