"""The users collection: one document a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, WriteError

from passport.models import Ban, Consent, Identity, LastAct, Phone, User
from passport.store.bulk import insert_new
from passport.store.faults import CollectionStore, translated
from passport.store.rounds import Rounds, each_made
from passport.store.search import search_fields
from passport.store.sign_ins import Activity
from passport.store.soundness import ensure_sound

Document = dict[str, Any]
# What is for the dashboard's search alone.
_UNUSED: Document = {"search": 0, "search_text": 0}
# What the person is told of their document: not how we count, nor what operators write for each other.
_EXPORTED = (
    "identities",
    "unionid",
    "profile",
    "entered",
    "phone",
    "avatar",
    "consent",
    "created_at",
    "last_seen_at",
    "active_in",
    "sign_ins",
)


def new_user_id() -> str:
    """A new id, ordered by time."""
    return str(ObjectId())


class UserStore(CollectionStore):
    """Reads and atomic writes of users; the arguments are `CollectionStore`'s."""

    def __init__(self, collection: AsyncIOMotorCollection[Document], *, deadline: float) -> None:
        super().__init__(collection, deadline=deadline)
        self._found = Rounds(self._find_together, deadline=deadline)
        self._inserted = Rounds(self._insert_together, deadline=deadline)

    @translated
    async def insert(
        self,
        identity: Identity,
        *,
        unionid: str | None,
        profile: Mapping[str, str | int],
        consent: Consent | None,
        at: datetime,
    ) -> User | None:
        """The new user, or None when the identity or the unionid has an account already.

        The race of simultaneous registrations is decided by the unique indexes alone: one insert wins. Those of the
        same moment share a statement.
        """
        document = _new(ObjectId(), identity, unionid=unionid, profile=profile, at=at)
        if consent is not None:
            document["consent"] = _consent(consent)
        return user_of(document) if await self._inserted.join(document) else None

    async def _insert_together(self, documents: list[Document]) -> list[bool | WriteError]:
        return await insert_new(self._collection, documents)

    @translated
    async def import_all(self, users: Sequence[User]) -> None:
        """Put the users there as they are, each of one identity, for the demo; nobody else may have it."""
        await self._collection.insert_many([_imported(each) for each in users])

    async def find_by_identity(self, identity: Identity) -> User | None:
        """None when this appid never registered the openid."""
        (found,) = await self.find_by_identities([identity])
        if isinstance(found, Exception):
            raise found
        return found

    @translated
    async def find_by_identities(self, identities: Sequence[Identity]) -> list[User | Exception | None]:
        """Whose each is, in their order; None when this appid never registered the openid.

        Where the document cannot be relied on, what is wrong with it.
        """
        documents = await self._find_all(
            {"identities": {"$in": [_identity(each) for each in identities]}}, _UNUSED
        )
        whose: dict[Identity, User | Exception] = {}
        for document, made in zip(documents, each_made(_sound_user, documents), strict=True):
            if isinstance(made, User):
                whose |= dict.fromkeys(made.identities, made)
            else:
                whose |= {each: made for each in identities if _belongs(document, each)}
        return [whose.get(each) for each in identities]

    @translated
    async def find_by_unionid(self, unionid: str) -> User | None:
        """None when no account has the unionid."""
        document = await self._find_one(with_unionid(unionid))
        return user_of(document) if document else None

    @translated
    async def link(self, identity: Identity, *, unionid: str) -> User | None:
        """Add the identity to the account of the unionid; None when there is no such account.

        One statement, so a simultaneous link or registration of the identity is refused by the unique index; then
        that account is the answer.
        """
        document: Document | None
        try:
            document = await self._collection.find_one_and_update(
                with_unionid(unionid),
                {"$addToSet": {"identities": _identity(identity)}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            document = await self._find_one({"identities": _identity(identity)})
        return _sound_user(document) if document else None

    @translated
    async def find(self, user_id: str) -> User | None:
        """None when there is no such user, or user_id is not of our form. Calls of the same moment share a read."""
        try:
            key = ObjectId(user_id)
        except InvalidId:
            return None
        return await self._found.join(key)

    async def _find_together(self, keys: list[ObjectId]) -> list[User | Exception | None]:
        documents = await self._find_all({"_id": {"$in": keys}}, _UNUSED)
        made = each_made(user_of, documents)
        found = {document["_id"]: each for document, each in zip(documents, made, strict=True)}
        return [found.get(key) for key in keys]

    @translated
    async def note_active(self, user_id: str, *, appid: str, at: datetime) -> Activity | None:
        """Note that the user is active now, and tell when they had been before; None when there is no user."""
        # What it was before comes with the write itself: of any number at once, each sees the one before it.
        before = await self._collection.find_one_and_update(
            {"_id": ObjectId(user_id)},
            {"$max": {"last_seen_at": at, f"active_in.{appid}": at}},
            projection={"active_in": 1},
        )
        if before is None:
            return None
        activity: Activity = before.get("active_in", {})
        return activity

    @translated
    async def exist(self) -> bool:
        """Whether there is any user."""
        return await self._collection.find_one({}, {"_id": 1}, hint="_id_") is not None

    @translated
    async def set_ban(self, user_id: str, ban: Ban | None) -> bool:
        """Ban, or lift the ban with None. False when there is no such user.

        A ban ends every session in the same statement; lifting it revives none.
        """
        change: Document
        if ban is None:
            change = {"$set": {"status": "active"}, "$unset": {"ban": ""}}
        else:
            change = {
                "$set": {"status": "banned", "ban": ban_document(ban)},
                "$inc": {"session_epoch": 1},
                "$unset": {"spared_session": ""},
            }
        result = await self._collection.update_one({"_id": ObjectId(user_id)}, change)
        return result.matched_count == 1

    @translated
    async def raise_epoch(self, user_id: str, *, epoch: int, spared: str | None) -> bool:
        """End all sessions of the user but the one spared; False when that happened since `epoch` was read."""
        change: Document = {"$inc": {"session_epoch": 1}}
        if spared is None:
            change["$unset"] = {"spared_session": ""}
        else:
            change["$set"] = {"spared_session": ObjectId(spared)}
        # A user that was never signed out everywhere has no epoch yet, which counts as 0.
        known: Any = {"$in": [None, 0]} if epoch == 0 else epoch
        wanted = {"_id": ObjectId(user_id), "session_epoch": known}
        return (await self._collection.update_one(wanted, change)).modified_count == 1

    @translated
    async def enter(
        self, user_id: str, entered: Mapping[str, str | int | None], *, consent: Consent | None
    ) -> User | None:
        """Set what the user entered, where None removes what is known; None when there is no such user."""
        removed = [name for name, value in entered.items() if value is None]
        changes: Document = {f"entered.{name}": value for name, value in entered.items()}
        if "nickname" in entered:
            changes |= search_fields(user_id, entered["nickname"])
        if consent is not None:
            changes["consent"] = _consent(consent)
        update: Document = {"$set": changes}
        if removed:
            update["$unset"] = {f"profile.{name}": "" for name in removed}
        document = await self._collection.find_one_and_update(
            {"_id": ObjectId(user_id)}, update, return_document=ReturnDocument.AFTER
        )
        return user_of(document) if document else None

    @translated
    async def export(self, user_id: str) -> Document | None:
        """What of the person's document is theirs to have, and its `_id` as `account_id`; None if there is none."""
        document = await self._find_one({"_id": ObjectId(user_id)}, dict.fromkeys(_EXPORTED, 1))
        if document is None:
            return None
        document.get("phone", {}).pop("code_digest", None)
        return {"account_id": str(document.pop("_id")), **document}

    @translated
    async def set_phone(self, user_id: str, phone: Phone | None) -> bool:
        """Bind the number, or remove it with None. False when there is no such user."""
        change = {"$set": {"phone": asdict(phone)}} if phone else {"$unset": {"phone": ""}}
        result = await self._collection.update_one({"_id": ObjectId(user_id)}, change)
        return result.matched_count == 1


def _new(
    user_id: ObjectId,
    identity: Identity,
    *,
    unionid: str | None,
    profile: Mapping[str, str | int],
    at: datetime,
) -> Document:
    document: Document = {
        "_id": user_id,
        "identities": [_identity(identity)],
        "profile": dict(profile),
        "status": "active",
        "created_at": at,
        "last_seen_at": at,
        "active_in": {identity.appid: at},
        "sign_ins": 0,
        **search_fields(str(user_id), profile.get("nickname")),
    }
    if unionid is not None:
        document["unionid"] = unionid
    return document


def _imported(user: User) -> Document:
    document = _new(
        ObjectId(user.user_id),
        user.identities[0],
        unionid=user.unionid,
        profile=user.from_wechat,
        at=user.created_at,
    )
    document |= {"last_seen_at": user.last_seen_at, "active_in": dict(user.active_in)}
    document["sign_ins"] = user.sign_ins
    if user.ban is not None:
        document |= {"status": "banned", "ban": ban_document(user.ban), "session_epoch": 1}
    return document


def _identity(identity: Identity) -> Document:
    # Embedded documents are equal only with their fields in the same order, so this is the one place that builds them.
    return {"appid": identity.appid, "openid": identity.openid}


def _belongs(document: Document, identity: Identity) -> bool:
    # A filter meets an array with this element, and this very value in the place of the array.
    wanted, kept = _identity(identity), document["identities"]
    return wanted == kept or (isinstance(kept, list) and wanted in kept)


def with_unionid(unionid: str) -> Document:
    # The index is partial, and the planner takes it only for a filter that says what the index says.
    return {"unionid": {"$eq": unionid, "$type": "string"}}


def ban_document(ban: Ban) -> Document:
    """A ban as it is kept."""
    return {"reason": ban.reason, "by": ban.by, "at": ban.at, "until": ban.until, "shown": ban.shown}


def _consent(consent: Consent) -> Document:
    return {"version": consent.version, "at": consent.at}


def _last_act(document: Document) -> LastAct:
    before, after = (_undoable(document[name]) for name in ("before", "after"))
    return LastAct(document["kind"], document["by"], document["at"], before=before, after=after)


def _undoable(value: Any) -> Any:
    match value:
        case dict():
            return Ban(**value)
        case list():
            return tuple(value)
        case _:
            return value


def user_of(document: Document) -> User:
    """The user that a document of the collection is."""
    ban, consent, spared = (document.get(name) for name in ("ban", "consent", "spared_session"))
    phone = document.get("phone")
    return User(
        user_id=str(document["_id"]),
        identities=tuple(Identity(each["appid"], each["openid"]) for each in document["identities"]),
        unionid=document.get("unionid"),
        from_wechat=document.get("profile", {}),
        entered=document.get("entered", {}),
        ban=Ban(**ban) if ban else None,
        consent=Consent(**consent) if consent else None,
        phone=Phone(**{**phone, "code_digest": bytes(phone["code_digest"])}) if phone else None,
        avatar=document.get("avatar"),
        created_at=document["created_at"],
        last_seen_at=document["last_seen_at"],
        active_in=document.get("active_in", {}),
        sign_ins=document.get("sign_ins", 0),
        session_epoch=document.get("session_epoch", 0),
        spared_session=str(spared) if spared else None,
        note=document.get("note", ""),
        tags=tuple(document.get("tags", ())),
        last_act=_last_act(document["last_act"]) if document.get("last_act") else None,
    )


def _sound_user(document: Document) -> User:
    try:
        return ensure_sound(user_of(document))
    except Exception as error:
        error.add_note(f"the user {document['_id']} cannot be read; was the document edited by hand?")
        raise
