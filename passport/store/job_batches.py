"""One batch of a job: the users, what they were before, and the job's position change together or not at all.

So each user is acted on once, whoever dies when: a worker that lost its lease, or comes back from a long sleep, fails
at the job's document and takes its whole batch back with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReturnDocument
from pymongo.errors import BulkWriteError

from passport.directory.filters import UserFilter
from passport.jobs.model import CHANGES_LAST, FAILURES_TOLD, Job, Why
from passport.store.faults import Deadlined, translated
from passport.store.job_acts import STATE, Change, Unable, change, restoration
from passport.store.job_documents import act_document, job_of
from passport.store.job_outcome import Outcome
from passport.store.matching import matching
from passport.store.transactions import Steps, session_id_of, transaction
from passport.store.user_walk import BY_ID, end_of_slice, ids_between

Document = dict[str, Any]

BATCH = 200
# A batch that fails is tried again with a quarter of its users, so this often before there is one user left, and with
# that one once more. Then the user is given up.
PATIENCE = 6


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
        self._session: AsyncIOMotorClientSession | None = None

    async def session(self) -> bytes:
        """The id of the session that all batches are written in, by which somebody else can end what we leave open."""
        if self._session is None:
            self._session = await self._users.database.client.start_session()
        return session_id_of(self._session)

    def leave_session(self) -> None:
        """Have another one from now on. A batch whose end we did not see may be under way there."""
        self._session = None

    async def advance(self, job: Job, turn: Turn, meant: Meant | None) -> Job:
        """Act on the next users, or restore them when the job is being undone; the job as it is then.

        A user whose document MongoDB refuses to change is noted among the failures, and the others go on. So is one at
        whom the job failed again and again, whatever the reason was.

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
                if job.tries > PATIENCE:
                    return await self._give_up(job, turn, meant)
                if job.undoing:
                    return await self._undo(job, turn, refused)
                return await self._act(job, turn, meant, refused)
            except _Refused as refusal:
                refused.add(refusal.user)

    @translated
    async def _act(self, job: Job, turn: Turn, meant: Meant | None, refused: Collection[ObjectId]) -> Job:
        size = size_of(job)
        reach = await self._reach(job, meant, size)

        async def steps(session: AsyncIOMotorClientSession) -> Job:
            await self._hold(job, turn, session)
            cursor = self._users.find(reach.wanted, STATE, session=session).sort("_id", 1).limit(size)
            users = await cursor.hint(BY_ID).to_list(None)
            outcome = self._decided(job, turn, users, refused)
            for gone in set(reach.picked) - {user["_id"] for user in users}:
                outcome.fail(gone, Why.GONE)
            full = not reach.picked and len(users) == size
            position = users[-1]["_id"] if full else reach.end
            await self._write(outcome, session)
            if outcome.notes:
                await self._changes.insert_many(outcome.notes, session=session)
            moved = {"position": position, "walked": reach.last and not full}
            return await self._note(job, outcome, moved, session)

        return await self._transaction(steps)

    def _decided(self, job: Job, turn: Turn, users: list[Document], refused: Collection[ObjectId]) -> Outcome:
        outcome = Outcome()
        for user in users:
            with outcome.unless_it_fails(user["_id"]):
                _unless_refused(user["_id"], refused)
                found = change(job.act, user, by=job.by_name, at=turn.at)
                if outcome.add(user["_id"], found) and found is not None:
                    outcome.notes.append(_note_of(job, turn, user["_id"], found))
        return outcome

    @translated
    async def _undo(self, job: Job, turn: Turn, refused: Collection[ObjectId]) -> Job:
        size, wanted = size_of(job), _to_be_undone(job)

        async def steps(session: AsyncIOMotorClientSession) -> Job:
            await self._hold(job, turn, session)
            notes = await self._changes.find(wanted, session=session).sort("user_id", 1).to_list(size)
            ids = [note["user_id"] for note in notes]
            found = self._users.find({"_id": {"$in": ids}}, STATE, session=session)
            users = {user["_id"]: user async for user in found}
            outcome, restored = self._restorations(job, turn, notes, users, refused)
            await self._write(outcome, session)
            await self._changes.update_many(
                {"_id": {"$in": restored}}, {"$set": {"undone_at": turn.at}}, session=session
            )
            moved = {"undo_position": ids[-1] if ids else None, "undo_walked": len(notes) < size}
            return await self._note(job, outcome, moved, session)

        return await self._transaction(steps)

    def _restorations(
        self,
        job: Job,
        turn: Turn,
        notes: list[Document],
        users: Mapping[ObjectId, Document],
        refused: Collection[ObjectId],
    ) -> tuple[Outcome, list[ObjectId]]:
        outcome, restored = Outcome(), []
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

    @translated
    async def _give_up(self, job: Job, turn: Turn, meant: Meant | None) -> Job:
        """Name the next user as one at whom the job failed, without a look at them, and go on after them."""
        user, moved = await (self._next_undone(job) if job.undoing else self._next(job, meant))
        outcome = Outcome()
        if user is not None:
            outcome.fail(user, Why.GAVE_UP)

        async def steps(session: AsyncIOMotorClientSession) -> Job:
            await self._hold(job, turn, session)
            return await self._note(job, outcome, moved, session)

        return await self._transaction(steps)

    async def _next(self, job: Job, meant: Meant | None) -> tuple[ObjectId | None, Document]:
        """The next user to act on, and where the job stands after them."""
        reach = await self._reach(job, meant, 1)
        if reach.picked:
            return reach.picked[0], {"position": reach.end, "walked": reach.last}
        cursor = self._users.find(reach.wanted, {"_id": 1}).sort("_id", 1).hint(BY_ID).limit(1)
        for user in await cursor.to_list(1):
            return user["_id"], {"position": user["_id"], "walked": False}
        return None, {"position": reach.end, "walked": reach.last}

    async def _next_undone(self, job: Job) -> tuple[ObjectId | None, Document]:
        cursor = self._changes.find(_to_be_undone(job), {"user_id": 1}).sort("user_id", 1).limit(1)
        for note in await cursor.to_list(1):
            return note["user_id"], {"undo_position": note["user_id"], "undo_walked": False}
        return None, {"undo_walked": True}

    async def _transaction(self, steps: Steps[Job]) -> Job:
        return await transaction(self._users, steps, deadline=self.deadline, session=self._session)

    async def _reach(self, job: Job, meant: Meant | None, size: int) -> _Reach:
        after = ObjectId(job.position) if job.position else None
        if meant is None:
            return _picked(job, after, size)
        if job.last_id is None:
            return _Reach({"_id": {"$in": []}}, (), after, last=True)
        end, last = await end_of_slice(self._users, after=after, last=ObjectId(job.last_id))
        # Newcomers are not meant: those that came within the same second may have a smaller id.
        known = {"created_at": {"$lte": job.created_at}}
        wanted = [ids_between(after, end), known, meant.words(job.created_at)]
        return _Reach({"$and": wanted}, (), end, last)

    async def _write(self, outcome: Outcome, session: AsyncIOMotorClientSession) -> None:
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
        self, job: Job, outcome: Outcome, moved: Document, session: AsyncIOMotorClientSession
    ) -> Job:
        """Move the job on."""
        counted, failures = ("undo", "undo_failures") if job.undoing else ("progress", "failures")
        document = await self._jobs.find_one_and_update(
            {"_id": ObjectId(job.job_id)},
            {
                # It moved, so whatever failed before is behind it, and the batches may grow again.
                "$set": {
                    **moved,
                    "unmarked": outcome.unmarked,
                    "tries": 0,
                    "size": min(BATCH, 2 * size_of(job)),
                },
                "$inc": outcome.counts(counted),
                "$push": {failures: {"$each": outcome.failures, "$slice": FAILURES_TOLD}},
            },
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return job_of(document)


def size_of(job: Job) -> int:
    """How many users its next batch has: a quarter of the last one's for each time that it was begun in vain."""
    return max(1, min(job.size or BATCH, BATCH) >> 2 * max(0, job.tries - 1))


def _unless_refused(user: ObjectId, refused: Collection[ObjectId]) -> None:
    if user in refused:
        raise Unable(Why.REFUSED)


def _to_be_undone(job: Job) -> Document:
    after = {"user_id": {"$gt": ObjectId(job.undo_position)}} if job.undo_position is not None else {}
    return {"job": ObjectId(job.job_id), "undone_at": None, **after}


def _picked(job: Job, after: ObjectId | None, size: int) -> _Reach:
    left = [each for each in map(ObjectId, job.selection.ids) if after is None or each > after]
    picked = tuple(left[:size])
    end = picked[-1] if picked else after
    return _Reach({"_id": {"$in": list(picked)}}, picked, end, last=len(left) <= size)


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
