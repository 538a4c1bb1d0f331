"""What the pages of signing in share: where to go next, the cookies of whoever got in, and the private channel."""

from __future__ import annotations

from urllib.parse import quote

from handlers.admin.next_page import safe_next
from handlers.admin.page import SESSION_COOKIE, AdminPage
from handlers.admin.problems import PROBLEMS
from passport.models import Member, Operator
from passport.operators.known_devices import REMEMBERED_FOR

DEVICE_COOKIE, TICKET_COOKIE = "__Host-device", "__Host-ticket"


class EnteringPage(AdminPage):
    """A page that ends with somebody being signed in."""

    @property
    def next_page(self) -> str:
        """Where whoever gets in wanted to go: a page of ours, whatever the address says."""
        asked = self.query.all("next")
        return safe_next(asked[-1]) if asked else safe_next("")

    def problem(self, key: str) -> str:
        """What is said beside a field, in the page's language."""
        return self._(PROBLEMS[key])

    async def let_in(self, member: Member, *, second_factor: str | None, to: str) -> None:
        """303, signed in: with a session that is new, whatever cookie came with the request (CWE-384)."""
        operator = member.operator
        async with self.acting(
            "operator.signed_in", target=of(operator), after={"second_factor": second_factor}, by=operator
        ):
            if self._signed_in is not None:
                await self.services.admin.sessions.end(self._signed_in[1])
            device = await self.services.admin.operators.sign_in.welcome(member)
            await self.keep_signed_in(operator)
        self.keep_cookie(DEVICE_COOKIE, device, max_age=int(REMEMBERED_FOR.total_seconds()))
        self.forget_cookie(TICKET_COOKIE)
        self.see_other(to)

    async def keep_signed_in(self, operator: Operator) -> None:
        """Start a session with an id of its own, and give its cookie to the browser."""
        token = await self.services.admin.sessions.start(operator, self.device)
        self.keep_cookie(SESSION_COOKIE, token)

    def send_to_prove(self, back: str) -> None:
        """Ask for the password before a form is filled in, so that nothing typed is lost."""
        self.see_other(f"/admin/reauth?next={quote(back, safe='')}")

    def forget_cookie(self, name: str) -> None:
        """Take the cookie back."""
        self.clear_cookie(name, secure=True, httponly=True, samesite="Lax")


def of(operator: Operator) -> tuple[str, str]:
    """The operator as the target of an act."""
    return "operator", operator.operator_id
