"""Export the users who match a filter: rows for a file, masked unless somebody proved that they may see it all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from passport.clock import Now
from passport.errors.dashboard import TooManyExports
from passport.jobs.model import Selection
from passport.jobs.worker import Means
from passport.store.user_export import UserExportStore
from passport.views.masking import masked, masked_phone

Row = dict[str, Any]

COLUMNS = (
    "account_id",
    "nickname",
    "status",
    "ban_reason",
    "ban_until",
    "openids",
    "unionid",
    "phone",
    "gender",
    "country",
    "province",
    "city",
    "language",
    "tags",
    "registered_at",
    "last_seen_at",
    "sign_ins",
)
# At a time in one process: each is a thread that is busy, and the logins need the others.
_AT_ONCE = 2


class UsersExport:
    """Exports.

    Args:
        store: reads the users.
        means: whom a filter means.
        now: the clock.
    """

    def __init__(self, *, store: UserExportStore, means: Means, now: Now) -> None:
        self._store, self._means, self._now = store, means, now
        self._running = 0

    async def batches(self, query: Mapping[str, str], *, plain: bool) -> AsyncGenerator[list[Row], None]:
        """The rows of those who match the query, some hundred at a time.

        Args:
            query: of the user list, without faults.
            plain: openids, unionids and phone numbers as they are.

        Raises:
            TooManyExports: others are being written in this moment.
            StoreUnavailable: MongoDB does not answer.
        """
        if self._running >= _AT_ONCE:
            raise TooManyExports
        self._running += 1
        try:
            meant = self._means(Selection(query=query))
            assert meant is not None
            make = partial(row_of, plain=plain)
            async with aclosing(self._store.batches(meant, now=self._now(), make=make)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self._running -= 1


def row_of(user: Mapping[str, Any], *, plain: bool) -> Row:
    """One user as a row of COLUMNS; what tells who they are is masked unless `plain`."""
    known = {**user.get("profile", {}), **user.get("entered", {})}
    ban, phone = user.get("ban") or {}, user.get("phone") or {}
    openids = [each["openid"] for each in user.get("identities", ())]
    unionid, number = user.get("unionid"), phone.get("number")
    if not plain:
        openids = [masked(each) for each in openids]
        unionid, number = unionid and masked(unionid), number and masked_phone(number)
    return {
        "account_id": str(user["_id"]),
        "nickname": known.get("nickname"),
        "status": user.get("status"),
        "ban_reason": ban.get("reason"),
        "ban_until": ban.get("until"),
        "openids": openids,
        "unionid": unionid,
        "phone": number,
        **{name: known.get(name) for name in ("gender", "country", "province", "city", "language")},
        "tags": user.get("tags", []),
        "registered_at": user.get("created_at"),
        "last_seen_at": user.get("last_seen_at"),
        "sign_ins": user.get("sign_ins", 0),
    }
