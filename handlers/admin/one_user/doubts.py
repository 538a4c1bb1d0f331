"""Accounts that may be one person: `/admin/users/{id}/compare/{other}`, and unionids that nobody has."""

from __future__ import annotations

from handlers.admin.one_user.base import OneUser, UserAct
from passport.care.duplicates import Duplicate
from passport.errors.dashboard import PageNotFound
from passport.models import User
from passport.views.side_by_side import side_by_side


class ComparePage(OneUser):
    """Two accounts side by side. They are never merged: see passport.care.duplicates."""

    async def get(self, user_id: str, other_id: str) -> None:
        """200 with both; 404 when nothing says that they are one person."""
        user, duplicate = await self._pair(user_id, other_id)
        apps = self.services.settings.wechat.apps
        view = side_by_side(user, duplicate, apps, self.services.admin.now())
        self.show("admin/one_user/compare.html", view)

    async def submit(self, user_id: str, other_id: str) -> None:
        """303 to the user, with the pair settled or open again."""
        user, _ = await self._pair(user_id, other_id)
        settle = self.chosen("act", ("settle", "reopen")) == "settle"
        kind = "user.pair_settled" if settle else "user.pair_reopened"
        after: dict[str, object] = {"other": other_id}
        async with self.acting(kind, target=("user", user_id), after=after):
            by = self.operator.name if settle else None
            await self.services.admin.duplicates.settle(user, other_id, by=by)
        self.see_other(self.url_of(user), told=kind)

    async def _pair(self, user_id: str, other_id: str) -> tuple[User, Duplicate]:
        user = await self.get_user(user_id)
        duplicate = await self.services.admin.duplicates.compare(user, other_id)
        if duplicate is None:
            raise PageNotFound
        return user, duplicate


class UnionidPage(UserAct):
    """A unionid that came with a sign-in and is nobody's, as after an app moved to another Open Platform account."""

    async def act(self, user: User) -> None:
        """Make it the account's, or keep the account's as it is and say no more of this one."""
        duplicates = self.services.admin.duplicates
        conflict = await duplicates.find_new_unionid(user, self.form.text("conflict"))
        if conflict is None or conflict.unionid is None:
            raise PageNotFound
        take = self.chosen("act", ("take", "keep")) == "take"
        kind = "user.unionid_taken" if take else "user.unionid_kept"
        async with self.acting(kind, target=("user", user.user_id)):
            if take:
                await self.services.admin.care.take_unionid(user, conflict.unionid)
                await duplicates.forget(conflict)
            else:
                await duplicates.settle_unionid(user, conflict, by=self.operator.name)
        self.see_other(self.url_of(user, "#identity"), told=kind, name=self.name_of(user))
