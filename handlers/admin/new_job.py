"""`/admin/jobs/new`: whom an act would meet, and the form that starts it."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from handlers.admin.selections import SelectingPage, hidden_fields
from passport.care.rules import (
    LASTINGS,
    REASON_LIMIT,
    TAG_LIMIT,
    Lasting,
    Unfit,
    ban_end,
    ban_reason,
    tag_name,
)
from passport.clock import rfc3339
from passport.jobs.model import Act, Kind, Preview, Selection
from passport.jobs.service import CONFIRMED_FROM, NotConfirmed
from passport.jobs.wiring import told_selection
from passport.views.jobs import ActFaults, ActForm, NewJobView, people_view, who_view

_KINDS = tuple(kind.value for kind in Kind)
# More than any rule allows, so that what was typed is kept for whoever typed it.
_TYPED = 20_000


class NewJobPage(SelectingPage):
    """`GET` with a filter, or `POST` with picked ids or a filter: the preview. `POST` with `step=start`: the start."""

    async def get(self) -> None:
        """200: all that match the filter of the address."""
        kind = self.query.choice("kind", _KINDS, Kind.BAN.value)
        await self._show(await self.filtered(self.query), ActForm(kind))

    async def submit(self) -> None:
        """200 with the preview; 303 to the job that was started; 400 with the form again."""
        selection, form = await self.selected(self.form), self._typed()
        if self.form.text("step") != "start":
            await self._show(selection, form)
            return
        act, faults = self._act(form)
        if act is None:
            await self._show(selection, form, faults, HTTPStatus.BAD_REQUEST)
            return
        try:
            preview = await self.services.admin.jobs.confirmed(act, selection, form.typed)
        except NotConfirmed:
            await self._show(selection, form, ActFaults(typed="other_number"), HTTPStatus.BAD_REQUEST)
        else:
            await self._start(act, selection, preview)

    @property
    def form_origin(self) -> str:
        """The preview of the same filter; picked users are in no address, and without them everybody would be meant."""
        # Also asked for by the page that refuses a form, so nothing here may refuse it again.
        if self._form is None or not self._form.choice("scope", ("all",), ""):
            return "/admin/users"
        kind = urlencode({"kind": self._form.choice("kind", _KINDS, Kind.BAN.value)})
        asked = [each.strip() for each in self._form.all("filter")]
        return "&".join([f"{self.request.path}?{kind}", *asked[-1:]]).rstrip("&")

    async def _start(self, act: Act, selection: Selection, preview: Preview) -> None:
        jobs = self.services.admin.jobs
        if not preview.total:
            await self._show(selection, self._typed(), status=HTTPStatus.BAD_REQUEST)
            return
        job_id = jobs.new_id()
        facts = _facts(act) | told_selection(selection) | {"matched": preview.total}
        async with self.acting("job.started", target=("job", job_id), after=facts):
            await jobs.start(act, selection, by=self.operator, preview=preview, job_id=job_id)
        self.see_other(self.reverse_url("admin-job", job_id))

    def _typed(self) -> ActForm:
        return ActForm(
            kind=self.form.choice("kind", _KINDS, Kind.BAN.value),
            reason=self.form.text("reason", most=_TYPED),
            lasting=self.form.choice("lasting", LASTINGS, "open"),
            until=self.form.text("until", most=_TYPED),
            shown=self.form.flag("shown"),
            # `tag` is a field of the filter.
            tag=self.form.text("with_tag", most=_TYPED),
            typed=self.form.text("typed", most=_TYPED),
        )

    def _act(self, form: ActForm) -> tuple[Act | None, ActFaults]:
        """What was typed as an act, or what is wrong with it by field."""
        kind, faults = Kind(form.kind), dict[str, str]()
        reason, until, tag = "", None, ""
        try:
            reason = ban_reason(form.reason) if kind is Kind.BAN else ""
        except Unfit as unfit:
            faults["reason"] = unfit.fault
        try:
            zone, now = self.services.settings.dashboard.zone, self.services.admin.now()
            until = ban_end(cast("Lasting", form.lasting), form.until, zone=zone, now=now)
        except Unfit as unfit:
            faults |= {"until": unfit.fault} if kind is Kind.BAN else {}
        try:
            tag = tag_name(form.tag) if kind in (Kind.TAG, Kind.UNTAG) else ""
        except Unfit as unfit:
            faults["tag"] = unfit.fault
        if faults:
            return None, ActFaults(**faults)
        banned = {"reason": reason, "until": until, "shown": form.shown} if kind is Kind.BAN else {}
        return Act(kind, tag=tag, **banned), ActFaults()  # type: ignore[arg-type]  # the members of a ban

    async def _show(
        self,
        selection: Selection,
        form: ActForm,
        faults: ActFaults | None = None,
        status: int = HTTPStatus.OK,
    ) -> None:
        admin, settings = self.services.admin, self.services.settings
        # A tag that is half typed or none counts nobody as having it.
        preview = await admin.jobs.preview(Act(Kind(form.kind), tag=form.tag), selection)
        view = NewJobView(
            who=who_view(selection),
            total=preview.total,
            exact=preview.exact,
            already=preview.already,
            people=people_view(preview),
            hidden=hidden_fields(selection),
            kinds=_KINDS,
            form=form,
            faults=faults or ActFaults(),
            confirm=preview.total >= CONFIRMED_FROM,
            tags=tuple(await admin.care.tags_in_use()),
            zone=settings.dashboard.time_zone,
            reason_limit=REASON_LIMIT,
            tag_limit=TAG_LIMIT,
        )
        self.set_status(status)
        self.show("admin/jobs/new.html", view)


def _facts(act: Act) -> dict[str, object]:
    """An act as the audit log tells it."""
    facts: dict[str, object] = {"action": act.kind.value}
    if act.kind is Kind.BAN:
        until = rfc3339(act.until) if act.until else None
        facts |= {"reason": act.reason, "until": until, "shown": act.shown}
    return facts | ({"tag": act.tag} if act.tag else {})
