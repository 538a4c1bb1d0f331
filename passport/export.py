"""Everything we hold about a user, for the user (PIPL article 45; Network Data Security Regulations article 25)."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from passport.avatars import Avatars
from passport.clock import Now, rfc3339
from passport.errors import InvalidToken
from passport.models import Session, User
from passport.sessions import Sessions
from passport.store.users import UserStore


class Export:
    """Collects.

    Args:
        users, sessions, avatars: what is collected from.
        now: the clock.
    """

    def __init__(self, *, users: UserStore, sessions: Sessions, avatars: Avatars, now: Now) -> None:
        self._users, self._sessions, self._avatars, self._now = users, sessions, avatars, now

    async def of(self, user: User) -> dict[str, Any]:
        """`exported_at`, `account`, and `sessions`, the last sign-ins; values as JSON has them.

        `older_sessions` says how many sign-ins are kept beyond those that are told.

        The uploaded avatar is its address, since JSON holds no pictures.

        Raises:
            InvalidToken: the account was closed in this moment.
        """
        account = await self._users.export(user.user_id)
        if account is None:
            raise InvalidToken
        if "avatar" in account:
            account["avatar"] = self._avatars.url_of(user)
        sessions, left_out = await self._sessions.history(user)
        # Off the event loop, which a long history would hold.
        return await asyncio.to_thread(_exported, account, sessions, left_out, self._now())


def _exported(
    account: Mapping[str, Any], sessions: list[Session], left_out: int, now: datetime
) -> dict[str, Any]:
    return {
        "exported_at": now,
        "account": _plain(account),
        "sessions": [_plain(_told(session)) for session in sessions],
        "older_sessions": left_out,
    }


def _told(session: Session) -> dict[str, Any]:
    """All but the state of the refresh token, which is ours."""
    return {name: value for name, value in asdict(session).items() if name not in ("refresh", "epoch")}


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case datetime():
            return rfc3339(value)
        case bytes():
            return b64encode(value).decode()
        case str() | int() | float() | None:
            return value
        case _:
            return str(value)
