"""What a browser sees: the base of every page, the home page, and the static files.

Templates get a `Frame` and a view of their own, both frozen, and nothing else: no settings, no documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, StaticFileHandler, stream_request_body

from handlers.base import APIHandler, BaseHandler
from handlers.language import Language, preferred_language
from passport.errors import NotFound, PassportError
from passport.public_address import address_faults, origin, public_address

ROOT = Path(__file__).resolve().parent.parent
STATIC_PATH = ROOT / "static"

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_LANGUAGES: dict[bytes, Language] = {b"zh": "zh", b"en": "en"}
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PLACEHOLDER = "https://login.example.com"


@dataclass(frozen=True)
class Frame:
    """What the frame around every page needs to know.

    Args:
        language: the page's.
        chosen: whether the URL asked for it, so that links within the site ask for it again.
    """

    language: Language
    chosen: bool

    @property
    def zh(self) -> bool:
        """`{% if frame.zh %}…{% else %}…{% endif %}` is how templates speak both languages."""
        return self.language == "zh"

    @property
    def home_url(self) -> str:
        """The home page, in the language chosen."""
        return f"/?lang={self.language}" if self.chosen else "/"


@dataclass(frozen=True)
class ErrorView:
    """A refusal, as a person reads it."""

    status: int
    error: str
    description: str
    cure: str
    request_id: str


@dataclass(frozen=True)
class HomeView:
    """The state of this server and what a developer enters in the mini-program.

    Args:
        problem: why no request can be served now, as `/readyz` says it.
        domain: what to enter as the request domain; None when server.public_url is not set.
        domain_works: whether WeChat takes that domain: https, and a name.
        base_url: the address in the example.
        playground: whether this server has the demo's page that shows a login.
    """

    problem: str | None
    domain: str | None
    domain_works: bool
    base_url: str
    playground: bool


# The body goes unread: no page takes one, and Tornado's own parsing of forms is no match for a hostile one.
@stream_request_body
class PageHandler(BaseHandler):
    """An HTML page, in Chinese or English, that runs no script and loads nothing from elsewhere."""

    @property
    def frame(self) -> Frame:
        """In the language of `?lang=` when it names one of ours, else in the one the browser prefers."""
        # Raw bytes, because Tornado's accessor raises on a bad one, and an error page needs a language too.
        chosen = _LANGUAGES.get(self.request.query_arguments.get("lang", [b""])[-1])
        preferred = preferred_language(self.request.headers.get("Accept-Language", ""))
        return Frame(language=chosen or preferred, chosen=chosen is not None)

    def set_default_headers(self) -> None:
        """HTML under a strict policy, in a browsing context of its own."""
        super().set_default_headers()
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Vary", "Accept-Language")

    def data_received(self, chunk: bytes) -> None:
        """Let it pass."""

    def show(self, template: str, view: object) -> None:
        """Answer with the template, filled from the view."""
        # The first page of this process waits for the libraries; one that only answers the API has none of them.
        from handlers.templating import templates

        frame = self.frame
        page = templates(frame.language).get_template(template)
        self.finish(page.render(frame=frame, view=view, **self.page_words()))

    def page_words(self) -> dict[str, Any]:
        """What templates may call."""
        return {"url_for": self.url_for, "static_url": self.static_url}

    def url_for(self, name: str, *arguments: object) -> str:
        """The address of a page. Tornado leaves the `?` of a pattern's last slash, which may be there or not."""
        return self.reverse_url(name, *arguments).removesuffix("/?")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every refusal as a page in the same look."""
        refusal = self.refuse(status_code, kwargs.get("exc_info"))
        view = ErrorView(
            status=refusal.status,
            error=refusal.code,
            description=refusal.description,
            cure=refusal.hint.zh if self.frame.zh else refusal.hint.en,
            request_id=self.request_id,
        )
        self.show("error.html", view)


class HomePage(PageHandler):
    """`GET /`: what this is, whether it works, and how to call it."""

    async def get(self) -> None:
        """200, ready or not: the page says which."""
        public_url = self.services.settings.server.public_url
        view = HomeView(
            problem=await self.services.readiness.problem(),
            domain=origin(public_url) if public_url else None,
            domain_works=not address_faults(public_url),
            base_url=public_address(self.services.settings) or self._address_used(),
            playground="playground" in self.application.wildcard_router.named_rules,
        )
        self.show("home.html", view)

    head = get

    def _address_used(self) -> str:
        # The browser's own words, so they tell it nothing new; anything but an address is not repeated.
        host = self.request.headers.get("Host", "")
        return f"{self.request.protocol}://{host}" if _HOST.fullmatch(host) else _PLACEHOLDER


class StaticHandler(APIHandler, StaticFileHandler):
    """`/static/…`: kept by the browser for a year when asked for by content (`static_url`), else checked each time."""

    needs_database = False

    def initialize(self, path: str) -> None:  # type: ignore[override]  # Tornado passes the route's arguments
        """Serve what is below the path."""
        APIHandler.initialize(self)
        StaticFileHandler.initialize(self, path)

    def set_default_headers(self) -> None:
        """For our own pages alone."""
        super().set_default_headers()
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def parse_url_path(self, url_path: str) -> str:
        """No file name holds a NUL, and the system's calls choke on one."""
        if "\0" in url_path:
            raise NotFound
        return super().parse_url_path(url_path)

    @classmethod
    def get_content_version(cls, abspath: str) -> str:
        """Enough of the digest to tell two versions apart."""
        return super().get_content_version(abspath)[:16]

    def compute_etag(self) -> str | None:
        """The content's. Tornado asks for it before set_extra_headers() says that it may be stored."""
        return StaticFileHandler.compute_etag(self)

    def set_extra_headers(self, path: str) -> None:
        """Long caching, unless the URL names another version than the one it gets."""
        version = self.get_version(self.settings, path)
        current = self.request.query == f"v={version}"
        self.set_header("Cache-Control", "public, max-age=31536000, immutable" if current else "no-cache")
        self.clear_header("Expires")

    def refusal_for(self, status: int, error: BaseException | None) -> PassportError:
        """What is no file is not there: folders and paths that lead out look like missing files."""
        if isinstance(error, HTTPError) and status == HTTPStatus.FORBIDDEN:
            return NotFound()
        return super().refusal_for(status, error)
