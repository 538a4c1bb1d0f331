"""What an operator signs in by, within the operators collection: each change is one statement or one transaction.

Whatever ends an operator's sessions raises `epoch` in that same write: a session carries the epoch that it began in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pymongo import ASCENDING, ReturnDocument
from pymongo.errors import DuplicateKeyError

from passport.models import Member, Operator, Role, SecondFactor
from passport.store.faults import CollectionStore, translated
from passport.store.operators import as_operator, key_of
from passport.store.transactions import transaction

Document = dict[str, Any]
# A team, not a directory; the page shows all of them.
MOST_MEMBERS = 500


def new_operator_id() -> str:
    """A new id."""
    return str(ObjectId())


class MemberStore(CollectionStore):
    """Reads and atomic writes of what operators sign in by.

    Args:
        collection: the operators.
        links: the one-time links, which are used up in the write that they allow.
        deadline: in seconds.
    """

    def __init__(
        self,
        collection: AsyncIOMotorCollection[Document],
        *,
        links: AsyncIOMotorCollection[Document],
        deadline: float,
    ) -> None:
        super().__init__(collection, deadline=deadline)
        self._links = links

    @translated
    async def find(self, operator_id: str) -> Member | None:
        """None when there is no such operator, or the id is not of our form."""
        try:
            document = await self._find_one({"_id": ObjectId(operator_id)})
        except InvalidId:
            return None
        return _member(document) if document else None

    @translated
    async def find_by_name(self, name: str) -> Member | None:
        """None when nobody is called that, in capitals or not."""
        document = await self._find_one({"name_key": key_of(name)})
        return _member(document) if document else None

    @translated
    async def list(self) -> list[Member]:
        """Everybody, by name."""
        cursor = self._collection.find().sort("name_key", ASCENDING).limit(MOST_MEMBERS)
        return [_member(document) async for document in cursor]

    @translated
    async def any(self) -> bool:
        """Whether there is anybody at all."""
        return await self._find_one({}, {"_id": 1}) is not None

    @translated
    async def insert(
        self, operator_id: str, name: str, *, role: Role, password_hash: str | None, at: datetime
    ) -> Operator | None:
        """The new operator; None when the name is taken, however it is spelt."""
        document = _new(operator_id, name, role, password_hash, at)
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            return None
        return as_operator(document)

    @translated
    async def insert_first(
        self, link: bytes, operator_id: str, name: str, *, role: Role, password_hash: str, at: datetime
    ) -> Operator | None:
        """Use the link up and make the first operator; None when it is worth nothing or somebody was first.

        `first` is unique among operators, so of two links used at once one makes an operator.
        """
        document = {**_new(operator_id, name, role, password_hash, at), "first": True}

        async def steps(session: AsyncIOMotorClientSession) -> Operator | None:
            wanted = {"_id": link, "purpose": "first_operator", "expires_at": {"$gt": at}}
            if await self._links.find_one_and_delete(wanted, session=session) is None:
                return None
            if await self._collection.find_one({}, {"_id": 1}, session=session) is not None:
                return None
            await self._collection.insert_one(document, session=session)
            return as_operator(document)

        try:
            return await transaction(self._collection, steps, deadline=self.deadline)
        except DuplicateKeyError:
            return None

    @translated
    async def set_password_by_link(self, link: bytes, *, password_hash: str, at: datetime) -> Operator | None:
        """Use the link up and set the password of its operator; None when it is worth nothing any more."""

        async def steps(session: AsyncIOMotorClientSession) -> Operator | None:
            wanted = {"_id": link, "purpose": "password", "expires_at": {"$gt": at}}
            used = await self._links.find_one_and_delete(wanted, session=session)
            if used is None:
                return None
            document = await self._collection.find_one_and_update(
                {"_id": ObjectId(used["operator_id"]), "disabled_at": None},
                {"$set": {"password_hash": password_hash}, "$inc": {"epoch": 1}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return as_operator(document) if document else None

        return await transaction(self._collection, steps, deadline=self.deadline)

    @translated
    async def set_password(self, operator_id: str, password_hash: str) -> Operator | None:
        """Set it and end every session; the operator as they are now, None when there is no such one."""
        return await self._change(operator_id, {}, {"$set": {"password_hash": password_hash}})

    @translated
    async def rehash(self, operator_id: str, *, old: str, new: str) -> None:
        """Keep the same password under today's parameters, unless it was changed meanwhile."""
        wanted = {"_id": ObjectId(operator_id), "password_hash": old}
        await self._collection.update_one(wanted, {"$set": {"password_hash": new}})

    @translated
    async def note_signed_in(self, operator_id: str, *, at: datetime) -> None:
        """For the list of operators."""
        await self._collection.update_one({"_id": ObjectId(operator_id)}, {"$max": {"last_signed_in_at": at}})

    @translated
    async def set_role(self, operator_id: str, role: Role, *, by: str | None) -> Operator | None:
        """Change the role and end every session. None as `disable`."""
        return await self._change_by(by, operator_id, {"$set": {"role": role}})

    @translated
    async def disable(self, operator_id: str, *, at: datetime, by: str | None) -> Operator | None:
        """Let them in no more. None when there is no such operator, or `by` is no admin any more.

        Args:
            by: the admin who does it, None for the command line. That they still are one is part of the same
                transaction, or two admins who disable each other at once would leave nobody.
        """
        return await self._change_by(by, operator_id, {"$set": {"disabled_at": at}})

    @translated
    async def enable(self, operator_id: str) -> Operator | None:
        """Let them in again. None when there is no such operator."""
        return await self._change(operator_id, {}, {"$unset": {"disabled_at": ""}})

    @translated
    async def forget_password(self, operator_id: str) -> Operator | None:
        """Make the present one worthless and end every session. None when there is no such operator."""
        return await self._change(operator_id, {}, {"$unset": {"password_hash": ""}})

    # The second factor

    @translated
    async def set_second_factor(
        self, operator_id: str, factor: SecondFactor, *, step: int
    ) -> Operator | None:
        """Turn it on, its first code used up, and end every session; None when it is on already."""
        kept = {
            "sealed_seed": factor.sealed_seed,
            "since": factor.since,
            "recovery": list(factor.recovery),
            "last_step": step,
        }
        return await self._change(operator_id, {"second_factor": None}, {"$set": {"second_factor": kept}})

    @translated
    async def remove_second_factor(self, operator_id: str) -> Operator | None:
        """Turn it off and end every session; None when it was off."""
        return await self._change(
            operator_id, {"second_factor": {"$ne": None}}, {"$unset": {"second_factor": ""}}
        )

    @translated
    async def use_step(self, operator_id: str, step: int) -> bool:
        """Use up this step and all before it; False when it was. Of any number at once one gets it (RFC 6238, 5.2)."""
        wanted = {"_id": ObjectId(operator_id), "second_factor.last_step": {"$lt": step}}
        result = await self._collection.update_one(wanted, {"$set": {"second_factor.last_step": step}})
        return result.modified_count == 1

    @translated
    async def use_recovery_code(self, operator_id: str, digest: bytes) -> bool:
        """Use up the code; False when there is none like it. Of any number at once one gets it."""
        wanted = {"_id": ObjectId(operator_id), "second_factor.recovery": digest}
        result = await self._collection.update_one(wanted, {"$pull": {"second_factor.recovery": digest}})
        return result.modified_count == 1

    @translated
    async def renew_recovery_codes(self, operator_id: str, digests: tuple[bytes, ...]) -> bool:
        """Put these in the place of all others; False when there is no second factor."""
        wanted = {"_id": ObjectId(operator_id), "second_factor": {"$ne": None}}
        result = await self._collection.update_one(
            wanted, {"$set": {"second_factor.recovery": list(digests)}}
        )
        return result.matched_count == 1

    # One write that ends sessions

    async def _change(
        self,
        operator_id: str,
        provided: Document,
        change: Document,
        session: AsyncIOMotorClientSession | None = None,
    ) -> Operator | None:
        try:
            wanted = {"_id": ObjectId(operator_id), **provided}
        except InvalidId:
            return None
        document = await self._collection.find_one_and_update(
            wanted,
            {**change, "$inc": {"epoch": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return as_operator(document) if document else None

    async def _change_by(self, by: str | None, operator_id: str, change: Document) -> Operator | None:
        async def steps(session: AsyncIOMotorClientSession) -> Operator | None:
            if by is not None:
                # Written and not only read, so that two who do this to each other get in each other's way.
                admin = {"_id": ObjectId(by), "role": "admin", "disabled_at": None}
                result = await self._collection.update_one(admin, {"$inc": {"acts": 1}}, session=session)
                if result.matched_count == 0:
                    return None
            return await self._change(operator_id, {}, change, session)

        return await transaction(self._collection, steps, deadline=self.deadline)


def _new(operator_id: str, name: str, role: Role, password_hash: str | None, at: datetime) -> Document:
    document: Document = {"_id": ObjectId(operator_id), "name": name, "name_key": key_of(name)}
    document |= {"role": role, "created_at": at}
    return document if password_hash is None else {**document, "password_hash": password_hash}


def _member(document: Document) -> Member:
    factor = document.get("second_factor")
    return Member(
        operator=as_operator(document),
        password_hash=document.get("password_hash"),
        second_factor=_second_factor(factor) if factor else None,
        last_signed_in_at=document.get("last_signed_in_at"),
    )


def _second_factor(document: Document) -> SecondFactor:
    return SecondFactor(
        sealed_seed=bytes(document["sealed_seed"]),
        since=document["since"],
        recovery=tuple(bytes(digest) for digest in document["recovery"]),
    )
