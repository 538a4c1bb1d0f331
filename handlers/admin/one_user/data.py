"""Personal data of one user: reveal, export, remove a nickname or a picture, erase all of it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from http import HTTPStatus

from handlers.admin.one_user.base import OneUser, UserAct
from handlers.api.me import ExportAnswer
from passport.errors import InvalidToken
from passport.errors.dashboard import PageNotFound
from passport.models import User
from passport.views.handles import handle_of
from passport.views.one_user import PersonView, person_view

_REMOVABLE = {"nickname": "nickname", "picture": "avatar_url"}


class RevealPage(UserAct):
    """One masked value, for whoever asks and on the answer alone."""

    async def act(self, user: User) -> None:
        """200 with the page and the value in it. The audit log has the field's name and not what is in it."""
        openids = tuple(f"openid.{number}" for number, _ in enumerate(user.identities))
        field = self.chosen("field", ("phone", "unionid", *openids))
        after: dict[str, object] = {"field": field}
        if field in openids:
            after["appid"] = user.identities[openids.index(field)].appid
        async with self.acting("user.revealed", target=("user", user.user_id), after=after):
            await self.show_user(user, revealed=field)


class ExportPage(UserAct):
    """All that is kept about the user, as a file for the user (PIPL article 45)."""

    async def act(self, user: User) -> None:
        """200 with JSON. What operators write for each other is not in it."""
        async with self.acting("user.exported", target=("user", user.user_id)):
            try:
                exported = await self.services.export.of(user)
            except InvalidToken:
                raise PageNotFound from None
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Content-Disposition", f'attachment; filename="{user.user_id}.json"')
        self.finish(ExportAnswer.model_validate(exported).model_dump_json(by_alias=True, exclude_none=True))


class RemovePage(UserAct):
    """A nickname or a picture that should not be seen: nobody but people looks at them (WeChat, msgSecCheck)."""

    async def act(self, user: User) -> None:
        """Remove it. What WeChat says does not come back; the user may enter another."""
        what = self.chosen("what", tuple(_REMOVABLE))
        target, after = ("user", user.user_id), {"field": what}
        async with self.acting("user.profile_removed", target=target, after=dict(after)):
            await self.services.users.enter(user, {_REMOVABLE[what]: None}, consent_version=None)
            if what == "picture":
                await self.services.avatars.remove(user.user_id)
        name = handle_of(user.user_id, self.language) if what == "nickname" else self.name_of(user)
        self.see_other(self.url_of(user, "#profile"), told=f"user.removed_{what}", name=name)


@dataclass(frozen=True)
class EraseView:
    """What erasing takes, and what has to be typed to confirm it."""

    person: PersonView
    session_count: int
    confirmation: str
    fresh: bool
    typed: str
    wrong: bool


class ErasePage(OneUser):
    """Erase everything about a person, for good."""

    async def get(self, user_id: str) -> None:
        """200 with what it takes."""
        await self._show(await self.get_user(user_id))

    async def submit(self, user_id: str) -> None:
        """303 to what is left; the form again with 400 when the name was not typed."""
        user, typed = await self.get_user(user_id), self.form.text("confirmation")
        if _plain(typed) not in {_plain(each) for each in self._names(user)}:
            await self._show(user, typed=typed, wrong=True)
            return
        before: dict[str, object] = {"count": user.sign_ins}
        async with self.acting("user.erased", target=("user", user.user_id), before=before):
            await self.services.closing.close(user, by="operator")
        self.see_other(self.url_of(user), told="user.erased")

    def _names(self, user: User) -> list[str]:
        nickname = user.profile.get("nickname")
        handles = [handle_of(user.user_id, language) for language in ("zh", "en")]
        return [*handles, str(nickname)] if nickname else handles

    async def _show(self, user: User, *, typed: str = "", wrong: bool = False) -> None:
        view = EraseView(
            person=person_view(user, self.services.admin.now()),
            session_count=len(await self.services.sessions.list_alive(user)),
            confirmation=handle_of(user.user_id, self.language),
            fresh=self.is_fresh,
            typed=typed,
            wrong=wrong,
        )
        self.set_status(HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK)
        self.show("admin/one_user/erase.html", view)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()
