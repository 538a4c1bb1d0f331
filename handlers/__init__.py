"""HTTP in, HTTP out: parse, call one service, answer. The whole URL table is here, but for the dashboard's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache

from tornado.routing import URLSpec
from tornado.web import url

from handlers.api.accounts import RegisterHandler
from handlers.api.avatars import AvatarHandler, PictureHandler
from handlers.api.events import EventsHandler
from handlers.api.me import CloseHandler, ExportHandler, MeHandler
from handlers.api.oauth import IntrospectHandler, RevokeHandler, TokenHandler
from handlers.api.openapi import OpenAPIHandler
from handlers.api.phone import PhoneHandler
from handlers.api.sessions import SessionHandler, SessionsHandler
from handlers.api.wellknown import JWKSHandler, MetadataHandler
from handlers.base import NotFoundHandler, log_request
from handlers.docs import DocsPage
from handlers.late import LateApplication
from handlers.openapi import openapi_document
from handlers.openapi.routes import routes_of
from handlers.ops import HealthHandler, ReadyHandler
from handlers.pages import STATIC_PATH, HomePage, StaticHandler
from passport.public_address import public_address
from passport.services import Services

# Whose refusals are recorded: what a mini-program, a service or WeChat calls, each by its path with parameters named.
_RECORDED = ("/oauth/", "/accounts/", "/wechat/events/")


def make_app(services: Services, more_urls: Sequence[URLSpec] = ()) -> LateApplication:
    """The application over these services, with routes that only some programs have."""
    application = LateApplication(
        [
            url(r"/", HomePage, name="home"),
            url(r"/oauth/token", TokenHandler),
            url(r"/oauth/revoke", RevokeHandler),
            url(r"/oauth/introspect", IntrospectHandler),
            url(r"/accounts/wxapp", RegisterHandler),
            url(r"/accounts/me", MeHandler),
            url(r"/accounts/me/close", CloseHandler),
            url(r"/accounts/me/export", ExportHandler),
            url(r"/accounts/me/sessions", SessionsHandler),
            url(r"/accounts/me/sessions/(?P<session_id>[0-9a-f]{24})", SessionHandler),
            url(r"/accounts/me/phone", PhoneHandler),
            url(r"/accounts/me/avatar", AvatarHandler),
            url(r"/avatars/(?P<avatar_id>[A-Za-z0-9_-]{22})", PictureHandler),
            url(r"/\.well-known/jwks\.json", JWKSHandler, name="jwks"),
            url(r"/\.well-known/oauth-authorization-server", MetadataHandler),
            url(r"/\.well-known/oauth-authorization-server/(?P<issuer_path>.+)", MetadataHandler),
            url(r"/wechat/events/(?P<appid>[A-Za-z0-9]{1,64})", EventsHandler),
            url(r"/docs", DocsPage, name="docs"),
            url(r"/openapi\.json", OpenAPIHandler, name="openapi"),
            url(r"/healthz", HealthHandler, name="healthz"),
            url(r"/readyz", ReadyHandler, name="readyz"),
            *more_urls,
        ],
        default_handler_class=NotFoundHandler,
        log_function=log_request,
        static_path=str(STATIC_PATH),
        static_handler_class=StaticHandler,
        services=services,
        dashboard_opened=asyncio.Event(),
        # For pages, which a cookie opens. The API opens by what is sent with each request, from wherever.
        cross_origin_protection=True,
        xsrf_cookie_name="__Host-xsrf",
        xsrf_cookie_kwargs={"secure": True, "httponly": True, "samesite": "Strict", "path": "/"},
    )
    rules, server_url = tuple(application.wildcard_router.rules), public_address(services.settings) or "/"
    # Made when it is first asked for: 2 MB.
    application.settings["openapi"] = cache(lambda: openapi_document(rules, server_url=server_url))
    application.settings["recorded"] = {
        route.handler: route.path for route in routes_of(rules) if route.path.startswith(_RECORDED)
    }
    return application
