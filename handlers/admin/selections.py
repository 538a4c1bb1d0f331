"""Which users a form or an address means: those picked one by one, or all that match a filter."""

from __future__ import annotations

import re

from handlers.admin.forms import Form
from handlers.admin.page import AdminPage
from passport.directory.filters import UserFilter
from passport.errors.dashboard import FaultyFilter, InvalidForm
from passport.jobs.model import MOST_PICKED, Selection

_ID = re.compile(r"[0-9a-f]{24}")


class SelectingPage(AdminPage):
    """A page that acts on more than one user."""

    async def filtered(self, form: Form) -> Selection:
        """All that match the filter in these fields.

        Raises:
            FaultyFilter: a part of it cannot be read; without it the filter would mean more people.
        """
        directory = self.services.admin.directory
        asked, faults = directory.filter_from_query(dict(form.pairs))
        if faults:
            raise FaultyFilter
        found: UserFilter = (await directory.find(asked)).asked
        return Selection(query=found.to_query())

    async def selected(self, form: Form) -> Selection:
        """Those picked in `ids`, or with `all` everybody who matches the filter that is sent with it.

        Raises:
            FaultyFilter: as `filtered`.
            InvalidForm: more were picked than a list shows, or what is picked is no user.
        """
        if form.flag("all"):
            return await self.filtered(form)
        ids = tuple(dict.fromkeys(form.all("ids")))
        if len(ids) > MOST_PICKED or not all(_ID.fullmatch(each) for each in ids):
            raise InvalidForm
        return Selection(ids=ids)


def hidden_fields(selection: Selection) -> tuple[tuple[str, str], ...]:
    """The fields from which `selected` reads the same selection."""
    if selection.query is not None:
        return (("all", "1"), *selection.query.items())
    return tuple(("ids", each) for each in selection.ids)
