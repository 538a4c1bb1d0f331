"""What operators change of a user: the ban, the note, the tags. Each change is one statement, from a known state."""

from __future__ import annotations

from typing import Any, TypeVar

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from passport.models import Ban, LastAct, User
from passport.store.faults import CollectionStore, translated
from passport.store.sign_ins import UnionidTaken
from passport.store.skipping import values_in_use
from passport.store.users import ban_document, user_of, with_unionid

Document = dict[str, Any]
Undoable = TypeVar("Undoable", Ban | None, str, tuple[str, ...])
# More are no help to choose from, and each is a question.
_MOST_TAGS = 40


class CareStore(CollectionStore):
    """Changes of users by operators.

    A change names the state that the operator saw, and is not made from any other: of two operators at once, the second
    is told what the first did. With the change goes what it takes to undo it.
    """

    @translated
    async def set_ban(self, user_id: str, *, was: Ban | None, ban: Ban | None, act: LastAct | None) -> bool:
        """Ban, or lift the ban with None; False when the ban is not what it was.

        A ban ends every session in the same statement; lifting it revives none.
        """
        if ban is None:
            change: Document = {"$set": {"status": "active"}, "$unset": {"ban": ""}}
        else:
            change = {
                "$set": {"status": "banned", "ban": ban_document(ban)},
                "$unset": {"spared_session": ""},
                "$inc": {"session_epoch": 1},
            }
        return await self._change(user_id, {"ban": ban_document(was) if was else None}, change, act)

    @translated
    async def set_note(self, user_id: str, *, was: str, note: str, act: LastAct | None) -> bool:
        """Put the note in the place of what it was; False when it is another by now."""
        wanted = {"note": was or None}
        return await self._change(user_id, wanted, _kept("note", note), act)

    @translated
    async def set_tags(
        self, user_id: str, *, was: tuple[str, ...], tags: tuple[str, ...], act: LastAct | None
    ) -> bool:
        """Put the tags in the place of what they were; False when they are others by now."""
        wanted = {"tags": list(was) if was else {"$in": [None, []]}}
        return await self._change(user_id, wanted, _kept("tags", list(tags)), act)

    @translated
    async def set_unionid(self, user_id: str, *, was: str | None, unionid: str) -> bool:
        """Make it the account's unionid; False when the account's is not what it was.

        Raises:
            UnionidTaken: another account has it; nothing was written.
        """
        wanted = {"_id": ObjectId(user_id), "unionid": was}
        try:
            result = await self._collection.update_one(wanted, {"$set": {"unionid": unionid}})
        except DuplicateKeyError as error:
            raise UnionidTaken from error
        return result.matched_count == 1

    @translated
    async def tags_in_use(self) -> list[str]:
        """The tags that users have, in order, up to _MOST_TAGS."""
        return await values_in_use(
            self._collection, "tags", index="users_tagged", of=lambda user: user["tags"], most=_MOST_TAGS
        )

    @translated
    async def with_phone(self, number: str, *, but: str, limit: int) -> list[User]:
        """Other users who have this number, as WeChat vouched for it."""
        # The index is partial, and the planner takes it only for a filter that says what the index says.
        wanted = {"phone.number": {"$eq": number, "$type": "string"}, "_id": {"$ne": ObjectId(but)}}
        return [user_of(document) async for document in self._collection.find(wanted).limit(limit)]

    @translated
    async def has_unionid(self, unionid: str) -> bool:
        """Whether any account has it."""
        return await self._collection.find_one(with_unionid(unionid), {"_id": 1}) is not None

    async def _change(self, user_id: str, wanted: Document, change: Document, act: LastAct | None) -> bool:
        if act is None:
            change["$unset"] = {**change.get("$unset", {}), "last_act": ""}
        else:
            change["$set"] = {**change.get("$set", {}), "last_act": _act_document(act)}
        result = await self._collection.update_one({"_id": ObjectId(user_id), **wanted}, change)
        return result.matched_count == 1


def _kept(name: str, value: Any) -> Document:
    # What is empty is absent, and then in no index.
    return {"$set": {name: value}} if value else {"$unset": {name: ""}}


def _act_document(act: LastAct) -> Document:
    before, after = _plain(act.before), _plain(act.after)
    return {"kind": act.kind, "by": act.by, "at": act.at, "before": before, "after": after}


def _plain(value: Ban | str | tuple[str, ...] | None) -> Any:
    match value:
        case Ban():
            return ban_document(value)
        case tuple():
            return list(value)
        case _:
            return value
