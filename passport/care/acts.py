"""Acts of operators on one user, each from the state that the operator saw, and the undoing of the last one."""

from __future__ import annotations

from datetime import datetime, timedelta

from passport.clock import Now
from passport.errors.care import ChangedMeanwhile, NothingToUndo, UnionidInUse
from passport.models import Ban, ClosedAccount, LastAct, Session, User
from passport.store.care import CareStore
from passport.store.closed_accounts import ClosedAccountStore
from passport.store.sessions import SessionStore
from passport.store.sign_ins import UnionidTaken

# After a week nobody remembers what they would undo.
UNDO_LASTS = timedelta(days=7)
RECENT = 30


class Care:
    """What operators do with one user. Methods take the user as the operator saw them.

    Args:
        store: makes the changes.
        sessions: what a ban ends.
        closed: the accounts that are no more.
        now: the clock.
    """

    def __init__(
        self, *, store: CareStore, sessions: SessionStore, closed: ClosedAccountStore, now: Now
    ) -> None:
        self._store, self._sessions, self._closed, self._now = store, sessions, closed, now

    async def ban(self, user: User, *, reason: str, until: datetime | None, shown: bool, by: str) -> Ban:
        """Disable the account and end its sessions; the first write closes every door, the second is for the history.

        Raises:
            ChangedMeanwhile: another operator banned or unbanned this user first; nothing was changed.
        """
        at = self._now()
        ban = Ban(reason=reason, by=by, at=at, until=until, shown=shown)
        await self._set_ban(user, ban, LastAct("ban", by, at, before=user.ban, after=ban))
        return ban

    async def unban(self, user: User, *, by: str) -> None:
        """Lift the ban; the user signs in anew. Raises ChangedMeanwhile."""
        await self._set_ban(user, None, LastAct("unban", by, self._now(), before=user.ban, after=None))

    async def write_note(self, user: User, note: str, *, by: str) -> None:
        """Replace what operators tell each other of the user. Raises ChangedMeanwhile."""
        act = LastAct("note", by, self._now(), before=user.note, after=note)
        if note != user.note and not await self._store.set_note(
            user.user_id, was=user.note, note=note, act=act
        ):
            raise ChangedMeanwhile

    async def tag(self, user: User, tags: tuple[str, ...], *, by: str) -> None:
        """Replace the user's tags. Raises ChangedMeanwhile."""
        act = LastAct("tags", by, self._now(), before=user.tags, after=tags)
        if tags != user.tags and not await self._store.set_tags(
            user.user_id, was=user.tags, tags=tags, act=act
        ):
            raise ChangedMeanwhile

    def undoable(self, user: User) -> LastAct | None:
        """The last act, if it is recent and nothing was changed since; what undo would take back."""
        act = user.last_act
        if act is None or self._now() - act.at > UNDO_LASTS:
            return None
        states: dict[str, object] = {"note": user.note, "tags": user.tags}
        return act if states.get(act.kind, user.ban) == act.after else None

    async def undo(self, user: User) -> LastAct:
        """Put back what the last act changed; which it was. A session that it ended stays ended.

        Raises:
            NothingToUndo: there is no such act, or it is too old, or something was changed since.
        """
        act = self.undoable(user)
        if act is None:
            raise NothingToUndo
        user_id, before = user.user_id, act.before
        try:
            match before:
                case str():
                    done = await self._store.set_note(user_id, was=user.note, note=before, act=None)
                case tuple():
                    done = await self._store.set_tags(user_id, was=user.tags, tags=before, act=None)
                case _:
                    await self._set_ban(user, before, None)
                    done = True
        except ChangedMeanwhile:
            done = False
        if not done:
            raise NothingToUndo
        return act

    async def take_unionid(self, user: User, unionid: str) -> None:
        """Make it the account's unionid: what to do after the app moved to another Open Platform account.

        Raises:
            ChangedMeanwhile: the account's unionid is another one by now.
            UnionidInUse: another account has this one.
        """
        try:
            done = await self._store.set_unionid(user.user_id, was=user.unionid, unionid=unionid)
        except UnionidTaken as error:
            raise UnionidInUse from error
        if not done:
            raise ChangedMeanwhile

    async def tags_in_use(self) -> list[str]:
        """Every tag that any user has."""
        return await self._store.tags_in_use()

    async def recent_sessions(self, user_id: str) -> list[Session]:
        """The last sign-ins, over or not, newest first."""
        return await self._sessions.list_of(user_id, limit=RECENT)

    async def find_closed(self, user_id: str) -> ClosedAccount | None:
        """What is left of an account that was closed; None when there was none."""
        return await self._closed.find(user_id)

    async def _set_ban(self, user: User, ban: Ban | None, act: LastAct | None) -> None:
        if not await self._store.set_ban(user.user_id, was=user.ban, ban=ban, act=act):
            raise ChangedMeanwhile
        if ban is not None:
            await self._sessions.end_all(user.user_id, by="ban", at=self._now())
