"""The dashboard: one file a page. The table of its routes says who may see and do what."""

from __future__ import annotations

from dataclasses import dataclass

from tornado.routing import URLSpec
from tornado.web import url

from handlers.admin.missing import MissingPage
from handlers.admin.overview import OverviewPage
from handlers.admin.page import AdminPage, Rule
from handlers.admin.preferences import PreferencesPage
from handlers.admin.sign_out import SignOutPage
from passport.operators.roles import Rank

ANYBODY, VIEWER, OPERATOR, ADMIN = Rank.ANYBODY, Rank.VIEWER, Rank.OPERATOR, Rank.ADMIN


@dataclass(frozen=True)
class Route:
    """A page and its rule.

    Args:
        pattern: of its path.
        page: the handler.
        name: by which templates link to it.
        see: the least rank that may GET it; None when it has no GET.
        act: the least rank that may POST to it; None when it has no POST.
        fresh: the POST needs a proof, not older than five minutes, of who acts.
    """

    pattern: str
    page: type[AdminPage]
    name: str
    see: Rank | None = None
    act: Rank | None = None
    fresh: bool = False


ROUTES: tuple[Route, ...] = (
    Route(r"/admin/?", OverviewPage, "admin-overview", see=VIEWER),
    Route(r"/admin/preferences", PreferencesPage, "admin-preferences", act=ANYBODY),
    Route(r"/admin/sign-out", SignOutPage, "admin-sign-out", act=VIEWER),
    # The last, since it is every other address.
    Route(r"/admin/.*", MissingPage, "admin-missing", see=VIEWER, act=VIEWER),
)


def admin_urls() -> list[URLSpec]:
    """The table, for the application."""
    return [
        url(each.pattern, each.page, {"rule": Rule(each.see, each.act, each.fresh)}, name=each.name)
        for each in ROUTES
    ]
