"""`/accounts/me/sessions`: where the user is signed in."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import Field

from handlers.api.bearer import BEARER_REFUSALS, BearerHandler
from handlers.operations import Answer, Moment, operation
from passport.errors import NotFound
from passport.models import Session


class SessionAnswer(Answer):
    """One signed-in device. `current` is the one that asks."""

    id: str = Field(
        description="What `DELETE /accounts/me/sessions/{session_id}` takes; the `sid` of its access tokens.",
        examples=["66f0c1e9ad8b7426e93d1c0b"],
    )
    appid: str = Field(description="The mini-program.", examples=["wx4f4bc4dec97d474b"])
    created_at: Moment = Field(description="When the user signed in.", examples=["2026-03-01T08:30:00Z"])
    last_used_at: Moment = Field(
        description="When it was last refreshed, or else began.", examples=["2026-03-02T18:04:11Z"]
    )
    ends_at: Moment = Field(
        description="When it ends, however much it is used.", examples=["2026-05-30T08:30:00Z"]
    )
    ip: str = Field(description="Where the sign-in came from.", examples=["203.0.113.5"])
    user_agent: str = Field(
        description="What signed in, as it called itself; may be empty.",
        examples=["Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) MicroMessenger/8.0.54"],
    )
    current: bool = Field(description="Whether it is the session of this very access token.", examples=[True])


class SessionsAnswer(Answer):
    """Newest first."""

    sessions: list[SessionAnswer] = Field(description="Those that are not over; the newest first.")


class SessionsHandler(BearerHandler):
    """`/accounts/me/sessions`."""

    @operation(
        "Where the user is signed in.", answers=SessionsAnswer, refusals=BEARER_REFUSALS, caller="bearer"
    )
    async def get(self) -> None:
        """200 with the sessions, this one included."""
        bearer = await self.bearer()
        alive = await self.services.sessions.list_alive(bearer.user)
        current = bearer.claims.session_id
        self.reply(SessionsAnswer(sessions=[_answer(session, current) for session in alive]))

    @operation(
        "Sign out everywhere else.",
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=BEARER_REFUSALS,
        caller="bearer",
    )
    async def delete(self) -> None:
        """204; this session alone is left."""
        bearer = await self.bearer()
        while not await self.services.sessions.end_all(bearer.user, by="user", but=bearer.claims.session_id):
            # All sessions were ended in this moment, perhaps this one, too.
            bearer = await self.bearer()
        self.reply_without_body()


class SessionHandler(BearerHandler):
    """`/accounts/me/sessions/{session_id}`."""

    @operation(
        "Sign out one device.",
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=(*BEARER_REFUSALS, NotFound),
        caller="bearer",
    )
    async def delete(self, session_id: str) -> None:
        """204; 404 when the user has no such session that is not over."""
        bearer = await self.bearer()
        if not await self.services.sessions.end(session_id, by="user", user_id=bearer.user.user_id):
            raise NotFound("The user has no session of this id that is not over.")
        self.reply_without_body()


def _answer(session: Session, current: str) -> SessionAnswer:
    return SessionAnswer(
        id=session.session_id,
        appid=session.appid,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        ends_at=session.ends_at,
        ip=session.ip,
        user_agent=session.user_agent,
        current=session.session_id == current,
    )
