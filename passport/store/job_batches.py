"""One batch of a job: the users, what they were before, and the job's position change together or not at all.

So each user is acted on once, whoever dies when: a worker that lost its lease, or comes back from a long sleep, fails
at the job's document and takes its whole batch back with it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from passport.directory.filters import UserFilter
from passport.jobs.model import CHANGES_LAST, FAILURES_TOLD, Job, Why
from passport.store.faults import Deadlined, translated
from passport.store.job_acts import STATE, Change, Unable, change, restoration
from passport.store.job_documents import act_document, job_of
from passport.store.matching import matching
from passport.store.transactions import transaction
from passport.store.user_walk import BY_ID, end_of_slice, ids_between

log = logging.getLogger("wxpassport.jobs")

Document = dict[str, Any]

BATCH = 200


class LeaseLost(Exception):
    """The job is another worker's by now, or was told to stop; nothing of the batch happened."""


class _Refused(Exception):
    """MongoDB does not take the write to this user."""

    def __init__(self, user: ObjectId) -> None:
        self.user = user


@dataclass(frozen=True, slots=True)
class Turn:
    """Who works, when, and until when the job is theirs after this batch."""

    owner: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Meant:
    """All users who match a filter; `appids` are where an openid may be from."""

    asked: UserFilter
    appids: tuple[str, ...]

    def words(self, now: datetime) -> Document:
        """In the words of MongoDB."""
        return matching(self.asked, appids=self.appids, now=now)


@dataclass(frozen=True, slots=True)
class _Reach:
    """The users of a batch: a filter, those picked if they were, and where the walk is after it."""

    wanted: Document
    picked: tuple[ObjectId, ...]
    end: ObjectId | None
    last: bool


@dataclass(slots=True)
class _Outcome:
    """What is to be written, collected user by user."""

    users: list[ObjectId] = field(default_factory=list)
    writes: list[UpdateOne] = field(default_factory=list)
    notes: list[Document] = field(default_factory=list)
    failures: list[Document] = field(default_factory=list)
    unmarked: list[Document] = field(default_factory=list)
    skipped: int = 0
    failed: int = 0

    def add(self, user: ObjectId, found: Change | None) -> bool:
        """Take the change in; False, and one more skipped, when there is none."""
        if found is None:
            self.skipped += 1
            return False
        self.users.append(user)
        self.writes.append(UpdateOne({"_id": user}, found.update))
        if found.epoch is not None:
            self.unmarked.append({"user_id": user, "epoch": found.epoch})
        return True

    @contextmanager
    def unless_it_fails(self, user: ObjectId) -> Iterator[None]:
        """Decide about one user, and note it when that cannot be done; the others go on."""
        try:
            yield
        except Unable as error:
            self.fail(user, error.why)
        except (TypeError, ValueError, KeyError):
            # The document is not of our form, and the log says which.
            log.warning("a user's document is not as we write it", extra={"account_id": str(user)})
            self.fail(user, Why.REFUSED)

    def fail(self, user: ObjectId, why: Why) -> None:
        """Note a user that could not be acted on."""
        self.failed += 1
        self.tell(user, why)

    def tell(self, user: ObjectId, why: Why) -> None:
        """Name a user in the result."""
        self.failures.append({"user_id": user, "why": why.value})

    def counts(self, name: str) -> Document:
        """What to add to the job's numbers of this name."""
        changed = len(self.writes)
        done = changed + self.skipped + self.failed
        parts = {"done": done, "changed": changed, "skipped": self.skipped, "failed": self.failed}
        return {f"{name}.{part}": count for part, count in parts.items()}


class JobBatches(Deadlined):
    """Acts on users and puts them back.

    Args:
        database: with the guarantees that people's data need.
        deadline: of one batch, in seconds.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], *, deadline: float) -> None:
        self._users: AsyncIOMotorCollection[Document] = database["users"]
        self._jobs: AsyncIOMotorCollection[Document] = database["jobs"]
        self._changes: AsyncIOMotorCollection[Document] = database["job_changes"]
        self.deadline = deadline

    async def advance(self, job: Job, turn: Turn, meant: Meant | None) -> Job:
        """Act on the next users, or restore them when the job is being undone; the job as it is then.

        A user whose document MongoDB refuses to change is noted among the failures, and the others go on.

        Args:
            job: as it was left.
            turn: who works on it now.
            meant: whom its filter means; None when the users were picked.

        Raises:
            LeaseLost: somebody else decides about this job now.
            StoreUnavailable: the outcome is unknown; the job's position tells.
        """
        refused: set[ObjectId] = set()
        while True:
            try:
                if job.undoing:
                    return await self._undo(job, turn, refused)
                return await self._act(job, turn, meant, refused)
            except _Refused as refusal:
                refused.add(refusal.user)

    @translated
    async def _act(self, job: Job, turn: Turn, meant: Meant | None, refused: Collection[ObjectId]) -> Job:
        reach = await self._reach(job, meant)

        async def steps(session: AsyncIOMotorClientSession) -> Job:
            await self._hold(job, turn, session)
            cursor = self._users.find(reach.wanted, STATE, session=session).sort("_id", 1).limit(BATCH)
            users = await cursor.hint(BY_ID).to_list(None)
            outcome = self._decided(job, turn, users, refused)
            for gone in set(reach.picked) - {user["_id"] for user in users}:
                outcome.fail(gone, Why.GONE)
            full = not reach.picked and len(users) == BATCH
            position = users[-1]["_id"] if full else reach.end
            await self._write(outcome, session)
            if outcome.notes:
                await self._changes.insert_many(outcome.notes, session=session)
            moved = {"position": position, "walked": reach.last and not full}
            return await self._note(job, outcome, moved, session)

        return await transaction(self._users, steps, deadline=self.deadline)

    def _decided(
        self, job: Job, turn: Turn, users: list[Document], refused: Collection[ObjectId]
    ) -> _Outcome:
        outcome = _Outcome()
        for user in users:
            with outcome.unless_it_fails(user["_id"]):
                _unless_refused(user["_id"], refused)
                found = change(job.act, user, by=job.by_name, at=turn.at)
                if outcome.add(user["_id"], found) and found is not None:
                    outcome.notes.append(_note_of(job, turn, user["_id"], found))
        return outcome

    @translated
    async def _undo(self, job: Job, turn: Turn, refused: Collection[ObjectId]) -> Job:
        wanted: Document = {"job": ObjectId(job.job_id), "undone_at": None}
        if job.undo_position is not None:
            wanted["user_id"] = {"$gt": ObjectId(job.undo_position)}

        async def steps(session: AsyncIOMotorClientSession) -> Job:
            await self._hold(job, turn, session)
            notes = await self._changes.find(wanted, session=session).sort("user_id", 1).to_list(BATCH)
            ids = [note["user_id"] for note in notes]
            found = self._users.find({"_id": {"$in": ids}}, STATE, session=session)
            users = {user["_id"]: user async for user in found}
            outcome, restored = self._restorations(job, turn, notes, users, refused)
            await self._write(outcome, session)
            await self._changes.update_many(
                {"_id": {"$in": restored}}, {"$set": {"undone_at": turn.at}}, session=session
            )
            moved = {"undo_position": ids[-1] if ids else None, "undo_walked": len(notes) < BATCH}
            return await self._note(job, outcome, moved, session)

        return await transaction(self._users, steps, deadline=self.deadline)

    def _restorations(
        self,
        job: Job,
        turn: Turn,
        notes: list[Document],
        users: Mapping[ObjectId, Document],
        refused: Collection[ObjectId],
    ) -> tuple[_Outcome, list[ObjectId]]:
        outcome, restored = _Outcome(), []
        for note in notes:
            user = note["user_id"]
            if user not in users:
                outcome.fail(user, Why.GONE)
                continue
            with outcome.unless_it_fails(user):
                _unless_refused(user, refused)
                if outcome.add(user, restoration(job.act, users[user], note, at=turn.at)):
                    restored.append(note["_id"])
                else:
                    outcome.tell(user, Why.CHANGED_SINCE)
        return outcome, restored

    async def _reach(self, job: Job, meant: Meant | None) -> _Reach:
        after = ObjectId(job.position) if job.position else None
        if meant is None:
            return _picked(job, after)
        if job.last_id is None:
            return _Reach({"_id": {"$in": []}}, (), after, last=True)
        end, last = await end_of_slice(self._users, after=after, last=ObjectId(job.last_id))
        # Newcomers are not meant: those that came within the same second may have a smaller id.
        known = {"created_at": {"$lte": job.created_at}}
        wanted = [ids_between(after, end), known, meant.words(job.created_at)]
        return _Reach({"$and": wanted}, (), end, last)

    async def _write(self, outcome: _Outcome, session: AsyncIOMotorClientSession) -> None:
        if not outcome.writes:
            return
        try:
            await self._users.bulk_write(outcome.writes, session=session)
        except BulkWriteError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            # MongoDB has ended the transaction, and it is begun anew without this one.
            raise _Refused(outcome.users[error.details["writeErrors"][0]["index"]]) from error

    async def _hold(self, job: Job, turn: Turn, session: AsyncIOMotorClientSession) -> None:
        """Keep the job for this batch, if it is still ours, and where we believe it to be.

        From here on whoever else would change it has to wait for the end of the transaction.

        Raises:
            LeaseLost: it is not.
        """
        place, stands = ("undo_position", job.undo_position) if job.undoing else ("position", job.position)
        held = {
            "_id": ObjectId(job.job_id),
            "state": job.state.value,
            "lease.owner": turn.owner,
            place: ObjectId(stands) if stands else None,
        }
        kept = await self._jobs.update_one(held, {"$set": {"lease.until": turn.until}}, session=session)
        if kept.matched_count == 0:
            raise LeaseLost

    async def _note(
        self, job: Job, outcome: _Outcome, moved: Document, session: AsyncIOMotorClientSession
    ) -> Job:
        """Move the job on."""
        counted, failures = ("undo", "undo_failures") if job.undoing else ("progress", "failures")
        document = await self._jobs.find_one_and_update(
            {"_id": ObjectId(job.job_id)},
            {
                "$set": {**moved, "unmarked": outcome.unmarked},
                "$inc": outcome.counts(counted),
                "$push": {failures: {"$each": outcome.failures, "$slice": FAILURES_TOLD}},
            },
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return job_of(document)


def _unless_refused(user: ObjectId, refused: Collection[ObjectId]) -> None:
    if user in refused:
        raise Unable(Why.REFUSED)


def _picked(job: Job, after: ObjectId | None) -> _Reach:
    left = [each for each in map(ObjectId, job.selection.ids) if after is None or each > after]
    picked = tuple(left[:BATCH])
    end = picked[-1] if picked else after
    return _Reach({"_id": {"$in": list(picked)}}, picked, end, last=len(left) <= BATCH)


def _note_of(job: Job, turn: Turn, user: ObjectId, found: Change) -> Document:
    return {
        "job": ObjectId(job.job_id),
        "user_id": user,
        "act": act_document(job.act),
        "by": job.by_name,
        "at": turn.at,
        "before": found.before,
        # As long as the job itself can be undone, so that no part of it is forgotten before.
        "expires_at": job.created_at + CHANGES_LAST,
    }
