"""Note that a person goes on using a mini-program without signing in anew."""

from __future__ import annotations

from datetime import datetime

from passport.errors import StoreUnavailable
from passport.models import User
from passport.statistics import Statistics
from passport.store.users import UserStore


class Activity:
    """Notes it at most once a day, so that going on usually costs no write.

    Args:
        users: where it is noted.
        statistics: counts who is active.
    """

    def __init__(self, *, users: UserStore, statistics: Statistics) -> None:
        self._users, self._statistics = users, statistics

    async def note(self, user: User, *, appid: str, at: datetime) -> None:
        """The user, as read before, is active now. Worth no refusal: MongoDB may not answer."""
        if not self._statistics.is_news(appid, user.active_in, at):
            return
        try:
            before = await self._users.note_active(user.user_id, appid=appid, at=at)
        except StoreUnavailable:
            return
        if before is not None:
            self._statistics.active(appid, before, at)
