"""What every page of the dashboard shares: who is signed in, what they may do, forms, the frame, the toast."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from tornado.web import HTTPError

from handlers.admin.forms import Form
from handlers.admin.next_page import safe_next
from handlers.admin.sections import SECTIONS, section_of
from handlers.admin.told import COOKIE as TOLD_COOKIE
from handlers.admin.told import TOLD, decode_told, encode_told
from handlers.bodies import BODY_LIMIT
from handlers.language import Language, preferred_language
from handlers.pages import ErrorView, PageHandler
from handlers.translations import translations
from passport.errors import MethodNotAllowed, NotFound, PassportError, PayloadTooLarge
from passport.errors.dashboard import InvalidForm, PageNotFound, RoleNeeded, StaleForm
from passport.models import Act, Operator, OperatorSession
from passport.operators.roles import Rank, rank_of
from passport.public_address import public_address

SESSION_COOKIE = "__Host-sid"
# What a form may hold; a selection of a thousand ids is 30 KB.
FORM_LIMIT = BODY_LIMIT
_FORM_TYPE = "application/x-www-form-urlencoded"
_THEMES = ("light", "dark")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Tabler's own CSS draws its ticks and arrows by data:, and users' pictures are WeChat's.
        "img-src 'self' data: https://thirdwx.qlogo.cn https://wx.qlogo.cn",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True)
class Rule:
    """Who may use a route: `see` for GET, `act` for POST, None where there is none. `fresh` asks them again first."""

    see: Rank | None
    act: Rank | None = None
    fresh: bool = False


@dataclass(frozen=True)
class AdminFrame:
    """What the frame around every page of the dashboard needs to know.

    Args:
        language: the operator's choice, else the browser's.
        theme: light or dark when chosen, else `auto`.
        zone: in which times are told.
        path: of this page, with its query, to come back to.
        operator: who is signed in; None on the pages of signing in.
        rank: what they may do.
        told: what the act before this page has to say, once.
    """

    language: Language
    theme: str
    zone: ZoneInfo
    path: str
    operator: Operator | None
    rank: Rank
    told: str | None

    @property
    def zh(self) -> bool:
        """Whether the page is in Chinese."""
        return self.language == "zh"


class AdminPage(PageHandler):
    """A page of the dashboard. Subclasses write `get` and, where the route has a POST, `submit`."""

    def initialize(self, rule: Rule) -> None:  # type: ignore[override]  # Tornado passes the route's arguments
        """Nothing is allowed but what the route's rule says."""
        super().initialize()
        self.rule = rule
        self._body = bytearray()
        self._prepared = False
        self._signed_in: tuple[Operator, OperatorSession] | None = None
        self._form: Form | None = None

    def set_default_headers(self) -> None:
        """Ours alone: scripts and styles as files, pictures of WeChat's avatars, nothing else from elsewhere."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Vary", "Accept-Language, Cookie")
        if (self.services.settings.server.public_url or "").startswith("https:"):
            self.set_header("Strict-Transport-Security", "max-age=31536000; includeSubDomains")

    # Who asks, and whether they may

    async def prepare(self) -> None:
        """Find out who asks, and refuse what their role does not allow; with a POST, once its body is read.

        To refuse before would cost the browser its connection, and now and then the answer with it.
        """
        super().prepare()
        self.settings["dashboard_opened"].set()
        if self.request.method != "POST":
            await self._admit(self.rule.see)
        self._prepared = not self._finished

    async def _admit(self, least: Rank | None) -> None:
        self.services.readiness.require()
        if least is None:
            raise MethodNotAllowed
        if token := self.get_cookie(SESSION_COOKIE):
            self._signed_in = await self.services.admin.sessions.find(token)
        if self.rank < least and self._signed_in is None:
            self._send_away(f"/admin/sign-in?next={quote(safe_next(self._came_from), safe='')}")
        elif self.rank < least:
            raise RoleNeeded
        elif self.rule.fresh and self.request.method == "POST" and not self.is_fresh:
            self._send_away(f"/admin/reauth?next={quote(safe_next(self._came_from), safe='')}")

    @property
    def is_fresh(self) -> bool:
        """Whether the operator proved who they are a moment ago."""
        return self._signed_in is not None and self.services.admin.sessions.is_fresh(self._signed_in[1])

    @property
    def rank(self) -> Rank:
        """What whoever asks may do."""
        return rank_of(self._signed_in[0].role) if self._signed_in else Rank.ANYBODY

    @property
    def operator(self) -> Operator:
        """Who is signed in; on the pages of signing in there may be nobody."""
        assert self._signed_in, "this page is for anybody"
        return self._signed_in[0]

    @property
    def session(self) -> OperatorSession:
        """Their session."""
        assert self._signed_in, "this page is for anybody"
        return self._signed_in[1]

    @property
    def _came_from(self) -> str:
        """The page to return to: this one, or for a POST and for a part of a page the one that it was sent from."""
        if self.request.method == "GET" and not self.is_partial:
            return self.request.uri or ""
        try:
            parts = urlsplit(self.request.headers.get("HX-Current-URL") or self.form_origin)
        except ValueError:
            return ""
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def form_origin(self) -> str:
        """The page that a POST is sent from: of the same address, else the one above it. No Referer is ever sent."""
        return self.request.path if self.rule.see is not None else self.request.path.rpartition("/")[0]

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, to put a part of the answer into a page."""
        return self.request.headers.get("HX-Request") == "true"

    def _send_away(self, address: str) -> None:
        if self.is_partial:
            self.set_status(HTTPStatus.NO_CONTENT)
            self.set_header("HX-Redirect", address)
            self.finish()
        else:
            self.redirect(address, status=HTTPStatus.SEE_OTHER)

    # What was sent

    def data_received(self, chunk: bytes) -> None:
        """Keep a form; let pass what is longer, so that its sender hears why. The server's own wall is at 1 MiB."""
        if len(self._body) <= FORM_LIMIT:
            self._body += chunk

    async def post(self, *arguments: str, **named: str) -> None:
        """Check who sent it, and from one of our own pages, then do it."""
        await self._admit(self.rule.act)
        if self._finished:
            return
        if len(self._body) > FORM_LIMIT:
            raise PayloadTooLarge
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != _FORM_TYPE:
            raise InvalidForm("A form must be application/x-www-form-urlencoded.")
        self._form = Form(bytes(self._body))
        self.check_xsrf_cookie()
        await self.submit(*arguments, **named)

    async def head(self, *arguments: str, **named: str) -> None:
        """As GET, without the body."""
        answered = self.get(*arguments, **named)
        if answered is not None:
            await answered

    async def _no_post(self, *arguments: str, **named: str) -> None:
        raise MethodNotAllowed

    # What a POST does; each page has arguments of its own.
    submit: Callable[..., Awaitable[None]] = _no_post

    def check_xsrf_cookie(self) -> None:
        """The token in the form must be the cookie's (OWASP: double submit); what comes in the address counts not."""
        self.request.arguments["_xsrf"] = [each.encode() for each in self.form.all("_xsrf")]
        try:
            super().check_xsrf_cookie()
        except HTTPError as error:
            raise StaleForm from error

    def check_trusted_origin(self, origin: str) -> bool:
        """Our public address is ours, whatever a proxy makes of the Host header."""
        public = urlsplit(public_address(self.services.settings) or "")
        return bool(public.netloc) and origin == f"{public.scheme}://{public.netloc}"

    @property
    def form(self) -> Form:
        """What the POST holds."""
        assert self._form is not None, "only a POST has a form"
        return self._form

    @property
    def query(self) -> Form:
        """What the address asks for."""
        return Form(self.request.query)

    def allowed_methods(self) -> str:
        """The value of `Allow`."""
        return ", ".join(
            (["GET", "HEAD"] if self.rule.see is not None else []) + (["POST"] if self.rule.act else [])
        )

    # What is answered

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        """Answer. One that comes before Tornado has read the request is the last on its connection, and says so."""
        if not self._prepared:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    @property
    def frame(self) -> AdminFrame:  # type: ignore[override]  # more than the public pages'
        """The operator's language and theme, who they are, and what they are to be told."""
        theme = self.get_cookie("theme") or ""
        return AdminFrame(
            language=self.language,
            theme=theme if theme in _THEMES else "auto",
            zone=self.services.settings.dashboard.zone,
            path=safe_next(self.request.uri or "")
            if self.request.method == "GET"
            else safe_next(self.form_origin),
            operator=self._signed_in[0] if self._signed_in else None,
            rank=self.rank,
            told=None if self.is_partial else self._told_once(),
        )

    @property
    def language(self) -> Language:
        """As chosen, else as the browser prefers."""
        chosen = self.get_cookie("lang")
        if chosen in ("zh", "en"):
            return cast("Language", chosen)
        return preferred_language(self.request.headers.get("Accept-Language", ""))

    def _(self, text: str) -> str:
        """The text in the page's language."""
        return str(translations(self.language).gettext(text))

    def _told_once(self) -> str | None:
        cookie = self.get_cookie(TOLD_COOKIE)
        told = decode_told(cookie) if cookie else None
        if cookie:
            self.clear_cookie(TOLD_COOKIE, secure=True, httponly=True, samesite="Lax")
        return self._(TOLD[told[0]]) % told[1] if told else None

    def see_other(self, address: str, *, told: str | None = None, **parameters: str) -> None:
        """Answer a POST: it is done; the page to look at is there (Post/Redirect/Get)."""
        if told is not None:
            self.keep_cookie(TOLD_COOKIE, encode_told(told, parameters), max_age=60)
        self.redirect(address, status=HTTPStatus.SEE_OTHER)

    def keep_cookie(self, name: str, value: str, **options: Any) -> None:
        """A cookie that scripts cannot read and that is sent to this host alone, over TLS or loopback (RFC 6265bis)."""
        self.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="Lax", **options)

    def acting(
        self,
        kind: str,
        *,
        target: tuple[str, str],
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
        by: Operator | None = None,
    ) -> AbstractAsyncContextManager[None]:
        """`async with self.acting("user.ban", target=("user", user_id), after={…}):`, then do it: passport.audit.

        `by` is who acts, when it is not whoever is signed in.
        """
        act = self.act_of(kind, target=target, before=before, after=after, by=by or self.operator)
        return self.services.admin.audit.acting(act)

    def act_of(
        self,
        kind: str,
        *,
        target: tuple[str, str],
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
        by: Operator | None,
    ) -> Act:
        """What is done in this request, for the audit log; `by` None is somebody unknown."""
        return Act(
            kind=kind,
            actor_id=by.operator_id if by else "",
            actor_name=by.name if by else "",
            target_kind=target[0],
            target_id=target[1],
            before=before or {},
            after=after or {},
            ip=self.ip,
            request_id=self.request_id,
            at=self.services.admin.now(),
        )

    def refusal_for(self, status: int, error: BaseException | None) -> PassportError:
        """What a person is told; the API's words are about the API."""
        refusal = super().refusal_for(status, error)
        if isinstance(error, HTTPError) and status == HTTPStatus.FORBIDDEN:
            return StaleForm()
        return PageNotFound() if type(refusal) is NotFound else refusal

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every refusal as a page within the dashboard."""
        refusal = self.refuse(status_code, kwargs.get("exc_info"))
        view = ErrorView(
            status=refusal.status,
            error=refusal.code,
            description=refusal.description,
            cure=refusal.hint.zh if self.language == "zh" else refusal.hint.en,
            request_id=self.request_id,
        )
        self.show("admin/error.html", view)

    def page_words(self) -> dict[str, Any]:
        """What templates may call beside what every page may."""
        return {
            **super().page_words(),
            "xsrf_token": self.xsrf_token.decode(),
            "sections": [each for each in SECTIONS if each.least <= self.rank],
            "section": section_of(self.request.path.rstrip("/")),
        }
