"""`/admin/reauth`: the password once more, before what cannot be undone (OWASP ASVS 5.0, 7.5.1)."""

from __future__ import annotations

from http import HTTPStatus

from handlers.admin.entering import EnteringPage, of
from passport.views.operators import ReauthView


class ReauthPage(EnteringPage):
    """What it proves holds for five minutes, for this session alone."""

    async def get(self) -> None:
        """200, or 303 when they have just proved it."""
        if self.is_fresh:
            self.see_other(self.next_page)
        else:
            self.show("admin/reauth.html", ReauthView(self.next_page, self.operator.name))

    async def submit(self) -> None:
        """303 back to the page; 422 with the form."""
        password = self.form.secret("password")
        sign_in = self.services.admin.operators.sign_in
        if not await sign_in.confirm(self.operator, self.session.digest, password):
            self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
            problem = self.problem("wrong_password")
            self.show("admin/reauth.html", ReauthView(self.next_page, self.operator.name, problem))
            return
        async with self.acting("operator.confirmed", target=of(self.operator)):
            await self.services.admin.sessions.confirm(self.session)
        self.see_other(self.next_page)
