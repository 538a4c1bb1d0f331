"""`POST /admin/users/{id}/note`, `/tags`: what operators tell each other of a user."""

from __future__ import annotations

from handlers.admin.one_user.base import TYPED, UserAct
from passport.care.rules import note_text, tag_names
from passport.models import User


class NotePage(UserAct):
    """The note."""

    text_field = "note"

    async def act(self, user: User) -> None:
        """Replace it; an empty one removes it. The audit log keeps a digest of it: see passport.audit.fields."""
        note = note_text(self.form.text("note", most=TYPED))
        self.expect(user.note)
        before: dict[str, object] = {"note": user.note}
        after: dict[str, object] = {"note": note}
        async with self.acting("user.noted", target=("user", user.user_id), before=before, after=after):
            await self.services.admin.care.write_note(user, note, by=self.operator.name)
        self.see_other(self.url_of(user, "#words"), told="user.noted", name=self.name_of(user))


class TagsPage(UserAct):
    """The tags."""

    text_field = "more"

    async def act(self, user: User) -> None:
        """Keep those that are ticked, and add what was typed."""
        tags = tag_names([*self.form.all("tag"), self.form.text("more", most=TYPED)])
        self.expect(user.tags)
        before: dict[str, object] = {"tags": list(user.tags)}
        after: dict[str, object] = {"tags": list(tags)}
        async with self.acting("user.tagged", target=("user", user.user_id), before=before, after=after):
            await self.services.admin.care.tag(user, tags, by=self.operator.name)
        self.see_other(self.url_of(user, "#words"), told="user.tagged", name=self.name_of(user))
