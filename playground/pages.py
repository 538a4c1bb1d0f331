"""The playground's pages and the files they load, `miniprogram/utils/passport.js` among them, as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader

from handlers.language import Language
from handlers.pages import ROOT, PageHandler, StaticHandler
from handlers.templating import load_templates
from passport.errors import NotFound
from playground.endpoint import is_own_name
from playground.words import words
from sandbox.server import StandIn

HERE = Path(__file__).resolve().parent
STATIC_PATH, TEMPLATES_PATH = HERE / "static", HERE / "templates"
PASSPORT_JS = ROOT / "miniprogram" / "utils" / "passport.js"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


@dataclass(frozen=True)
class BareView:
    """What a page needs to make a client.

    Args:
        stand_in: where the WeChat stand-in is.
        config: what `createPassport` is given beside the address, as JSON.
    """

    stand_in: str
    config: str


@dataclass(frozen=True)
class PlaygroundView(BareView):
    """The same, and what the page itself needs.

    Args:
        server: this server's address, for the lines of curl.
        texts: what the scripts say, as JSON.
    """

    server: str
    texts: str


class DemoPage(PageHandler):
    """A page that runs our scripts, and no others."""

    def initialize(self, stand_in: StandIn) -> None:  # type: ignore[override]  # Tornado passes the route's arguments
        """`stand_in` is WeChat to it."""
        super().initialize()
        self.stand_in = stand_in

    def set_default_headers(self) -> None:
        """Scripts and styles as files."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", _POLICY)

    def check_host(self) -> None:
        """The page would not work by another name: its calls are refused there."""
        if not is_own_name(self.request.headers.get("Host", "")):
            raise NotFound

    def show(self, template: str, view: object) -> None:
        """Answer with one of the playground's templates; a refusal has the site's."""
        if not template.startswith("playground/"):
            super().show(template, view)
            return
        frame = self.frame
        page = demo_templates(frame.language).get_template(template.removeprefix("playground/"))
        self.finish(page.render(frame=frame, view=view, **self.page_words()))

    @property
    def client_config(self) -> str:
        """Of the demo's one app."""
        app = self.services.settings.wechat.apps[0]
        return json.dumps({"appid": app.appid, "login": app.login})


class BarePage(DemoPage):
    """`GET /demo/bare`: wx.js and passport.js, and `passport` made of them, for tests and for the browser's console."""

    def get(self) -> None:
        """200."""
        self.check_host()
        self.show("playground/bare.html", BareView(self.stand_in.base_url, self.client_config))


class PlaygroundPage(DemoPage):
    """`GET /demo`: the login as it happens."""

    def get(self) -> None:
        """200."""
        self.check_host()
        view = PlaygroundView(
            stand_in=self.stand_in.base_url,
            config=self.client_config,
            server=self.services.settings.listening_url,
            texts=json.dumps(words(self.frame.language), ensure_ascii=False),
        )
        self.show("playground/playground.html", view)


class PlaygroundFile(StaticHandler):
    """`/demo/static/…`: checked each time it is asked for."""


class PassportFile(StaticHandler):
    """`/demo/passport.js`: the mini-program's own, unchanged."""

    async def get(self, path: str = "", include_body: bool = True) -> None:
        """200 with the file."""
        await super().get(PASSPORT_JS.name, include_body)


@cache
def demo_templates(language: Language) -> Environment:
    """The playground's own, which extend the site's."""
    environment = load_templates(TEMPLATES_PATH, language)
    environment.loader = ChoiceLoader(
        [FileSystemLoader(TEMPLATES_PATH), FileSystemLoader(ROOT / "templates")]
    )
    return environment
