"""What MongoDB answers to many writes in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import BulkWriteError, WriteError

Document = dict[str, Any]
DUPLICATE_KEY = 11000
CONVERSION_FAILURE = 241


def write_errors(error: BulkWriteError) -> dict[int, Document]:
    """The error of each write that failed, by its place; all others were done.

    Raises:
        BulkWriteError: it is unknown whether those that were done will last.
    """
    details = error.details or {}
    if details.get("writeConcernErrors") or not details.get("writeErrors"):
        raise error
    return {each["index"]: each for each in details["writeErrors"]}


async def insert_new(
    collection: AsyncIOMotorCollection[Document], documents: Sequence[Document]
) -> list[bool | WriteError]:
    """Insert those whose unique keys nobody has.

    Returns:
        For each, in their order: True; False when its key is taken; what else kept MongoDB from it.

    Raises:
        PyMongoError: the outcome is unknown.
    """
    failed: dict[int, Document] = {}
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failed = write_errors(error)
    return [_not_inserted(failed[index]) if index in failed else True for index in range(len(documents))]


def _not_inserted(failure: Document) -> bool | WriteError:
    if failure["code"] == DUPLICATE_KEY:
        return False
    return WriteError(failure["errmsg"], failure["code"], failure)
