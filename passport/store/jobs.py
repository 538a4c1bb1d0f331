"""The jobs collection: who has a job, where it stands, and what was asked of it. Each write is one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId
from motor.motor_asyncio import AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, ReturnDocument, UpdateMany

from passport.jobs.model import CHANGES_LAST, Job, Kind, State, UserChange
from passport.store.faults import CollectionStore, translated
from passport.store.job_documents import NOTHING_DONE, job_document, job_of, user_change_of
from passport.store.transactions import end_transaction
from passport.store.user_walk import newest_id

Document = dict[str, Any]

_OPEN = [State.WAITING.value, State.RUNNING.value, State.STOPPING.value, State.UNDOING.value]
_UNDOABLE = [kind.value for kind in Kind if kind.undoable]


class JobStore(CollectionStore):
    """Reads and atomic writes of jobs.

    Args:
        database: with the guarantees that people's data need.
        deadline: in seconds.
    """

    def __init__(self, database: AsyncIOMotorDatabase[Document], *, deadline: float) -> None:
        super().__init__(database["jobs"], deadline=deadline)
        self._users: AsyncIOMotorCollection[Document] = database["users"]
        self._sessions: AsyncIOMotorCollection[Document] = database["sessions"]
        self._changes: AsyncIOMotorCollection[Document] = database["job_changes"]

    @staticmethod
    def new_id() -> str:
        """A new id, ordered by time."""
        return str(ObjectId())

    @translated
    async def newest_user(self) -> str | None:
        """The id of the user who came last; None when there is none."""
        newest = await newest_id(self._users)
        return str(newest) if newest else None

    @translated
    async def insert(self, job: Job) -> None:
        """Keep a new job."""
        await self._collection.insert_one(job_document(job))

    @translated
    async def find(self, job_id: str) -> Job | None:
        """None when there is no such job, or job_id is not of our form."""
        try:
            document = await self._find_one({"_id": ObjectId(job_id)})
        except InvalidId:
            return None
        return job_of(document) if document else None

    @translated
    async def newest(self, *, before: str | None, limit: int) -> list[Job]:
        """The newest jobs, or those before the one named. What is long, is left out."""
        wanted = {"_id": {"$lt": ObjectId(before)}} if before and ObjectId.is_valid(before) else {}
        long = ("failures", "undo_failures", "unmarked", "selection.ids")
        cursor = self._collection.find(wanted, {name: {"$slice": 0} for name in long})
        return [job_of(each) async for each in cursor.sort("_id", DESCENDING).limit(limit)]

    @translated
    async def under_way(self, *, most: int) -> list[str]:
        """The ids of the jobs that are not over, the oldest first."""
        cursor = self._collection.find({"state": {"$in": _OPEN}}, {"_id": 1}).limit(most)
        return [str(each["_id"]) async for each in cursor.sort("created_at", ASCENDING)]

    @translated
    async def changes_of(
        self, user_id: str, *, now: datetime, until: datetime, limit: int
    ) -> list[UserChange]:
        """What jobs did to the user up to a moment, newest first, as long as it is known."""
        wanted = {"user_id": ObjectId(user_id), "at": {"$lte": until}, "expires_at": {"$gt": now}}
        cursor = self._changes.find(wanted).sort("at", DESCENDING).limit(limit)
        return [user_change_of(each) async for each in cursor]

    @translated
    async def claim(
        self, owner: str, *, now: datetime, until: datetime, session: bytes | None = None
    ) -> Job | None:
        """The oldest job that nobody else works on, leased to the owner; None when there is none.

        A batch that the last owner left open is ended, or it would lock its users and the job for a minute.

        Args:
            owner: a worker.
            now: the time.
            until: when another may have it.
            session: the id of the session in which the owner writes.
        """
        free = {"state": {"$in": _OPEN}, "$or": [{"lease.until": {"$lte": now}}, {"lease.owner": owner}]}
        # There is none nearly always, and a read costs less than a write that finds nothing.
        found = await self._collection.find_one(free, {"lease": 1}, sort=[("created_at", 1)])
        if found is None:
            return None
        if left := found["lease"].get("session"):
            await end_transaction(self._collection.database.client, left)
        begun = {"$cond": [{"$eq": ["$state", State.WAITING.value]}, State.RUNNING.value, "$state"]}
        taken = {
            "state": begun,
            "started_at": {"$ifNull": ["$started_at", now]},
            "lease": {"owner": owner, "until": until, "session": session},
            # Every batch that is done makes it 0 again.
            "tries": {"$add": [{"$ifNull": ["$tries", 0]}, 1]},
        }
        document = await self._collection.find_one_and_update(
            {**free, "_id": found["_id"]}, [{"$set": taken}], return_document=ReturnDocument.AFTER
        )
        return job_of(document) if document else None

    @translated
    async def renew(self, job: Job, owner: str, *, until: datetime) -> Job | None:
        """The job as it is now, its lease longer; None when it is the owner's no more."""
        document = await self._collection.find_one_and_update(
            _held(job, owner), {"$set": {"lease.until": until}}, return_document=ReturnDocument.AFTER
        )
        return job_of(document) if document else None

    @translated
    async def release(self, owner: str, *, now: datetime) -> None:
        """Let another worker have at once what this one had."""
        held = {"state": {"$in": _OPEN}, "lease.owner": owner}
        await self._collection.update_many(held, {"$set": {"lease": {"owner": "", "until": now}}})

    @translated
    async def finish(self, job: Job, owner: str, state: State, *, why: str | None, at: datetime) -> bool:
        """Note that it is over; False when it is the owner's no more."""
        over: Document = {"state": state.value, "why": why, "ended_at": at, "unmarked": []}
        result = await self._collection.update_one(
            {**_held(job, owner), "state": job.state.value}, {"$set": over}
        )
        return result.modified_count == 1

    @translated
    async def ask_to_stop(self, job_id: str, *, by_name: str) -> bool:
        """Have it end after the batch it is at; False when it is not under way."""
        result = await self._collection.update_one(
            {"_id": _id(job_id), "state": {"$in": [State.WAITING.value, State.RUNNING.value]}},
            {"$set": {"state": State.STOPPING.value, "stopped_by_name": by_name}},
        )
        return result.modified_count == 1

    @translated
    async def ask_to_undo(self, job_id: str, *, by: str, by_name: str, now: datetime) -> bool:
        """Have it undone; False when it cannot be: see `Job.can_undo`."""
        wanted = {
            "_id": _id(job_id),
            "state": {"$in": [State.DONE.value, State.STOPPED.value]},
            "act.kind": {"$in": _UNDOABLE},
            "progress.changed": {"$gt": 0},
            "created_at": {"$gt": now - CHANGES_LAST},
        }
        undo = {"undo": NOTHING_DONE, "undo_position": None, "undo_walked": False}
        asked: Document = {
            "undone_by": by,
            "undone_by_name": by_name,
            "undo_failures": [],
            "why": None,
            "ended_at": None,
            "tries": 0,
            "size": None,
        }
        lease = {"owner": "", "until": now}
        result = await self._collection.update_one(
            wanted, {"$set": {"state": State.UNDOING.value, **undo, **asked, "lease": lease}}
        )
        return result.modified_count == 1

    @translated
    async def mark_sessions(self, job: Job, *, by: str, at: datetime) -> None:
        """Note in the login history that the sessions of the last batch are over. They were so with the batch itself.

        A session that began since has the new epoch, and is left alone.
        """
        writes = [
            UpdateMany(
                {"user_id": ObjectId(user_id), "ended_at": None, "epoch": {"$lt": epoch}},
                {"$set": {"ended_at": at, "ended_by": by}},
            )
            for user_id, epoch in job.unmarked.items()
        ]
        if writes:
            await self._sessions.bulk_write(writes, ordered=False)


def _held(job: Job, owner: str) -> Document:
    return {"_id": ObjectId(job.job_id), "lease.owner": owner}


def _id(job_id: str) -> ObjectId | None:
    return ObjectId(job_id) if ObjectId.is_valid(job_id) else None
