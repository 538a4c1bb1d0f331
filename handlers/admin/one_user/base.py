"""What the pages of one user share: the user, the page that shows them, and acts that are done from what was seen."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from handlers.admin.page import AdminPage
from passport.care.rules import Unfit
from passport.errors import PassportError
from passport.errors.care import ChangedMeanwhile, NothingToUndo, UnionidInUse
from passport.errors.dashboard import InvalidForm, PageNotFound
from passport.models import Ban, LastAct, User
from passport.operators.roles import Rank
from passport.views.handles import handle_of
from passport.views.hostile import shown_text
from passport.views.one_user import state_mark
from passport.views.user_page import Asked, Found, Typed, user_view

# What a form may hold before the rules look at it: more than any of them allows, so that what was typed is kept.
TYPED = 20_000
# A conflict that the user's page can tell; every other refusal is a page of its own.
_CONFLICTS = (ChangedMeanwhile, NothingToUndo, UnionidInUse)


class OneUser(AdminPage):
    """A page of one user."""

    async def get_user(self, user_id: str) -> User:
        """The user. Raises PageNotFound."""
        user = await self.services.users.find(user_id)
        if user is None:
            raise PageNotFound
        return user

    def url_of(self, user: User, part: str = "") -> str:
        """Their page, or a part of it."""
        return f"{self.reverse_url('admin-user', user.user_id)}{part}"

    def name_of(self, user: User) -> str:
        """What the dashboard calls them: their nickname, else their handle; nothing in it stays unseen."""
        nickname = user.profile.get("nickname")
        return str(shown_text(str(nickname))) if nickname else handle_of(user.user_id, self.language)

    def expect(self, state: Ban | LastAct | str | tuple[str, ...] | None) -> None:
        """Go on only from the state that the form was made from. Raises ChangedMeanwhile."""
        if self.form.text("expected") != state_mark(state):
            raise ChangedMeanwhile

    @property
    def sees_whole_ip(self) -> bool:
        """Whether where somebody signed in from is shown whole, as with refusals."""
        return self.rank >= Rank.OPERATOR

    def chosen(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of what the form offers. Raises InvalidForm."""
        choice = self.form.choice(name, allowed, "")
        if not choice:
            raise InvalidForm
        return choice

    def words_of(self, refusal: PassportError) -> str:
        """What a refusal says to a person, in the page's language."""
        return refusal.hint.zh if self.language == "zh" else refusal.hint.en

    async def show_user(
        self,
        user: User,
        *,
        status: int = HTTPStatus.OK,
        revealed: str | None = None,
        typed: Typed | None = None,
        alert: PassportError | None = None,
    ) -> None:
        """Answer with the page of the user; `revealed` names the one field that is shown as it is."""
        settings, before = self.services.settings, self.query.text("before", most=200) or None
        asked = Asked(
            now=self.services.admin.now(),
            apps=settings.wechat.apps,
            policy=settings.privacy.policy_version,
            whole_ip=self.sees_whole_ip,
            before=before,
            revealed=revealed,
            typed=typed,
            alert=self.words_of(alert) if alert else None,
        )
        view = user_view(user, await self._read(user, before), asked)
        self.set_status(status)
        self.show("admin/one_user/user.html", view)

    async def _read(self, user: User, before: str | None) -> Found:
        admin = self.services.admin
        alive, recent, history, doubts, tags = await asyncio.gather(
            self.services.sessions.list_alive(user),
            admin.care.recent_sessions(user.user_id),
            admin.history.page(user.user_id, user, before=before),
            admin.duplicates.of(user),
            admin.care.tags_in_use(),
        )
        return Found(alive, recent, history, doubts, tags, admin.care.undoable(user))


class UserAct(OneUser):
    """A form of the user's page. It is answered by that page: with 303 when it is done, else with 400 or 409."""

    # The field whose text is kept when it cannot be taken.
    text_field = ""

    async def submit(self, user_id: str) -> None:
        """Do it, or say why not."""
        user = await self.get_user(user_id)
        try:
            await self.act(user)
        except Unfit as unfit:
            await self.show_user(user, status=HTTPStatus.BAD_REQUEST, typed=self._typed(unfit.fault))
        except _CONFLICTS as refusal:
            user = await self.get_user(user_id)
            await self.show_user(user, status=refusal.status, typed=self._typed("changed"), alert=refusal)

    async def act(self, user: User) -> None:
        """What the form does."""
        raise NotImplementedError

    def _typed(self, fault: str) -> Typed | None:
        if not self.text_field:
            return None
        return Typed(self.text_field, self.form.text(self.text_field, most=TYPED), fault)
