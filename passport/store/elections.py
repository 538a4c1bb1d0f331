"""Whether the present primary knows all that anybody was told: asked once after each election, for all collections."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern

_ELECTIONS = "elections"
_MAJORITY = WriteConcern(w="majority", j=True)
_NEVER = object()


class Client(AsyncIOMotorClient[dict[str, Any]]):
    """Motor's client, which remembers for all collections which election was settled last."""

    settled_election: Any = _NEVER


async def settle_election(database: Any) -> bool:
    """Wait until a majority follows a primary that is new to us; True when it was, and a read must be repeated.

    A primary that has just been elected has every acknowledged write, but learns only from its own first write that a
    majority has them. Until then its majority reads may be older than what people were told: a token that was just
    issued would be unknown, and one that was just revoked would count. So one write is made, and waited for. (A
    linearizable read would wait for the same, MongoDB's manual says, but takes 70 ms and more where a write takes one.)

    Raises:
        PyMongoError: no majority follows it yet.
    """
    client: Any = database.client
    election = _election(client.topology_description)
    if client.settled_election == election:
        return False
    if election is None:
        # Before its first answer the driver knows of none.
        await database.command("ping")
        election = _election(client.topology_description)
    elections = database.get_collection(_ELECTIONS, write_concern=_MAJORITY)
    await elections.update_one({"_id": "latest"}, {"$inc": {"seen": 1}}, upsert=True)
    client.settled_election = election
    return True


def _election(topology: Any) -> Any:
    """What made the present primary one, as the driver knew it before it sent anything there.

    None for a standalone and behind a mongos, where we cannot know.
    """
    return next(
        (each.election_id for each in topology.server_descriptions().values() if each.is_writable), None
    )
