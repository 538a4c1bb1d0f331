"""Which index answers a question about users, where the planner would not see it by itself. Pure rules.

MongoDB tries the indexes that could serve side by side, and keeps to the one that was first. A trial of one that reads
a document a key may cost more than the answer, so some are named, and some are made to tell by keys alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from passport.directory.filters import UserFilter
from passport.directory.people import Sort

Document = dict[str, Any]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# Nobody is seen before they register, but for the clocks of two hosts.
_CLOCKS = timedelta(days=1)


def bounds(asked: UserFilter, sort: Sort) -> list[Document]:
    """What everybody who is asked for meets anyway, said of the first field of the index that gives the order.

    Only beside it does the planner look at the fields behind.
    """
    is_told_behind = asked.appid is not None or asked.registered.is_bounded or asked.seen.is_bounded
    if sort == "registered" or not is_told_behind:
        return []
    since = asked.registered.since
    if sort == "seen":
        return [{"last_seen_at": {"$gte": since - _CLOCKS if since else _LONG_AGO}}]
    return [{"sign_ins": {"$gte": 0}}]


def counting(asked: UserFilter) -> Document:
    """Options of a count.

    What most users are like has no index of its own, so they are counted in the order in which they registered. The
    banned have three, one as good as the others; a trial of them costs more than the count.
    """
    common = replace(asked, has_phone=asked.has_phone or None, has_unionid=asked.has_unionid or None)
    if common.status == "active":
        common = replace(common, status=None)
    if common.is_everybody:
        return {"hint": "users_created_at"}
    if asked.status in ("banned", "ban_ended") and asked.to_query().keys() <= {"status", "app"}:
        return {"hint": "users_banned"}
    return {}
