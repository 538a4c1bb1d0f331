"""`/admin/refusals`: what went wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from handlers.admin.speaking import SpeakingPage
from handlers.openapi.routes import METHODS
from handlers.operations import operation_of
from passport.errors.dashboard import PageNotFound
from passport.models import Refusal
from passport.operators.roles import Rank
from passport.refusal_filter import PERIODS, RefusalFilter, RefusalQuery, place_of, place_text
from passport.views.masking import masked
from passport.views.refusal_words import what_happened
from passport.views.refusals import RefusalRow, Summary, details_of, rows_of, summary_of

PER_PAGE = 50
# A count reads so many entries of an index at most; beyond this it says “more than”.
_MOST_COUNTED, _MOST_NARROWED = 20_000, 5_000
# Recorded refusals of the API, for the choice; others are found by typing their name into the address.
_ERRORS = (
    "code_used",
    "invalid_code",
    "decrypt_failed",
    "invalid_request",
    "signature_mismatch",
    "user_blocked",
    "unregistered",
    "consent_required",
    "account_disabled",
    "invalid_token",
    "invalid_grant",
    "wrong_user",
    "slow_down",
    "temporarily_unavailable",
    "server_misconfigured",
    "server_error",
    "push_refused",
    "invalid_client",
    "payload_too_large",
    "unsupported_media_type",
    "unsupported_grant_type",
    "unreadable_picture",
)


@dataclass(frozen=True)
class RefusalsView:
    """The list.

    Args:
        query: what was asked for.
        rows: newest first.
        summary: of the whole period; None when one person's refusals are asked for.
        total, complete: attempts in all, and whether that is all of them.
        newer, older: addresses of the neighbouring pages, None at the ends.
        errors, apps, operations, periods: what can be chosen, by what it is called.
        zone: in which times are told.
    """

    query: RefusalQuery
    rows: tuple[RefusalRow, ...]
    summary: Summary | None
    total: int
    complete: bool
    newer: str | None
    older: str | None
    errors: Mapping[str, str]
    apps: Mapping[str, str]
    operations: tuple[str, ...]
    periods: Mapping[str, str]
    zone: str


class RefusalsPage(SpeakingPage):
    """`GET /admin/refusals`: filtered, counted, page by page."""

    async def get(self) -> None:
        """200."""
        asked = self.query
        query = RefusalQuery.from_query(asked.text)
        chosen = query.to_filter(self.services.admin.now(), self.services.settings.dashboard.zone)
        found, newer, older = await self._page(
            query, chosen, before=asked.text("before"), after=asked.text("after")
        )
        summary = await self._summary(query, chosen)
        total, complete = await self._total(query, chosen, summary)
        self.show(
            "admin/refusals.html",
            RefusalsView(
                query=query,
                rows=rows_of(found, apps=self.apps, tongue=self.tongue),
                summary=summary,
                total=total,
                complete=complete,
                newer=newer,
                older=older,
                errors=self._errors(query),
                apps=_with(self.apps, query.app),
                operations=tuple(
                    _with(dict.fromkeys(_operations(self.settings["recorded"])), query.operation)
                ),
                periods=self._periods(),
                zone=self.services.settings.dashboard.time_zone,
            ),
        )

    async def _page(
        self, query: RefusalQuery, chosen: RefusalFilter, *, before: str, after: str
    ) -> tuple[list[Refusal], str | None, str | None]:
        """The refusals, and the addresses of the pages beside them."""
        refusals, place, newer = self.services.refusals, place_of(before or after), not before
        found = await refusals.page(chosen, beyond=place, newer=newer, limit=PER_PAGE + 1)
        if newer and place is not None and len(found) <= PER_PAGE:
            # Back at the newest end, where a page shows all that there is.
            place, found = None, await refusals.page(chosen, limit=PER_PAGE + 1)
        more = len(found) > PER_PAGE
        upwards = newer and place is not None
        found = found[1:] if more and upwards else found[:PER_PAGE]
        if not found:
            return [], None if place is None else self._link(query), None
        first, last = (place_text(each.at, each.refusal_id) for each in (found[0], found[-1]))
        has_newer, has_older = (more, True) if upwards else (place is not None, more)
        return (
            found,
            self._link(query, after=first) if has_newer else None,
            self._link(query, before=last) if has_older else None,
        )

    def _link(self, query: RefusalQuery, **changes: str) -> str:
        return f"?{query.to_query(**changes)}"

    async def _summary(self, query: RefusalQuery, chosen: RefusalFilter) -> Summary | None:
        if query.account or query.who:
            return None
        # Of all reasons, so that another can be chosen; the other filters hold for these numbers, too.
        whole = replace(chosen, error=None, ordinary=True)
        counts, complete = await self.services.refusals.counts(whole, most=_MOST_COUNTED)
        return summary_of(counts, complete=complete, query=query, tongue=self.tongue)

    async def _total(
        self, query: RefusalQuery, chosen: RefusalFilter, summary: Summary | None
    ) -> tuple[int, bool]:
        if summary is not None:
            listed = [
                each.attempts
                for each in summary.reasons
                if each.error == chosen.error
                or (chosen.error is None and (chosen.ordinary or not each.ordinary))
            ]
            return sum(listed), summary.complete
        counts, complete = await self.services.refusals.counts(chosen, most=_MOST_NARROWED)
        return sum(counts.values()), complete

    def _errors(self, query: RefusalQuery) -> dict[str, str]:
        tongue = self.tongue
        return _with({error: what_happened(error, tongue) for error in _ERRORS}, query.error)

    def _periods(self) -> dict[str, str]:
        names = {
            "1h": self._("The last hour"),
            "24h": self._("The last 24 hours"),
            "7d": self._("The last 7 days"),
            "30d": self._("The last 30 days"),
        }
        return {period: names[period] for period in PERIODS}


class RefusalPage(SpeakingPage):
    """`GET /admin/refusals/{id}`: one refused attempt with everything that is recorded of it."""

    async def get(self, refusal_id: str) -> None:
        """200; 404 when it is not, or no longer, recorded."""
        refusal = await self.services.refusals.find(refusal_id)
        if refusal is None:
            raise PageNotFound
        ip = refusal.ip if self.rank >= Rank.OPERATOR else masked(refusal.ip)
        view = details_of(refusal, ip=ip, apps=self.apps, tongue=self.tongue)
        self.show("admin/refusal.html", view)


def _with(choices: Mapping[str, Any], chosen: str) -> dict[str, Any]:
    """What can be chosen, and what is chosen although it is none of it."""
    return dict(choices) if not chosen or chosen in choices else {**choices, chosen: chosen}


def _operations(recorded: Mapping[type, str]) -> Iterable[str]:
    return sorted(
        f"{method.upper()} {path}"
        for handler, path in recorded.items()
        for method in METHODS
        if method != "head" and operation_of(getattr(handler, method)) is not None
    )
