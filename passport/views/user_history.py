"""What happened to a user, as rows of a line of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from passport.care.history import Happening
from passport.config import App
from passport.jobs.model import UserChange
from passport.models import Act, Refusal, Session
from passport.views.hostile import ShownText, shown_text
from passport.views.one_user import SessionView, app_name, session_view

_FAILED = ".failed"
_REASON = 500


@dataclass(frozen=True)
class ActView:
    """What an operator did to the user, without what only the audit log tells.

    Args:
        kind: as the audit log calls it, such as `user.banned`.
        failed: it was begun and not done.
        by: the operator.
        details: what of it is worth a line: a reason, tags, the name of a field.
    """

    kind: str
    failed: bool
    by: ShownText
    details: tuple[ShownText, ...]


@dataclass(frozen=True)
class RefusalView:
    """An attempt of the user that was refused."""

    error: str
    app: str | None
    wechat_errcode: int | None
    rid: ShownText | None
    request_id: str
    weight: int


@dataclass(frozen=True)
class JobChangeView:
    """What a job did to the user. `kind` is that of the job, `undone_at` when it was put back."""

    job_id: str
    kind: str
    by: ShownText
    detail: ShownText
    undone_at: datetime | None


@dataclass(frozen=True)
class HappeningView:
    """One row. Of `session`, `act`, `refusal`, `job` and `text` it has the one that its kind has."""

    at: datetime
    kind: str
    session: SessionView | None = None
    act: ActView | None = None
    refusal: RefusalView | None = None
    job: JobChangeView | None = None
    text: str = ""


def happening_view(happening: Happening, apps: Sequence[App], *, whole_ip: bool) -> HappeningView:
    """The row of a happening."""
    at, kind, facts = happening.at, happening.kind, happening.facts
    match facts:
        case Session():
            return HappeningView(at, kind, session=session_view(facts, apps, alive=False, whole_ip=whole_ip))
        case Act():
            return HappeningView(at, kind, act=act_view(facts))
        case Refusal():
            return HappeningView(at, kind, refusal=_refusal(facts, apps))
        case UserChange():
            return HappeningView(at, kind, job=_job(facts))
        case str():
            return HappeningView(at, kind, text=app_name(apps, facts))
        case _:
            return HappeningView(at, kind)


def act_view(act: Act) -> ActView:
    """What an operator did."""
    kind = act.kind.removesuffix(_FAILED)
    details = tuple(shown_text(each, most=_REASON) for each in _details(act.after) if each)
    return ActView(kind, act.kind != kind, shown_text(act.actor_name), details)


def _details(after: Mapping[str, object]) -> list[str]:
    tags = after.get("tags")
    listed = ", ".join(map(str, tags)) if isinstance(tags, list | tuple) else ""
    return [str(after.get("reason") or ""), listed, str(after.get("field") or "").partition(".")[0]]


def _job(change: UserChange) -> JobChangeView:
    detail = shown_text(change.act.reason or change.act.tag, most=_REASON)
    return JobChangeView(
        change.job_id, change.act.kind.value, shown_text(change.by_name), detail, change.undone_at
    )


def _refusal(refusal: Refusal, apps: Sequence[App]) -> RefusalView:
    return RefusalView(
        error=refusal.error,
        app=app_name(apps, refusal.appid) if refusal.appid else None,
        wechat_errcode=refusal.wechat_errcode,
        rid=shown_text(refusal.rid) if refusal.rid else None,
        request_id=refusal.request_id,
        weight=refusal.weight,
    )
