"""What MongoDB answers to many writes in one statement."""

from __future__ import annotations

from typing import Any

from pymongo.errors import BulkWriteError

DUPLICATE_KEY = 11000
CONVERSION_FAILURE = 241


def write_errors(error: BulkWriteError) -> dict[int, dict[str, Any]]:
    """The error of each write that failed, by its place; all others were done.

    Raises:
        BulkWriteError: it is unknown whether those that were done will last.
    """
    details = error.details or {}
    if details.get("writeConcernErrors") or not details.get("writeErrors"):
        raise error
    return {each["index"]: each for each in details["writeErrors"]}
