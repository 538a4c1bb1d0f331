"""`/admin/look-up`: paste anything, and be told what it is and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.admin.speaking import SpeakingPage
from passport.views.look_up import ExplainedView, explained_view, shown_again

MOST = 16_000


@dataclass(frozen=True)
class LookUpView:
    """The field, and the answer when there is one."""

    text: str
    most: int
    explained: ExplainedView | None


class LookUpPage(SpeakingPage):
    """The field by GET; the answer on the same page by POST, since a token must not be in an address or a log."""

    async def get(self) -> None:
        """200 with an empty field."""
        self.show("admin/look_up.html", LookUpView("", MOST, None))

    async def submit(self) -> None:
        """200 with the answer."""
        explained = await self.services.look_up.explain(self.form.text("text", most=MOST))
        view = explained_view(explained, apps=self.apps, tongue=self.tongue)
        self.show("admin/look_up.html", LookUpView(shown_again(explained), MOST, view))
