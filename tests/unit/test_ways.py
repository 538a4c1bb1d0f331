"""Which index is to answer: what is said of the first field of an index, and which one a count is told to use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from passport.directory.filters import UserFilter
from passport.directory.people import Sort
from passport.store.ways import bounds, counting

MARCH = date(2025, 3, 1)
BANNED, AGE = {"hint": "users_banned"}, {"hint": "users_created_at"}


@pytest.mark.parametrize(
    ("asked", "sort", "said"),
    [
        (
            UserFilter(registered_from=MARCH),
            "seen",
            {"last_seen_at": {"$gte": datetime(2025, 2, 28, tzinfo=UTC)}},
        ),
        (
            UserFilter(registered_to=MARCH),
            "seen",
            {"last_seen_at": {"$gte": datetime(1970, 1, 1, tzinfo=UTC)}},
        ),
        (UserFilter(registered_to=MARCH), "sign_ins", {"sign_ins": {"$gte": 0}}),
        (UserFilter(seen_from=MARCH), "sign_ins", {"sign_ins": {"$gte": 0}}),
        (UserFilter(appid="wx1"), "sign_ins", {"sign_ins": {"$gte": 0}}),
        (UserFilter(seen_from=MARCH), "seen", {"last_seen_at": {"$gte": datetime(1970, 1, 1, tzinfo=UTC)}}),
        (UserFilter(registered_from=MARCH), "registered", None),
        (UserFilter(status="banned"), "sign_ins", None),
    ],
)
def test_days_and_apps_are_told_by_the_keys_of_an_order(
    asked: UserFilter, sort: Sort, said: dict[str, Any] | None
) -> None:
    assert bounds(asked, sort) == ([said] if said else [])


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        (UserFilter(status="banned"), BANNED),
        (UserFilter(status="ban_ended", appid="wx1"), BANNED),
        # The index holds nobody else, and mongod refuses it for others.
        (UserFilter(status="active", appid="wx1"), {}),
        (UserFilter(status="banned", seen_from=MARCH), {}),
        (UserFilter(status="active", has_phone=False), AGE),
        (UserFilter(has_unionid=False), AGE),
        (UserFilter(), AGE),
    ],
)
def test_a_count_is_told_its_index_where_a_trial_would_cost_more(
    asked: UserFilter, options: dict[str, str]
) -> None:
    assert counting(asked) == options
