"""`/admin/audit`: what every operator did, and whether the log of it is whole."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, time, timedelta
from operator import itemgetter
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from handlers.admin.act_names import field_of, name_of, value_of
from handlers.admin.forms import Form
from handlers.admin.page import AdminPage
from handlers.admin.streaming import send_rows
from handlers.times import exact_time
from passport.audit.anchor import BadAnchor
from passport.audit.checking import KIND as CHECKED
from passport.audit.reading import ShownAct
from passport.audit.rows import COLUMNS, row
from passport.audit.service import COUNTED
from passport.exports import FORMATS, make_format
from passport.models import ActFilter, ActKey
from passport.operators.roles import Rank
from passport.views.audit import AuditView, ChainState, FilterFields, Words, act_row, chain_state

PAGE = 50
_KEY = re.compile(r"([0-9]{1,15})-([0-9]{1,16})", re.ASCII)


class AuditPage(AdminPage):
    """`GET`: acts, newest first, by page and filter. `POST`: verify the newest part of the chain now."""

    async def get(self) -> None:
        """200; a filter that cannot be read is told beside its field, and nothing is filtered by it."""
        audit, query = self.services.admin.audit, self.query
        fields, wanted = read_filter(query, self.services.settings.dashboard.zone)
        before, after = _key(query.text("before")), _key(query.text("after"))
        found = await audit.page(
            wanted, limit=PAGE + 1, before=None if after else before, after=after if after else None
        )
        shown = (found[1:] if after else found[:PAGE]) if len(found) > PAGE else found
        more = len(found) > PAGE
        actors, kinds = await audit.actors(), await audit.kinds()
        total = await audit.count(wanted)
        view = AuditView(
            rows=tuple(act_row(each, words=self._words(), rank=self.rank) for each in shown),
            total=total,
            counted_up=total == COUNTED,
            fields=fields,
            actors=tuple(sorted(((each, name) for each, name in actors.items() if each), key=itemgetter(1))),
            kinds=tuple(sorted(((each, self._name(each)) for each in kinds), key=itemgetter(1))),
            chain=await self._chain(),
            older=self._address(fields, before=shown[-1]) if shown and (after or more) else None,
            newer=self._address(fields, after=shown[0])
            if shown and (before if not after else more)
            else None,
            csv=self._address(fields, form="csv"),
            jsonl=self._address(fields, form="jsonl"),
            may_verify=self.rank >= Rank.OPERATOR,
        )
        self.show("admin/audit.html", view)

    async def submit(self) -> None:
        """303: the check has ended, or goes on in the background and the page says so."""
        checking = self.services.admin.checking
        await checking.begin(self.act_of(CHECKED, target=("audit", ""), by=self.operator))
        self.see_other(self.reverse_url("admin-audit"), told="audit.checking" if checking.running else None)

    def _words(self) -> Words:
        zone, language = self.services.settings.dashboard.zone, self.language
        return Words(
            act=self._name,
            field=lambda name: field_of(name, self._),
            value=lambda name, value: value_of(name, value, self._),
            time=lambda moment: exact_time(moment, zone, language),
        )

    def _name(self, kind: str) -> str:
        return name_of(kind, self._)

    async def _chain(self) -> ChainState:
        admin, anchored, problem = self.services.admin, None, False
        try:
            anchored = await asyncio.to_thread(admin.audit.anchored)
        except BadAnchor:
            problem = True
        return chain_state(
            await admin.checking.last(),
            head=await admin.audit.head(),
            anchored=anchored,
            anchor_problem=problem,
            running=admin.checking.running,
        )

    def _address(
        self,
        fields: FilterFields,
        *,
        before: ShownAct | None = None,
        after: ShownAct | None = None,
        form: str | None = None,
    ) -> str:
        named = {name: getattr(fields, name) for name in ("actor", "kind", "target", "since", "until")}
        named |= {"before": _written(before), "after": _written(after), "format": form or ""}
        query = urlencode({name: value for name, value in named.items() if value})
        page = self.reverse_url("admin-audit-export" if form else "admin-audit")
        return f"{page}?{query}" if query else str(page)


class AuditExportPage(AdminPage):
    """`GET`: the acts that match, as a download. It holds no more than the page, so whoever sees that may have it."""

    async def get(self) -> None:
        """200, streamed; the export is an act itself, and is in it."""
        _, wanted = read_filter(self.query, self.services.settings.dashboard.zone)
        form = make_format(self.query.choice("format", FORMATS, "csv"), COLUMNS)
        audit = self.services.admin.audit
        if self.request.method != "HEAD":
            async with self.acting("audit.exported", target=("audit", ""), after={"format": form.name}):
                pass
        rows = ([row(each) for each in batch] async for batch in audit.batches(wanted))
        await send_rows(self, rows, form=form, name="audit", at=self.services.admin.now())


def read_filter(query: Form, zone: ZoneInfo) -> tuple[FilterFields, ActFilter]:
    """The filter in an address, as it was typed and as it is meant. Days begin as the dashboard's do."""
    # To the next midnight, which is not 24 hours later on a day on which the clocks change.
    since, until = _day(query.text("since"), zone), _day(query.text("until"), zone, days=1)
    faults = {name for name, day in (("since", since), ("until", until)) if day is None and query.text(name)}
    fields = FilterFields(
        actor=query.text("actor"),
        kind=query.text("kind"),
        target=query.text("target"),
        since=query.text("since"),
        until=query.text("until"),
        faults=frozenset(faults),
    )
    wanted = ActFilter(
        actor_id=fields.actor or None,
        kind=fields.kind or None,
        target_id=fields.target or None,
        since=since,
        until=until,
    )
    return fields, wanted


def _day(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """The beginning of the day, or of one so many days later; None for what is none."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone; it gets one here
        begins = datetime.combine(day + timedelta(days=days), time(), tzinfo=zone).astimezone(UTC)
        return begins if day.year >= 1970 else None
    except (ValueError, OverflowError):
        return None


def _written(shown: ShownAct | None) -> str:
    if shown is None:
        return ""
    milliseconds = (shown.act.at - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    return f"{milliseconds}-{shown.seq}"


def _key(text: str) -> ActKey | None:
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    try:
        at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(match[1]))
    except OverflowError:
        return None
    return ActKey(at, int(match[2]))
