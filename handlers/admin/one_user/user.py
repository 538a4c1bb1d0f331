"""`GET /admin/users/{id}`: all that is known of one user, and what is left of one whose account was closed."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.admin.one_user.base import OneUser
from passport.errors.dashboard import PageNotFound
from passport.views.one_user import ClosedView, closed_view
from passport.views.user_history import HappeningView, happening_view


@dataclass(frozen=True)
class ClosedPageView:
    """What is left of an account, and the history that the law wants kept."""

    closed: ClosedView
    history: tuple[HappeningView, ...]
    older: str | None
    is_latest: bool


class UserPage(OneUser):
    """One user."""

    async def get(self, user_id: str) -> None:
        """200 with the user or with the tombstone; 404 when there never was such an account."""
        user = await self.services.users.find(user_id)
        if user is None:
            await self._show_closed(user_id)
        else:
            await self.show_user(user)

    async def _show_closed(self, user_id: str) -> None:
        closed = await self.services.admin.care.find_closed(user_id)
        if closed is None:
            raise PageNotFound
        before = self.query.text("before", most=200) or None
        page = await self.services.admin.history.page(user_id, None, before=before)
        apps = self.services.settings.wechat.apps
        whole_ip = self.sees_whole_ip
        history = tuple(happening_view(each, apps, whole_ip=whole_ip) for each in page.happenings)
        view = ClosedPageView(closed_view(closed), history, page.older, before is None)
        self.show("admin/one_user/closed.html", view)
