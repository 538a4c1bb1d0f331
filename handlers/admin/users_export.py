"""`/admin/users/export`: all users who match a filter, as CSV or JSON Lines of any length."""

from __future__ import annotations

from urllib.parse import urlencode

from handlers.admin.selections import SelectingPage
from handlers.admin.streaming import send_rows
from passport.exports import FORMATS, make_format
from passport.jobs.export import COLUMNS
from passport.jobs.model import Act, Kind, Selection
from passport.jobs.wiring import told_selection
from passport.views.jobs import UsersExportView, who_view


class UsersExportPage(SelectingPage):
    """`GET` without `format`: what it would hold. With one: the file, masked. `POST`, after a new proof: unmasked."""

    async def get(self) -> None:
        """200, the page or the file."""
        selection, name = await self.filtered(self.query), self.query.choice("format", FORMATS, "")
        if name:
            await self._send(selection, name, plain=False)
        else:
            await self._show(selection)

    async def submit(self) -> None:
        """200, the file with openids, unionids and phone numbers as they are."""
        # The filter stands in the address, so that it is there again after the operator proved who they are.
        selection = await self.filtered(self.query)
        await self._send(selection, self.form.choice("format", FORMATS, FORMATS[0]), plain=True)

    @property
    def form_origin(self) -> str:
        """This page with its filter."""
        return self.request.uri or self.request.path

    async def _send(self, selection: Selection, name: str, *, plain: bool) -> None:
        admin, form = self.services.admin, make_format(name, COLUMNS)
        if self.request.method == "HEAD":
            return
        facts = {"format": name, **told_selection(selection), "revealed": plain}
        async with self.acting("users.exported", target=("export", "users"), after=facts):
            rows = admin.users_export.batches(selection.query or {}, plain=plain)
        await send_rows(self, rows, form=form, name="users", at=admin.now())

    async def _show(self, selection: Selection) -> None:
        query = dict(selection.query or {})
        preview = await self.services.admin.jobs.preview(Act(Kind.END_SESSIONS), selection)
        page = self.reverse_url("admin-users-export")
        csv, jsonl = (f"{page}?{urlencode({**query, 'format': name})}" for name in FORMATS)
        view = UsersExportView(
            who=who_view(selection),
            total=preview.total,
            exact=preview.exact,
            csv=csv,
            jsonl=jsonl,
            plain=f"{page}?{urlencode(query)}" if query else page,
            columns=COLUMNS,
            fresh=self.is_fresh,
        )
        self.show("admin/jobs/export.html", view)
