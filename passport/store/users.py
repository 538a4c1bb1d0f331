"""The users collection: one document a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from passport.models import Ban, Identity, User
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class UnionidTaken(Exception):
    """Another account has this unionid: two accounts turn out to be one person."""


class UserStore(CollectionStore):
    """Reads and atomic writes of users."""

    @translated
    async def insert(
        self, identity: Identity, *, unionid: str | None, profile: Mapping[str, str | int], at: datetime
    ) -> User | None:
        """The new user, or None when the identity or the unionid has an account already.

        The race of simultaneous registrations is decided by the unique indexes alone: one insert wins.
        """
        document: Document = {
            "_id": ObjectId(),
            "identities": [_identity(identity)],
            "profile": dict(profile),
            "status": "active",
            "created_at": at,
            "last_seen_at": at,
            "sign_ins": 0,
        }
        if unionid is not None:
            document["unionid"] = unionid
        try:
            await self._collection.insert_one(document)
        except DuplicateKeyError:
            return None
        return _user(document)

    @translated
    async def find_by_identity(self, identity: Identity) -> User | None:
        """None when this appid never registered the openid."""
        document = await self._collection.find_one({"identities": _identity(identity)})
        return _user(document) if document else None

    @translated
    async def link(self, identity: Identity, *, unionid: str) -> User | None:
        """Add the identity to the account of the unionid; None when there is no such account.

        One statement, so a simultaneous link or registration of the identity is refused by the unique index; then
        that account is the answer.
        """
        document: Document | None
        try:
            document = await self._collection.find_one_and_update(
                {"unionid": unionid},
                {"$addToSet": {"identities": _identity(identity)}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            document = await self._collection.find_one({"identities": _identity(identity)})
        return _user(document) if document else None

    @translated
    async def find(self, user_id: str) -> User | None:
        """None when there is no such user, or user_id is not of our form."""
        try:
            document = await self._collection.find_one({"_id": ObjectId(user_id)})
        except InvalidId:
            return None
        return _user(document) if document else None

    @translated
    async def record_sign_in(
        self, user_id: str, *, at: datetime, profile: Mapping[str, str | int], unionid: str | None
    ) -> None:
        """Set last_seen_at, count the sign-in, and fill in what this sign-in newly told.

        Raises:
            UnionidTaken: another account has the unionid; nothing was written.
        """
        changes: Document = {
            "last_seen_at": at,
            **{f"profile.{name}": value for name, value in profile.items()},
        }
        if unionid is not None:
            changes["unionid"] = unionid
        try:
            await self._collection.update_one(
                {"_id": ObjectId(user_id)}, {"$set": changes, "$inc": {"sign_ins": 1}}
            )
        except DuplicateKeyError as error:
            raise UnionidTaken from error

    @translated
    async def set_ban(self, user_id: str, ban: Ban | None) -> bool:
        """Ban, or lift the ban with None. False when there is no such user."""
        if ban is None:
            change: Document = {"$set": {"status": "active"}, "$unset": {"ban": ""}}
        else:
            stored = {
                "reason": ban.reason,
                "by": ban.by,
                "at": ban.at,
                "until": ban.until,
                "shown": ban.shown,
            }
            change = {"$set": {"status": "banned", "ban": stored}}
        result = await self._collection.update_one({"_id": ObjectId(user_id)}, change)
        return result.matched_count == 1


def _identity(identity: Identity) -> Document:
    # Embedded documents are equal only with their fields in the same order, so this is the one place that builds them.
    return {"appid": identity.appid, "openid": identity.openid}


def _user(document: Document) -> User:
    ban = document.get("ban")
    return User(
        user_id=str(document["_id"]),
        identities=tuple(Identity(each["appid"], each["openid"]) for each in document["identities"]),
        unionid=document.get("unionid"),
        profile=document.get("profile", {}),
        ban=Ban(**ban) if ban else None,
        avatar=document.get("avatar"),
        created_at=document["created_at"],
        last_seen_at=document["last_seen_at"],
    )
