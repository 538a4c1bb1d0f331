"""The sessions collection: one document a successful sign-in, kept as the login history."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from passport.models import Session
from passport.store.faults import CollectionStore, translated

Document = dict[str, Any]


def new_session_id() -> str:
    """A new id: ordered by time, so that the index grows at one end. It is no secret; tokens are signed."""
    return str(ObjectId())


class SessionStore(CollectionStore):
    """Writes of sessions."""

    @translated
    async def insert(self, session: Session) -> None:
        """Keep the session."""
        await self._collection.insert_one(
            {
                "_id": ObjectId(session.session_id),
                "user_id": ObjectId(session.user_id),
                "appid": session.appid,
                "created_at": session.created_at,
                "expires_at": session.expires_at,
                "ip": session.ip,
                "user_agent": session.user_agent,
            }
        )
