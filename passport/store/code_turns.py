"""Turns with codes that have a record already: those of the same moment in two statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from passport.errors import StoreUnavailable
from passport.records import PendingLogin
from passport.store.bulk import write_errors

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]
# Whether the turn is ours now, and the record.
Outcome = tuple[bool, PendingLogin | None]

# Where a record says what it was before the turn that it is in.
_BEFORE = "before"
_REPLACED = ("status", "owner", "busy_until")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who wants the turn.

    Args:
        digest: of the code.
        ours: the members of the record while the turn is ours; `owner` is never the same twice.
        now: by which time another's turn, or its patience, may be over.
    """

    digest: bytes
    ours: Mapping[str, Any]
    now: datetime


async def take_all(records: Collection, attempts: Sequence[Attempt]) -> list[Outcome | Exception]:
    """For each, in their order: (True, what the record was), or (False, what it is; None when it is gone).

    Of any number with one code, one gets the turn.

    Raises:
        PyMongoError: the outcome is unknown.
    """
    if len(attempts) == 1:
        return [await _take_alone(records, attempts[0])]
    failed: dict[int, Document] = {}
    try:
        await records.bulk_write([UpdateOne(_free(each), _taken(each)) for each in attempts], ordered=False)
    except BulkWriteError as error:
        failed = write_errors(error)
    wanted = {"_id": {"$in": [each.digest for each in attempts]}}
    found = {bytes(each["_id"]): each for each in await records.find(wanted).to_list(None)}
    return [
        StoreUnavailable() if index in failed else _outcome(each, found.get(each.digest))
        for index, each in enumerate(attempts)
    ]


async def _take_alone(records: Collection, attempt: Attempt) -> Outcome:
    before = await records.find_one_and_update(
        _free(attempt), {"$set": dict(attempt.ours)}, return_document=ReturnDocument.BEFORE
    )
    if before is not None:
        return True, _pending_login(before)
    current = await records.find_one({"_id": attempt.digest})
    return False, _pending_login(current) if current else None


def _free(attempt: Attempt) -> Document:
    """Kept, past its retry time, or left in the middle of a turn by a process that died, or by this one."""
    return {
        "_id": attempt.digest,
        "$or": [
            {"status": "kept"},
            {"status": "failed", "retry_at": {"$lte": attempt.now}},
            {"status": "busy", "busy_until": {"$lte": attempt.now}},
            {"status": "busy", "process": attempt.ours["process"]},
        ],
    }


def _taken(attempt: Attempt) -> list[Document]:
    # MongoDB tells how many it changed, and not what they were, so each record keeps that itself.
    ours = {name: {"$literal": value} for name, value in attempt.ours.items()}
    return [{"$set": {_BEFORE: {name: f"${name}" for name in _REPLACED}, **ours}}]


def _outcome(attempt: Attempt, record: Document | None) -> Outcome:
    if record is None or record.get("owner") != attempt.ours["owner"]:
        return False, _pending_login(record) if record else None
    # What was missing then is missing in what is told of it, too.
    return True, _pending_login({**record, **dict.fromkeys(_REPLACED), **record[_BEFORE]})


def _pending_login(document: Document) -> PendingLogin:
    known: Document = {name: document.get(name) for name in PendingLogin.__slots__}
    return PendingLogin(**known)
