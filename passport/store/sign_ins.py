"""What a sign-in writes down of its user: those of the same moment in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from passport.errors import StoreUnavailable
from passport.store.bulk import CONVERSION_FAILURE, DUPLICATE_KEY, write_errors
from passport.store.faults import CollectionStore, translated
from passport.store.search import search_fields

Document = dict[str, Any]
# When somebody was last known to be active, by mini-program.
Activity = Mapping[str, datetime]


class UnionidTaken(Exception):
    """Another account has this unionid: two accounts turn out to be one person."""


class _ActiveMeanwhile(Exception):
    """They were active since they were read; nothing was written."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What is to be noted.

    Args:
        user_id: of whom.
        appid: where.
        at: when.
        profile: what WeChat told that was not known.
        unionid: the same; None when there is none or it was known.
        known: when they had been active, as read before.
        is_news: whether this may be their first activity of a day, so that it matters whether `known` is still true.
    """

    user_id: str
    appid: str
    at: datetime
    profile: Mapping[str, str | int]
    unionid: str | None
    known: Activity
    is_news: bool


class SignInStore(CollectionStore):
    """Writes of the users collection."""

    @translated
    async def note_all(
        self, sign_ins: Sequence[SignIn]
    ) -> Sequence[Activity | UnionidTaken | StoreUnavailable | None]:
        """Of each: set last_seen_at, count the sign-in, and fill in what it newly told.

        Of the profile, what the user entered or removed is left as it is, decided here and now by the database.

        Returns:
            For each, in their order: when the user had been active before this very write; None when there is no such
            user; UnionidTaken or StoreUnavailable when nothing was written.
        """
        outcomes = await self._note_together(sign_ins)
        return [
            await self._note_alone(each) if isinstance(outcome, _ActiveMeanwhile) else outcome
            for each, outcome in zip(sign_ins, outcomes, strict=True)
        ]

    async def _note_together(self, sign_ins: Sequence[SignIn]) -> Sequence[Any]:
        statements = [
            UpdateOne({"_id": ObjectId(each.user_id)}, _update(each, unless_active=each.is_news))
            for each in sign_ins
        ]
        failed: dict[int, Exception] = {}
        result: Any
        try:
            result = (await self._collection.bulk_write(statements, ordered=False)).bulk_api_result
        except BulkWriteError as error:
            failed = {index: _meaning(each) for index, each in write_errors(error).items()}
            result = error.details
        outcomes = [failed.get(index, each.known) for index, each in enumerate(sign_ins)]
        if result["nMatched"] + len(failed) == len(sign_ins):
            return outcomes
        there = await self._existing(sign_ins)
        return [
            outcome if isinstance(outcome, Exception) or each.user_id in there else None
            for each, outcome in zip(sign_ins, outcomes, strict=True)
        ]

    async def _existing(self, sign_ins: Sequence[SignIn]) -> set[str]:
        """Who of them has an account. Nobody who is gone comes back, so a moment later is as good."""
        wanted = {"_id": {"$in": [ObjectId(each.user_id) for each in sign_ins]}}
        found = await self._collection.find(wanted, {"_id": 1}).to_list(None)
        return {str(each["_id"]) for each in found}

    async def _note_alone(self, sign_in: SignIn) -> Activity | UnionidTaken | None:
        # What it was before comes with the write itself: of any number at once, each sees the one before it.
        try:
            before = await self._collection.find_one_and_update(
                {"_id": ObjectId(sign_in.user_id)}, _update(sign_in), projection={"active_in": 1}
            )
        except DuplicateKeyError:
            return UnionidTaken()
        if before is None:
            return None
        activity: Activity = before.get("active_in", {})
        return activity


def _update(sign_in: SignIn, *, unless_active: bool = False) -> Document | list[Document]:
    changes: Document = {"last_seen_at": sign_in.at}
    if sign_in.unionid is not None:
        changes["unionid"] = sign_in.unionid
    active = f"active_in.{sign_in.appid}"
    if not sign_in.profile and not unless_active:
        return {"$set": changes, "$inc": {"sign_ins": 1}, "$max": {active: sign_in.at}}
    latest: Document = {"$max": [f"${active}", sign_in.at]}
    computed = {
        "sign_ins": {"$add": ["$sign_ins", 1]},
        active: _if_last_active(sign_in.known, latest) if unless_active else latest,
    }
    return [{"$set": {**changes, **_told(sign_in), **computed}}]


def _told(sign_in: SignIn) -> Document:
    told = {
        f"profile.{name}": _unless_entered(name, value, instead=f"$profile.{name}")
        for name, value in sign_in.profile.items()
    }
    if "nickname" in sign_in.profile:
        sought = search_fields(sign_in.user_id, sign_in.profile["nickname"])
        told |= {
            name: _unless_entered("nickname", value, instead=f"${name}") for name, value in sought.items()
        }
    return told


def _unless_entered(name: str, value: str | int | list[str], *, instead: str) -> Document:
    """The value, or what the field of the path `instead` holds when the user has spoken about this member."""
    untouched = {"$eq": [{"$type": f"$entered.{name}"}, "missing"]}
    # A literal, because a name like "$5" would be read as the path of a field.
    return {"$cond": [untouched, {"$literal": value}, instead]}


def _if_last_active(known: Activity, value: Document) -> Document:
    """The value if they were last active when they are known to have been; else an error, and nothing is written.

    Of the statements of one round MongoDB tells only how many met a document, but of a failed one it tells which.
    """
    unchanged = {"$eq": [{"$ifNull": ["$active_in", {}]}, {"$literal": dict(known)}]}
    failure = {"$toInt": {"$concat": ["active meanwhile: ", {"$toString": "$_id"}]}}
    return {"$cond": [unchanged, value, failure]}


def _meaning(error: Document) -> Exception:
    match error["code"]:
        case code if code == DUPLICATE_KEY:
            return UnionidTaken()
        case code if code == CONVERSION_FAILURE:
            return _ActiveMeanwhile()
    return StoreUnavailable()
