"""Which users a form or an address means: those picked one by one, or all that match a filter."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from handlers.admin.forms import Form
from handlers.admin.page import AdminPage
from passport.directory.filters import UserFilter
from passport.errors.dashboard import FaultyFilter, InvalidForm
from passport.jobs.model import MOST_PICKED, Selection

# What a filter is made of, and what else stands in the address of the list and of the pages that come after it.
FIELDS = frozenset(
    (
        "q",
        "status",
        "app",
        "registered_from",
        "registered_to",
        "seen_from",
        "seen_to",
        "phone",
        "unionid",
        "tag",
    )
)
_BESIDE = frozenset(("kind", "format", "order", "columns", "after", "before", "last"))
_LONGEST_FILTER = 4_000
_ID = re.compile(r"[0-9a-f]{24}")


class SelectingPage(AdminPage):
    """A page that acts on more than one user."""

    async def filtered(self, form: Form) -> Selection:
        """All that match the filter in these fields.

        Raises:
            FaultyFilter: a part of it cannot be read, or is none of ours; without it more people would be meant.
        """
        directory = self.services.admin.directory
        asked, faults = directory.filter_from_query(dict(form.pairs))
        if faults or {name for name, _ in form.pairs} - FIELDS - _BESIDE:
            raise FaultyFilter
        found: UserFilter = (await directory.find(asked)).asked
        return Selection(query=found.to_query())

    async def selected(self, form: Form) -> Selection:
        """With `scope=all` everybody who matches `filter`, the query of the list; else those picked, each as an `id`.

        Raises:
            FaultyFilter: as `filtered`; also when there is no filter at all, not even an empty one.
            InvalidForm: more were picked than a list shows, or what is picked is no user.
        """
        if form.text("scope") == "all":
            if not form.all("filter"):
                raise FaultyFilter
            return await self.filtered(Form(form.text("filter", most=_LONGEST_FILTER)))
        ids = tuple(dict.fromkeys(form.all("id")))
        if len(ids) > MOST_PICKED or not all(_ID.fullmatch(each) for each in ids):
            raise InvalidForm
        return Selection(ids=ids)


def hidden_fields(selection: Selection) -> tuple[tuple[str, str], ...]:
    """The fields from which `selected` reads the same selection."""
    if selection.query is not None:
        return (("scope", "all"), ("filter", urlencode(selection.query)))
    return (("scope", "picked"), *(("id", each) for each in selection.ids))
