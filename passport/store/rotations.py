"""Rotations of refresh tokens: those of the same moment in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from passport.errors import StoreUnavailable
from passport.models import Refresh
from passport.store.bulk import CONVERSION_FAILURE, write_errors

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]


@dataclass(frozen=True, slots=True)
class Rotation:
    """A successor for the token with this digest, if that is the current one of a session that has not ended."""

    session_id: ObjectId
    digest: bytes
    successor: Refresh
    at: datetime


async def rotate_all(sessions: Collection, rotations: Sequence[Rotation]) -> list[bool | Exception]:
    """Whether each was carried out, in their order. Of any number with one token, one is.

    Raises:
        PyMongoError: the outcome is unknown.
    """
    if len(rotations) == 1:
        return [await _rotate_alone(sessions, rotations[0])]
    outcomes: list[bool | Exception] = [True] * len(rotations)
    statements = [UpdateOne({"_id": each.session_id}, _exactly(each)) for each in rotations]
    result: Any
    try:
        result = (await sessions.bulk_write(statements, ordered=False)).bulk_api_result
    except BulkWriteError as error:
        for index, each in write_errors(error).items():
            outcomes[index] = False if each["code"] == CONVERSION_FAILURE else StoreUnavailable()
        result = error.details
    if result["nMatched"] + sum(each is not True for each in outcomes) < len(rotations):
        await _leave_out_the_gone(sessions, rotations, outcomes)
    return outcomes


async def _rotate_alone(sessions: Collection, rotation: Rotation) -> bool:
    wanted = {"_id": rotation.session_id, "refresh.digest": rotation.digest, "ended_at": None}
    changes = {"refresh": stored(rotation.successor), "last_used_at": rotation.at}
    result = await sessions.update_one(wanted, {"$set": changes})
    return result.modified_count == 1


def _exactly(rotation: Rotation) -> list[Document]:
    """The change if the token is the current one; else an error, and nothing is written.

    Of the statements of one round MongoDB tells only how many met a document, but of a failed one it tells which.
    """
    current = {
        "$and": [
            {"$eq": ["$refresh.digest", {"$literal": rotation.digest}]},
            {"$eq": [{"$ifNull": ["$ended_at", None]}, None]},
        ]
    }
    failure = {"$toInt": {"$concat": ["not the current one: ", {"$toString": "$_id"}]}}
    refresh = {"$cond": [current, {"$literal": stored(rotation.successor)}, failure]}
    return [{"$set": {"refresh": refresh, "last_used_at": rotation.at}}]


async def _leave_out_the_gone(
    sessions: Collection, rotations: Sequence[Rotation], outcomes: list[bool | Exception]
) -> None:
    """Sessions that were deleted are not found, and so did not fail. None comes back, so a moment later is as good."""
    wanted = {"_id": {"$in": [each.session_id for each in rotations]}}
    there = {each["_id"] for each in await sessions.find(wanted, {"_id": 1}).to_list(None)}
    for index, each in enumerate(rotations):
        if each.session_id not in there:
            outcomes[index] = False


def stored(refresh: Refresh) -> Document:
    """What a session's document says of its current token."""
    return {
        "generation": refresh.generation,
        "digest": refresh.digest,
        "rotated_at": refresh.rotated_at,
        "uses": refresh.uses,
        "expires_at": refresh.expires_at,
    }
