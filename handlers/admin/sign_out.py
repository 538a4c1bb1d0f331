"""`POST /admin/sign-out`: end this session."""

from __future__ import annotations

from handlers.admin.page import SESSION_COOKIE, AdminPage


class SignOutPage(AdminPage):
    """Whoever is signed in may leave."""

    async def submit(self) -> None:
        """303 to the page of signing in; the session is gone in every process."""
        async with self.acting("operator.signed_out", target=("operator", self.operator.operator_id)):
            await self.services.admin.sessions.end(self.session)
        self.clear_cookie(SESSION_COOKIE, secure=True, httponly=True, samesite="Lax")
        self.see_other("/admin/sign-in")
