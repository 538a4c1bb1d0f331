"""Refusals as pages show them: rows in words, one with everything, and a text to forward to the developer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.models import Refusal
from passport.refusal_filter import ORDINARY, RefusalQuery
from passport.views.hostile import ShownText, shown_text
from passport.views.refusal_words import (
    ASKS_THE_OPERATOR,
    cure_of,
    reason_words,
    to_do,
    what_happened,
    who_acts,
)
from passport.views.tongue import Tongue

Apps = Mapping[str, str]

_DEVICE, _ERRMSG = 120, 300


@dataclass(frozen=True)
class RefusalRow:
    """One refused attempt, or many of a flood (`weight`).

    Args:
        title: what happened.
        colour, actor: of the badge that says who can do something about it.
        cure: what the client was told to do.
        to_do: what is the operator's to do; may be empty.
        forward: plain text for the developer.
    """

    refusal_id: str
    at: datetime
    error: str
    title: str
    colour: str
    actor: str
    detail: str
    cure: str
    to_do: str
    app: str | None
    operation: str
    wechat_errcode: int | None
    rid: str | None
    request_id: str
    account_id: str | None
    user_url: str | None
    weight: int
    forward: str


@dataclass(frozen=True)
class RefusalDetails:
    """One with everything. `row` has what the list has; `who` is the WeChat user without a name."""

    row: RefusalRow
    status: int
    appid: str | None
    ip: str
    device: ShownText
    errmsg: ShownText | None
    reason: str
    cause: str | None
    who: str | None


@dataclass(frozen=True)
class Reason:
    """How often one error occurred. `ordinary` ones are how things usually go."""

    error: str
    title: str
    attempts: int
    query: str
    ordinary: bool


@dataclass(frozen=True)
class Summary:
    """The attempts of a period by their error, most first. Not `complete`: older ones are not counted."""

    reasons: tuple[Reason, ...]
    total: int
    most: int
    complete: bool


def row_of(refusal: Refusal, *, apps: Apps, tongue: Tongue) -> RefusalRow:
    """The refusal as a line of a list."""
    colour, actor = who_acts(refusal.error, tongue)
    asked = to_do(refusal, tongue)
    return RefusalRow(
        refusal_id=refusal.refusal_id,
        at=refusal.at,
        error=refusal.error,
        title=what_happened(refusal.error, tongue),
        colour=colour,
        actor=actor,
        detail=refusal.description if refusal.error == "invalid_request" else "",
        # “Ask the operator” is nothing to tell the operator.
        cure="" if asked and refusal.error in ASKS_THE_OPERATOR else cure_of(refusal, tongue),
        to_do=asked,
        app=apps.get(refusal.appid, refusal.appid) if refusal.appid else None,
        operation=refusal.operation,
        wechat_errcode=refusal.wechat_errcode,
        rid=refusal.rid,
        request_id=refusal.request_id,
        account_id=refusal.account_id,
        user_url=user_url(refusal.account_id) if refusal.account_id else None,
        weight=refusal.weight,
        forward=forward_text(refusal, apps=apps, tongue=tongue),
    )


def user_url(user_id: str) -> str:
    """The page of the user."""
    return f"/admin/users/{user_id}"


def details_of(refusal: Refusal, *, ip: str, apps: Apps, tongue: Tongue) -> RefusalDetails:
    """The refusal with everything that is recorded of it. `ip` is as much of the address as the reader may see."""
    return RefusalDetails(
        row=row_of(refusal, apps=apps, tongue=tongue),
        status=refusal.status,
        appid=refusal.appid,
        ip=ip,
        device=shown_text(refusal.user_agent, most=_DEVICE),
        errmsg=shown_text(refusal.errmsg, most=_ERRMSG) if refusal.errmsg else None,
        reason=reason_words(refusal.reason, tongue) if refusal.reason else "",
        cause=refusal.cause,
        who=refusal.openid.hex() if refusal.openid else None,
    )


def forward_text(refusal: Refusal, *, apps: Apps, tongue: Tongue) -> str:
    """What a developer needs to find and mend it, and nothing about the person."""
    # Each text by itself: what stands inside an f-string is not found by the extraction of texts.
    _ = tongue.translate
    time, call, app, errcode, cure = _("Time"), _("Call"), _("App"), _("WeChat errcode"), _("Cure")
    lines = [
        f"{what_happened(refusal.error, tongue)} ({refusal.error}, HTTP {refusal.status})",
        f"{time}: {tongue.exact(refusal.at)}",
        f"{call}: {refusal.operation}",
    ]
    if refusal.appid:
        name = apps.get(refusal.appid, refusal.appid)
        lines.append(f"{app}: {name}" + (f" ({refusal.appid})" if name != refusal.appid else ""))
    lines.append(f"request_id: {refusal.request_id}")
    if refusal.wechat_errcode is not None:
        rid = f", rid {refusal.rid}" if refusal.rid else ""
        lines.append(f"{errcode}: {refusal.wechat_errcode}{rid}")
    if refusal.errmsg:
        lines.append(f"errmsg: {shown_text(refusal.errmsg, most=_ERRMSG)}")
    if refusal.description:
        lines.append(refusal.description)
    if told := cure_of(refusal, tongue):
        lines.append(f"{cure}: {told}")
    return "\n".join(lines)


def summary_of(counts: Mapping[str, int], *, complete: bool, query: RefusalQuery, tongue: Tongue) -> Summary:
    """The counts, most frequent first, what is ordinary last."""
    reasons = [
        Reason(
            error=error,
            title=what_happened(error, tongue),
            attempts=attempts,
            query=query.to_query(error=error),
            ordinary=error in ORDINARY,
        )
        for error, attempts in counts.items()
    ]
    reasons.sort(key=lambda each: (each.ordinary, -each.attempts, each.error))
    remarkable = [each.attempts for each in reasons if not each.ordinary]
    return Summary(tuple(reasons), sum(remarkable), max([*counts.values(), 1]), complete)


def rows_of(refusals: Sequence[Refusal], *, apps: Apps, tongue: Tongue) -> tuple[RefusalRow, ...]:
    """The refusals as lines of a list."""
    return tuple(row_of(each, apps=apps, tongue=tongue) for each in refusals)
