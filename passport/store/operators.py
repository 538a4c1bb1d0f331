"""The operators collection: who works in the dashboard."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from pymongo.errors import DuplicateKeyError

from passport.models import Operator, Role
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class OperatorStore(CollectionStore):
    """Reads and atomic writes of operators."""

    @translated
    async def insert(self, name: str, *, role: Role, at: datetime) -> Operator | None:
        """The new operator; None when the name is taken, however it is spelt."""
        document = {"_id": ObjectId(), "name": name, "name_key": key_of(name), "role": role, "created_at": at}
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            return None
        return as_operator(document)

    @translated
    async def find(self, operator_id: str) -> Operator | None:
        """None when there is no such operator, or the id is not of our form."""
        try:
            document = await self._find_one({"_id": ObjectId(operator_id)})
        except InvalidId:
            return None
        return as_operator(document) if document else None

    @translated
    async def find_by_name(self, name: str) -> Operator | None:
        """None when nobody is called that, in capitals or not."""
        document = await self._find_one({"name_key": key_of(name)})
        return as_operator(document) if document else None


def key_of(name: str) -> str:
    """By which a name is found: however it is spelt in capitals."""
    return name.casefold()


def as_operator(document: Document) -> Operator:
    """What of the document everybody may know."""
    return Operator(
        operator_id=str(document["_id"]),
        name=document["name"],
        role=document["role"],
        created_at=document["created_at"],
        disabled_at=document.get("disabled_at"),
        epoch=document.get("epoch", 0),
    )
