"""What the tests of a replica set ask of it: who is its primary, and whether all members are well."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.fault.running import Mongod, primary_of, until

ReplicaSet = tuple[str, Sequence[Mongod]]


async def a_primary(members: Sequence[Mongod]) -> Mongod:
    """The primary among these, as soon as there is one."""
    found: list[Mongod | None] = [None]

    async def look() -> bool:
        found[0] = await asyncio.to_thread(primary_of, members)
        return found[0] is not None

    await until(look, "there is a primary", seconds=60)
    assert found[0] is not None
    return found[0]


async def caught_up(members: Sequence[Mongod]) -> bool:
    """Whether every member is the primary or follows it."""
    status = await asyncio.to_thread(_status, members)
    return status is not None and all(
        each["stateStr"] in ("PRIMARY", "SECONDARY") for each in status["members"]
    )


def _status(members: Sequence[Mongod]) -> dict[str, Any] | None:
    primary = primary_of(members)
    return primary.command("replSetGetStatus") if primary else None
