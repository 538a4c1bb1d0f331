"""`POST /admin/users/{id}/end-session`, `/end-sessions`: sign the user out of one device, or of all."""

from __future__ import annotations

import re

from handlers.admin.one_user.base import UserAct
from passport.errors.care import ChangedMeanwhile
from passport.errors.dashboard import InvalidForm
from passport.models import User

_SESSION_ID = re.compile(r"[0-9a-f]{24}")


class EndUserSessionPage(UserAct):
    """One session."""

    async def act(self, user: User) -> None:
        """End it, if it is this user's; one that is over already stays as it was ended."""
        session_id = self.form.text("session")
        if not _SESSION_ID.fullmatch(session_id):
            raise InvalidForm
        after: dict[str, object] = {"session": session_id}
        async with self.acting("user.session_ended", target=("user", user.user_id), after=after):
            ended = await self.services.sessions.end(session_id, by="operator", user_id=user.user_id)
        told = "user.session_ended" if ended else "user.session_over"
        self.see_other(self.url_of(user, "#sessions"), told=told, name=self.name_of(user))


class EndUserSessionsPage(UserAct):
    """All sessions."""

    async def act(self, user: User) -> None:
        """End all that began before now."""
        alive = await self.services.sessions.list_alive(user)
        before: dict[str, object] = {"sessions": len(alive)}
        async with self.acting("user.sessions_ended", target=("user", user.user_id), before=before):
            # They were ended meanwhile, perhaps by a thief who spared their own: those that are there now are others.
            if not await self.services.sessions.end_all(user, by="operator"):
                raise ChangedMeanwhile
        self.see_other(self.url_of(user, "#sessions"), told="user.sessions_ended", name=self.name_of(user))
