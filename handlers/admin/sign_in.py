"""`/admin/sign-in`: name and password."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from handlers.admin.entering import DEVICE_COOKIE, TICKET_COOKIE, EnteringPage, of
from passport.errors import SlowDown
from passport.models import Operator
from passport.operators.sign_in import PATIENCE
from passport.views.operators import SignInView


class SignInPage(EnteringPage):
    """Whatever is wrong with name and password, the answer is the same (R-055)."""

    async def get(self) -> None:
        """200, or 303 for who is signed in already."""
        if self._signed_in is not None:
            self.see_other(self.next_page)
        else:
            self.show("admin/sign_in.html", SignInView(self.next_page))

    async def submit(self) -> None:
        """303 to the page that was asked for or to the second factor; 422 with the form, 429 when too often."""
        sign_in = self.services.admin.operators.sign_in
        name, password = self.form.text("name"), self.form.secret("password")
        device = self.get_cookie(DEVICE_COOKIE)
        try:
            attempt = await sign_in.by_password(name, password, ip=self.ip, device=device)
        except SlowDown as refusal:
            self.set_header("Retry-After", str(refusal.retry_after))
            problem = self._("Too many tries from your network. Wait five minutes, then try again.")
            self._again(name, problem, HTTPStatus.TOO_MANY_REQUESTS)
            return
        if attempt.member is None:
            problem = self._("Name or password is wrong. After several failures, wait up to 15 minutes.")
            self._again(name, problem, HTTPStatus.UNPROCESSABLE_ENTITY)
            await self._note(attempt.tried)
        elif attempt.member.second_factor is not None:
            ticket, seconds = sign_in.ticket(attempt.member), int(PATIENCE.total_seconds())
            self.keep_cookie(TICKET_COOKIE, ticket, max_age=seconds)
            self.see_other(f"/admin/second-factor?next={quote(self.next_page, safe='')}")
        else:
            await self.let_in(attempt.member, second_factor=None, to=self.next_page)

    def _again(self, name: str, problem: str, status: HTTPStatus) -> None:
        self.set_status(status)
        self.show("admin/sign_in.html", SignInView(self.next_page, name, problem))

    async def _note(self, tried: Operator | None) -> None:
        """After the answer is on its way, or a name that somebody has would take longer than one that nobody has."""
        if tried is not None:
            await self.services.admin.audit.record(self.act_of("operator.refused", target=of(tried), by=None))
