"""The dashboard: one file a page. The table of its routes says who may see and do what."""

from __future__ import annotations

from dataclasses import dataclass

from tornado.routing import URLSpec
from tornado.web import url

from handlers.admin.account import (
    AccountPage,
    EndSessionsPage,
    EnrolPage,
    PasswordPage,
    RecoveryCodesPage,
    TurnOffPage,
)
from handlers.admin.audit import AuditExportPage, AuditPage
from handlers.admin.jobs import JobPage, JobsPage, StopJobPage, UndoJobPage
from handlers.admin.keys import KeysPage
from handlers.admin.kit import KitDownloadPage, KitPage
from handlers.admin.look_up import LookUpPage
from handlers.admin.missing import MissingPage
from handlers.admin.new_job import NewJobPage
from handlers.admin.one_user.ban import BanPage, UnbanPage, UndoPage
from handlers.admin.one_user.data import ErasePage, ExportPage, RemovePage, RevealPage
from handlers.admin.one_user.doubts import ComparePage, UnionidPage
from handlers.admin.one_user.sessions import EndUserSessionPage, EndUserSessionsPage
from handlers.admin.one_user.user import UserPage
from handlers.admin.one_user.words import NotePage, TagsPage
from handlers.admin.operators import (
    AddOperatorPage,
    DisablePage,
    EnablePage,
    OperatorPage,
    OperatorsPage,
    ResetPasswordPage,
    ResetSecondFactorPage,
    RolePage,
)
from handlers.admin.overview import OverviewPage
from handlers.admin.page import AdminPage, Rule
from handlers.admin.preferences import PreferencesPage
from handlers.admin.reauth import ReauthPage
from handlers.admin.refusals import RefusalPage, RefusalsPage
from handlers.admin.second_factor import SecondFactorPage
from handlers.admin.set_up import SetUpPage
from handlers.admin.sign_in import SignInPage
from handlers.admin.sign_out import SignOutPage
from handlers.admin.users import UsersPage, UsersTotalPage
from handlers.admin.users_export import UsersExportPage
from passport.operators.roles import Rank

_USER = r"/admin/users/(?P<user_id>[0-9a-f]{24})"
_COMPARED = r"/compare/(?P<other_id>[0-9a-f]{24})"
_JOB = r"/admin/jobs/(?P<job_id>[0-9a-f]{24})"
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


_OPERATOR = r"/admin/operators/(?P<operator_id>[0-9a-f]{24})"

ROUTES: tuple[Route, ...] = (
    Route(r"/admin/?", OverviewPage, "admin-overview", see=VIEWER),
    Route(r"/admin/audit", AuditPage, "admin-audit", see=VIEWER, act=OPERATOR),
    Route(r"/admin/audit/export", AuditExportPage, "admin-audit-export", see=VIEWER),
    Route(r"/admin/kit", KitPage, "admin-kit", see=ADMIN),
    Route(r"/admin/kit/(?P<appid>wx[0-9a-f]{16})\.zip", KitDownloadPage, "admin-kit-download", see=ADMIN),
    Route(r"/admin/keys", KeysPage, "admin-keys", see=ADMIN, act=ADMIN, fresh=True),
    Route(
        r"/admin/users/export", UsersExportPage, "admin-users-export", see=OPERATOR, act=OPERATOR, fresh=True
    ),
    Route(r"/admin/jobs", JobsPage, "admin-jobs", see=VIEWER),
    Route(r"/admin/jobs/new", NewJobPage, "admin-job-new", see=OPERATOR, act=OPERATOR),
    Route(_JOB, JobPage, "admin-job", see=VIEWER),
    Route(_JOB + "/stop", StopJobPage, "admin-job-stop", act=OPERATOR),
    Route(_JOB + "/undo", UndoJobPage, "admin-job-undo", act=OPERATOR),
    Route(r"/admin/users", UsersPage, "admin-users", see=VIEWER, act=VIEWER),
    Route(r"/admin/users/total", UsersTotalPage, "admin-users-total", see=VIEWER),
    Route(_USER, UserPage, "admin-user", see=VIEWER),
    Route(_USER + "/ban", BanPage, "admin-user-ban", see=OPERATOR, act=OPERATOR),
    Route(_USER + "/unban", UnbanPage, "admin-user-unban", act=OPERATOR),
    Route(_USER + "/undo", UndoPage, "admin-user-undo", act=OPERATOR),
    Route(_USER + "/note", NotePage, "admin-user-note", act=OPERATOR),
    Route(_USER + "/tags", TagsPage, "admin-user-tags", act=OPERATOR),
    Route(_USER + "/reveal", RevealPage, "admin-user-reveal", act=OPERATOR),
    Route(_USER + "/remove", RemovePage, "admin-user-remove", act=OPERATOR),
    Route(_USER + "/export", ExportPage, "admin-user-export", act=OPERATOR),
    Route(_USER + "/erase", ErasePage, "admin-user-erase", see=OPERATOR, act=OPERATOR, fresh=True),
    Route(_USER + "/end-session", EndUserSessionPage, "admin-user-end-session", act=OPERATOR),
    Route(_USER + "/end-sessions", EndUserSessionsPage, "admin-user-end-sessions", act=OPERATOR),
    Route(_USER + "/unionid", UnionidPage, "admin-user-unionid", act=OPERATOR),
    Route(_USER + _COMPARED, ComparePage, "admin-user-compare", see=VIEWER, act=OPERATOR),
    Route(r"/admin/preferences", PreferencesPage, "admin-preferences", act=ANYBODY),
    Route(r"/admin/sign-out", SignOutPage, "admin-sign-out", act=VIEWER),
    Route(r"/admin/refusals", RefusalsPage, "admin-refusals", see=VIEWER),
    Route(r"/admin/refusals/(?P<refusal_id>[0-9a-f]{24})", RefusalPage, "admin-refusal", see=VIEWER),
    Route(r"/admin/look-up", LookUpPage, "admin-look-up", see=VIEWER, act=VIEWER),
    Route(r"/admin/sign-in", SignInPage, "admin-sign-in", see=ANYBODY, act=ANYBODY),
    Route(r"/admin/second-factor", SecondFactorPage, "admin-second-factor", see=ANYBODY, act=ANYBODY),
    Route(
        r"/admin/set-up/(?P<token>[A-Za-z0-9_-]{1,64})", SetUpPage, "admin-set-up", see=ANYBODY, act=ANYBODY
    ),
    Route(r"/admin/reauth", ReauthPage, "admin-reauth", see=VIEWER, act=VIEWER),
    Route(r"/admin/account", AccountPage, "admin-account", see=VIEWER),
    Route(r"/admin/account/password", PasswordPage, "admin-password", act=VIEWER),
    Route(r"/admin/account/sessions", EndSessionsPage, "admin-own-sessions", act=VIEWER),
    Route(r"/admin/account/second-factor", EnrolPage, "admin-enrol", see=VIEWER, act=VIEWER, fresh=True),
    Route(r"/admin/account/second-factor/off", TurnOffPage, "admin-turn-off", act=VIEWER, fresh=True),
    Route(
        r"/admin/account/recovery-codes", RecoveryCodesPage, "admin-recovery-codes", act=VIEWER, fresh=True
    ),
    Route(r"/admin/operators", OperatorsPage, "admin-operators", see=ADMIN),
    Route(r"/admin/operators/add", AddOperatorPage, "admin-operator-add", see=ADMIN, act=ADMIN, fresh=True),
    Route(_OPERATOR, OperatorPage, "admin-operator", see=ADMIN),
    Route(rf"{_OPERATOR}/role", RolePage, "admin-operator-role", act=ADMIN, fresh=True),
    Route(rf"{_OPERATOR}/disable", DisablePage, "admin-operator-disable", act=ADMIN, fresh=True),
    Route(rf"{_OPERATOR}/enable", EnablePage, "admin-operator-enable", act=ADMIN, fresh=True),
    Route(rf"{_OPERATOR}/reset-password", ResetPasswordPage, "admin-reset-password", act=ADMIN, fresh=True),
    Route(
        rf"{_OPERATOR}/reset-second-factor",
        ResetSecondFactorPage,
        "admin-reset-second-factor",
        act=ADMIN,
        fresh=True,
    ),
    # The last, since it is every other address.
    Route(r"/admin/.*", MissingPage, "admin-missing", see=VIEWER, act=VIEWER),
)


def admin_urls() -> list[URLSpec]:
    """The table, for the application."""
    return [
        url(each.pattern, each.page, {"rule": Rule(each.see, each.act, each.fresh)}, name=each.name)
        for each in ROUTES
    ]
