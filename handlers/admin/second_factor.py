"""`/admin/second-factor`: the code of the authenticator app, or a recovery code."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from handlers.admin.entering import DEVICE_COOKIE, TICKET_COOKIE, EnteringPage, of
from passport.models import Member
from passport.operators.sign_in import Proof
from passport.views.operators import CodeView


class SecondFactorPage(EnteringPage):
    """For whoever has just known a password; others are sent to where it is asked for."""

    async def get(self) -> None:
        """200."""
        if member := await self._member():
            self._show(member)

    async def submit(self) -> None:
        """303 to the page that was asked for; 422 with the form."""
        member = await self._member()
        if member is None:
            return
        proof = await self._proof(member, self.form.text("code"))
        if proof is Proof.RIGHT:
            by = "recovery code" if self._recovery else "code"
            await self.let_in(member, second_factor=by, to=self.next_page)
            return
        wrong = "wrong_recovery" if self._recovery else "wrong_code"
        self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
        locked = "locked_recovery" if self._recovery else "locked_code"
        self._show(member, self.problem(locked if proof is Proof.LOCKED else wrong))
        if proof is Proof.WRONG:
            await self.services.admin.audit.record(
                self.act_of("operator.code_refused", target=of(member.operator), by=None)
            )

    async def _proof(self, member: Member, code: str) -> Proof:
        sign_in = self.services.admin.operators.sign_in
        if self._recovery:
            return await sign_in.by_recovery_code(member, code, ip=self.ip)
        return await sign_in.by_code(member, code, device=self.get_cookie(DEVICE_COOKIE))

    @property
    def _recovery(self) -> bool:
        return self.query.flag("recovery")

    async def _member(self) -> Member | None:
        """Whose password was known; None when they are sent away."""
        ticket = self.get_cookie(TICKET_COOKIE)
        member = await self.services.admin.operators.sign_in.of_ticket(ticket)
        if member is None or member.second_factor is None:
            self.see_other(f"/admin/sign-in?next={quote(self.next_page, safe='')}")
            return None
        return member

    def _show(self, member: Member, problem: str | None = None) -> None:
        view = CodeView(self.next_page, member.operator.name, self._recovery, problem)
        self.show("admin/second_factor.html", view)
