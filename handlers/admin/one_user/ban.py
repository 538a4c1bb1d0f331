"""`/admin/users/{id}/ban`: what a ban would end, the ban itself, and lifting it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import cast

from handlers.admin.one_user.base import TYPED, OneUser, UserAct
from passport.care.rules import LASTINGS, REASON_LIMIT, Lasting, Unfit, ban_end, ban_reason
from passport.clock import rfc3339
from passport.errors.care import ChangedMeanwhile
from passport.models import Ban, User
from passport.views.one_user import BanView, PersonView, app_name, ban_view, person_view, state_mark


@dataclass(frozen=True)
class BanForm:
    """What was typed, and what is wrong with it: a fault of passport.care.rules for the reason or for the end."""

    reason: str = ""
    lasting: str = "open"
    until: str = ""
    shown: bool = False
    reason_fault: str | None = None
    until_fault: str | None = None


@dataclass(frozen=True)
class BanPageView:
    """What a ban would end.

    Args:
        person: who.
        ban: the one that is there already.
        expected: the mark of that state.
        sessions: how many are alive, app by app.
        access_minutes: how long a service that verifies tokens by itself may go on.
        form: what was typed.
        changed: somebody else was faster.
        zone: by whose clock the end is typed.
        reason_limit: how long a reason may be.
    """

    person: PersonView
    ban: BanView | None
    expected: str
    sessions: tuple[tuple[str, int], ...]
    session_count: int
    access_minutes: int
    form: BanForm
    changed: bool
    zone: str
    reason_limit: int = REASON_LIMIT


class BanPage(OneUser):
    """The preview and the ban."""

    async def get(self, user_id: str) -> None:
        """200 with what it would end."""
        await self._show(await self.get_user(user_id), BanForm())

    async def submit(self, user_id: str) -> None:
        """303 to the user; the form again with 400 or 409."""
        user, form = await self.get_user(user_id), self._typed()
        try:
            await self._ban(user, form)
        except _NotTaken as unfit:
            await self._show(user, unfit.form, status=HTTPStatus.BAD_REQUEST)
        except ChangedMeanwhile as refusal:
            await self._show(await self.get_user(user_id), form, status=refusal.status, changed=True)

    async def _ban(self, user: User, form: BanForm) -> None:
        self.expect(user.ban)
        reason, until = self._checked(form)
        after = _facts(reason, until, form.shown)
        target, before = ("user", user.user_id), ban_facts(user.ban)
        async with self.acting("user.banned", target=target, before=before, after=after):
            await self.services.admin.care.ban(
                user, reason=reason, until=until, shown=form.shown, by=self.operator.name
            )
        self.see_other(self.url_of(user), told="user.banned", name=self.name_of(user))

    def _typed(self) -> BanForm:
        return BanForm(
            reason=self.form.text("reason", most=TYPED),
            lasting=self.form.choice("lasting", LASTINGS, "open"),
            until=self.form.text("until", most=TYPED),
            shown=self.form.flag("shown"),
        )

    def _checked(self, form: BanForm) -> tuple[str, datetime | None]:
        faults: dict[str, str] = {}
        reason, until = "", None
        try:
            reason = ban_reason(form.reason)
        except Unfit as unfit:
            faults["reason_fault"] = unfit.fault
        try:
            zone = self.services.settings.dashboard.zone
            until = ban_end(
                cast("Lasting", form.lasting), form.until, zone=zone, now=self.services.admin.now()
            )
        except Unfit as unfit:
            faults["until_fault"] = unfit.fault
        if faults:
            raise _NotTaken(BanForm(form.reason, form.lasting, form.until, form.shown, **faults))
        return reason, until

    async def _show(
        self, user: User, form: BanForm, *, status: int = HTTPStatus.OK, changed: bool = False
    ) -> None:
        settings = self.services.settings
        alive = await self.services.sessions.list_alive(user)
        by_app = Counter(app_name(settings.wechat.apps, each.appid) for each in alive)
        view = BanPageView(
            person=person_view(user, self.services.admin.now()),
            ban=ban_view(user.ban),
            expected=state_mark(user.ban),
            sessions=tuple(by_app.most_common()),
            session_count=len(alive),
            access_minutes=-(-int(settings.tokens.access_ttl.total_seconds()) // 60),
            form=form,
            changed=changed,
            zone=settings.dashboard.time_zone,
        )
        self.set_status(status)
        self.show("admin/one_user/ban.html", view)


class UnbanPage(UserAct):
    """Lift the ban."""

    async def act(self, user: User) -> None:
        """The user signs in anew."""
        self.expect(user.ban)
        target, before = ("user", user.user_id), ban_facts(user.ban)
        async with self.acting("user.unbanned", target=target, before=before):
            await self.services.admin.care.unban(user, by=self.operator.name)
        self.see_other(self.url_of(user), told="user.unbanned", name=self.name_of(user))


class UndoPage(UserAct):
    """Take back the last act."""

    async def act(self, user: User) -> None:
        """What it changed is as it was before; sessions that it ended stay ended."""
        care = self.services.admin.care
        self.expect(user.last_act)
        last = care.undoable(user)
        after: dict[str, object] = {"undone": last.kind, "operator": last.by} if last else {}
        async with self.acting("user.undone", target=("user", user.user_id), after=after):
            act = await care.undo(user)
        told = "user.undone_ban" if act.kind == "ban" else "user.undone"
        self.see_other(self.url_of(user), told=told, name=self.name_of(user))


class _NotTaken(Exception):
    def __init__(self, form: BanForm) -> None:
        self.form = form


def ban_facts(ban: Ban | None) -> dict[str, object]:
    """A ban as the audit log tells it."""
    if ban is None:
        return {}
    return {**_facts(ban.reason, ban.until, ban.shown), "operator": ban.by}


def _facts(reason: str, until: datetime | None, shown: bool) -> dict[str, object]:
    return {"reason": reason, "until": rfc3339(until) if until else None, "shown": shown}
