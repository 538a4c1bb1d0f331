"""The wechat_access_tokens collection: WeChat's server credential of each app, and whose turn it is to fetch one.

The rules are `passport.wechat.access_tokens`; this file only makes each step one atomic statement.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from passport.records import StoredAccessToken
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


class AccessTokenStore(CollectionStore):
    """Atomic steps on an app's document. Not majority reads: who has just lost a compare must see who won it."""

    @translated
    async def find(self, appid: str) -> StoredAccessToken:
        """What is known; an empty one when nothing is."""
        return _stored(await self._collection.find_one({"_id": appid}))

    @translated
    async def claim(
        self, appid: str, *, seen: bytes | None, owner: str, now: datetime, busy_until: datetime
    ) -> StoredAccessToken | None:
        """Make the next fetch ours and return the document; None when another has the turn or it is no longer due.

        `seen` is the digest of the token that the caller found wanting, None for none: a document that has another by
        now was fetched in between, by somebody whose turn is over already.
        """
        free: Document = {
            "_id": appid,
            "digest": seen,
            "$or": [{"busy_until": None}, {"busy_until": {"$lte": now}}],
        }
        # A compare with None finds a member that is absent, and would set it to null in an upsert.
        if seen is None:
            free["digest"] = {"$exists": False}
        try:
            document = await self._collection.find_one_and_update(
                free,
                {"$set": {"owner": owner, "busy_until": busy_until}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return None
        return _stored(document)

    @translated
    async def note_force(self, appid: str, *, owner: str, at: datetime) -> None:
        """Write down that a refresh is being forced, before it is."""
        await self._collection.update_one({"_id": appid, "owner": owner}, {"$set": {"forced_at": at}})

    @translated
    async def keep(
        self, appid: str, *, owner: str, sealed_token: bytes, digest: bytes, expires_at: datetime
    ) -> None:
        """Keep what was fetched and end our turn; nothing happens when the turn had passed to another."""
        token = {"sealed_token": sealed_token, "digest": digest, "expires_at": expires_at}
        gone = ("owner", "busy_until", "refused", "failed_until", "error", "wechat_errcode")
        await self._collection.update_one(
            {"_id": appid, "owner": owner}, {"$set": token, "$unset": dict.fromkeys(gone, "")}
        )

    @translated
    async def fail(
        self, appid: str, *, owner: str, error: str, wechat_errcode: int | None, until: datetime
    ) -> None:
        """Write down why there is no token, for those who wait, and end our turn."""
        failure = {"error": error, "wechat_errcode": wechat_errcode, "failed_until": until}
        await self._collection.update_one(
            {"_id": appid, "owner": owner}, {"$set": failure, "$unset": {"owner": "", "busy_until": ""}}
        )

    @translated
    async def expire(self, appid: str, *, digest: bytes) -> None:
        """Forget the token if it still is the one of the digest, and remember that WeChat refused that one."""
        await self._collection.update_one(
            {"_id": appid, "digest": digest},
            {"$set": {"refused": digest}, "$unset": {"sealed_token": "", "digest": "", "expires_at": ""}},
        )


def _stored(document: Document | None) -> StoredAccessToken:
    known = document or {}
    return StoredAccessToken(**{name: known.get(name) for name in StoredAccessToken.__slots__})
