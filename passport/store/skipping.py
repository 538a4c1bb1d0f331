"""The different values of an array's members, read off an index one entry a value.

A `distinct` would read an entry a user: of an index of arrays MongoDB skips none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection

Document = dict[str, Any]


async def values_in_use(
    collection: AsyncIOMotorCollection[Document],
    field: str,
    *,
    index: str,
    of: Callable[[Document], Iterable[str]],
    most: int,
) -> list[str]:
    """The texts that the field holds anywhere, in order.

    Args:
        collection: where.
        field: its path.
        index: the name of an index that begins with it.
        of: the texts that it holds in a document.
        most: of them; each is a question.
    """
    found: list[str] = []
    while len(found) < most:
        last = found[-1] if found else ""
        # In the order of the index that is named. MongoDB sorts by an array itself, whatever index there is.
        document = await collection.find_one({field: {"$gt": last}}, {field: 1}, hint=index)
        if document is None:
            break
        # Its entry is the first beyond, so of its texts beyond it is the least. Both orders are that of code points.
        found.append(min(each for each in of(document) if each > last))
    return found
