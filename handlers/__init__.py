"""HTTP in, HTTP out: parse, call one service, answer. The whole URL table is here."""

from __future__ import annotations

from tornado.web import Application, url

from handlers.api.accounts import RegisterHandler
from handlers.api.avatars import AvatarHandler, PictureHandler
from handlers.api.me import MeHandler
from handlers.api.oauth import TokenHandler
from handlers.api.wellknown import JWKSHandler
from handlers.base import NotFoundHandler, log_request
from handlers.ops import HealthHandler, ReadyHandler
from handlers.pages import STATIC_PATH, HomePage, StaticHandler
from passport.services import Services


def make_app(services: Services) -> Application:
    """The application over these services."""
    return Application(
        [
            url(r"/", HomePage, name="home"),
            url(r"/oauth/token", TokenHandler),
            url(r"/accounts/wxapp", RegisterHandler),
            url(r"/accounts/me", MeHandler),
            url(r"/accounts/me/avatar", AvatarHandler),
            url(r"/avatars/([A-Za-z0-9_-]{22})", PictureHandler),
            url(r"/\.well-known/jwks\.json", JWKSHandler, name="jwks"),
            url(r"/healthz", HealthHandler, name="healthz"),
            url(r"/readyz", ReadyHandler, name="readyz"),
        ],
        default_handler_class=NotFoundHandler,
        log_function=log_request,
        static_path=str(STATIC_PATH),
        static_handler_class=StaticHandler,
        services=services,
    )
