"""How jobs and their changes are written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bson import ObjectId

from passport.jobs.model import Act, Failure, Job, Kind, Lease, Progress, Selection, State, UserChange

Document = dict[str, Any]

# As long as the login history: 190 days.
JOBS_LAST = timedelta(days=190)
NOTHING_DONE: Document = {"done": 0, "changed": 0, "skipped": 0, "failed": 0}


def job_document(job: Job) -> Document:
    """A job that has just been made."""
    return {
        "_id": ObjectId(job.job_id),
        "act": act_document(job.act),
        "selection": {
            # In the order in which they are walked.
            "ids": sorted(ObjectId(each) for each in job.selection.ids),
            "query": None if job.selection.query is None else dict(job.selection.query),
        },
        "state": job.state.value,
        "by": job.by,
        "by_name": job.by_name,
        "created_at": job.created_at,
        "expires_at": job.created_at + JOBS_LAST,
        "total": job.total,
        "exact": job.exact,
        "last_id": ObjectId(job.last_id) if job.last_id else None,
        "position": None,
        "walked": False,
        "progress": dict(NOTHING_DONE),
        "failures": [],
        "unmarked": [],
        # Whoever comes first may have it.
        "lease": {"owner": "", "until": job.created_at},
    }


def job_of(document: Document) -> Job:
    """A job as it was written."""
    selection, lease = document["selection"], document["lease"]
    return Job(
        job_id=str(document["_id"]),
        act=act_of(document["act"]),
        selection=Selection(tuple(str(each) for each in selection["ids"]), selection["query"]),
        state=State(document["state"]),
        by=document["by"],
        by_name=document["by_name"],
        created_at=document["created_at"],
        total=document["total"],
        exact=document["exact"],
        last_id=_text(document["last_id"]),
        position=_text(document["position"]),
        walked=document["walked"],
        progress=Progress(**document["progress"]),
        failures=_failures(document["failures"]),
        tries=document.get("tries", 0),
        size=document.get("size"),
        why=document.get("why"),
        started_at=document.get("started_at"),
        ended_at=document.get("ended_at"),
        lease=Lease(lease["owner"], lease["until"]),
        undo=Progress(**document.get("undo", NOTHING_DONE)),
        undo_position=_text(document.get("undo_position")),
        undo_failures=_failures(document.get("undo_failures", ())),
        undo_walked=document.get("undo_walked", False),
        undone_by=document.get("undone_by"),
        undone_by_name=document.get("undone_by_name"),
        unmarked={str(each["user_id"]): each["epoch"] for each in document["unmarked"]},
    )


def act_document(act: Act) -> Document:
    """What is done to each user."""
    return {
        "kind": act.kind.value,
        "reason": act.reason,
        "until": act.until,
        "shown": act.shown,
        "tag": act.tag,
    }


def act_of(document: Mapping[str, Any]) -> Act:
    """The act as it was written."""
    return Act(**{**document, "kind": Kind(document["kind"])})


def user_change_of(document: Document) -> UserChange:
    """What a job did to one user."""
    return UserChange(
        job_id=str(document["job"]),
        act=act_of(document["act"]),
        by_name=document["by"],
        at=document["at"],
        undone_at=document.get("undone_at"),
    )


def _failures(documents: Iterable[Document]) -> tuple[Failure, ...]:
    return tuple(Failure(str(each["user_id"]), each["why"]) for each in documents)


def _text(value: ObjectId | None) -> str | None:
    return None if value is None else str(value)
