"""`/admin/set-up/…`: a one-time link, by which the first admin is made or an operator sets a password."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from handlers.addresses import is_private
from handlers.admin.entering import EnteringPage
from handlers.admin.problems import PROBLEMS, field_of
from passport.errors.dashboard import LinkWorthless, PrivateChannelNeeded
from passport.models import Operator, OperatorLink
from passport.operators.team import NotTaken
from passport.views.operators import SetUpView


class SetUpPage(EnteringPage):
    """Looking at the link does not use it up; the form does, once."""

    # The address is the secret.
    logged_path = "/admin/set-up/…"

    async def get(self, token: str) -> None:
        """200, or 404 when the link is worth nothing."""
        self.show("admin/set_up.html", await self._view(await self._link(token)))

    async def submit(self, token: str) -> None:
        """303 into the dashboard, or to sign in where a second factor is on; 422 with the form."""
        link = await self._link(token)
        view = await self._view(link)
        password = self.form.secret("password")
        if password != self.form.secret("again"):
            self._show_again(view, {"again": PROBLEMS["different"]})
            return
        try:
            await self._welcome(await self._use(link, token, view.name, password))
        except NotTaken as refusal:
            self._show_again(view, {field_of(refusal.problem): PROBLEMS[refusal.problem]})

    async def _link(self, token: str) -> OperatorLink:
        if not is_private(self.request, self.services.settings.server.trusted_proxies):
            raise PrivateChannelNeeded
        link = await self.services.admin.operators.team.of_link(token)
        if link is None:
            raise LinkWorthless
        return link

    async def _view(self, link: OperatorLink) -> SetUpView:
        if link.operator_id is None:
            return SetUpView(first=True, name=self.form.text("name") if self._form else "")
        member = await self.services.admin.operators.team.find(link.operator_id)
        if member is None or member.operator.disabled_at is not None:
            raise LinkWorthless
        return SetUpView(first=False, name=member.operator.name)

    async def _use(self, link: OperatorLink, token: str, name: str, password: str) -> Operator:
        team = self.services.admin.operators.team
        name = team.check_name(name)
        team.check_password(password, name)
        if link.operator_id is None:
            operator_id, kind = team.new_id(), "operator.added"
        else:
            operator_id, kind = link.operator_id, "operator.password_changed"
        act = self.act_of(kind, target=("operator", operator_id), after={"operator": name}, by=None)
        async with self.services.admin.audit.acting(act):
            if link.operator_id is None:
                used = await team.make_first(token, name, password, operator_id=operator_id)
            else:
                used = await team.set_by_link(token, name, password)
            if used is None:
                raise LinkWorthless
        return used

    async def _welcome(self, operator: Operator) -> None:
        member = await self.services.admin.operators.team.find(operator.operator_id)
        if member is None or member.second_factor is not None:
            self.see_other("/admin/sign-in", told="operator.password_set")
        else:
            await self.let_in(member, second_factor=None, to="/admin")

    def _show_again(self, view: SetUpView, errors: Mapping[str, str]) -> None:
        translated = {name: self._(text) for name, text in errors.items()}
        self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
        self.show("admin/set_up.html", SetUpView(view.first, view.name, translated))
