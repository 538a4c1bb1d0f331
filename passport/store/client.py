"""Open MongoDB with the guarantees the domain relies on, whatever the URI says, and hand out the collections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from passport.store.audit import AuditStore
from passport.store.avatars import AvatarStore
from passport.store.care import CareStore
from passport.store.closed_accounts import ClosedAccountStore
from passport.store.conflicts import ConflictStore
from passport.store.directory import DirectoryStore
from passport.store.elections import Client, settle_election
from passport.store.erasure import ErasureStore
from passport.store.faults import Deadlined, translated
from passport.store.indexes import make_indexes
from passport.store.job_batches import JobBatches
from passport.store.job_selection import JobSelection
from passport.store.jobs import JobStore
from passport.store.limits import LimitCounters
from passport.store.operator_guesses import GuessStore
from passport.store.operator_links import OperatorLinkStore
from passport.store.operator_members import MemberStore
from passport.store.operator_sessions import OperatorSessionStore
from passport.store.operators import OperatorStore
from passport.store.pending_logins import PendingLoginStore
from passport.store.push_receipts import PushReceiptStore
from passport.store.push_signatures import PushSignatureStore
from passport.store.recount import RecountStore
from passport.store.refusals import RefusalStore
from passport.store.search_filling import SearchFillingStore
from passport.store.sessions import SessionStore
from passport.store.sign_ins import SignInStore
from passport.store.signing_keys import SigningKeyStore
from passport.store.sources import forget_sources
from passport.store.statistics import StatisticsStore
from passport.store.user_export import UserExportStore
from passport.store.users import UserStore
from passport.store.wechat_access_tokens import AccessTokenStore
from passport.store.wechat_health import WeChatHealthStore

MAX_POOL_SIZE = 50
_MARGIN = 0.25
_FAREWELL = 2.0


@dataclass(frozen=True)
class Deployment:
    """A MongoDB as seen from here.

    Args:
        version: of the server that answers.
        retries_writes: whether a write survives an election; not so on a standalone.
        replica_set: its name; None when it has none, or is a sharded cluster.
        members: how many servers the replica set says it has.
        unreachable: how many of those that the driver knows do not answer it.
        latency: in seconds, of one small question.
    """

    version: str
    retries_writes: bool
    replica_set: str | None = None
    members: int = 1
    unreachable: int = 0
    latency: float = 0.0


class Store(Deadlined):
    """All collections of one database. Made inside the running event loop.

    Args:
        uri: a MongoDB connection string.
        database: the database's name.
        timeout: the deadline of every operation, retries of the driver included.
    """

    def __init__(self, uri: str, database: str, *, timeout: timedelta) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        # Keyword arguments win over the URI. An answer the user was given must survive a crash (w, journal), what is
        # read must not be rolled back (readConcernLevel), and a frozen server must not hold callers (timeoutMS).
        self._client = Client(
            uri,
            appname="wxpassport",
            tz_aware=True,
            # A date past the year 9999, which MongoDB keeps, would fail the whole answer that it is in.
            datetime_conversion="DATETIME_CLAMP",
            w="majority",
            journal=True,
            readConcernLevel="majority",
            readPreference="primary",
            retryWrites=True,
            retryReads=True,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=min(2000, milliseconds),
            connectTimeoutMS=2000,
            maxPoolSize=MAX_POOL_SIZE,
        )
        forget_sources()
        durable: AsyncIOMotorDatabase[dict[str, Any]] = self._client.get_database(database)
        # A code's record is a lock and a convenience, except that it was consumed, which is written durably. If a crash
        # loses it, WeChat still knows that the code was used.
        volatile: AsyncIOMotorDatabase[dict[str, Any]] = self._client.get_database(
            database,
            write_concern=WriteConcern(w=1),
            read_concern=ReadConcern("local"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._database = durable
        # The driver's own deadline comes first, where it can, because its error says more.
        deadline = self.deadline = timeout.total_seconds() + _MARGIN
        self.users = UserStore(durable["users"], deadline=deadline)
        self.sign_ins = SignInStore(durable["users"], deadline=deadline)
        self.care = CareStore(durable["users"], deadline=deadline)
        self.directory = DirectoryStore(durable["users"], deadline=deadline)
        self.search_filling = SearchFillingStore(durable["users"], durable["turns"], deadline=deadline)
        self.avatars = AvatarStore(durable["avatars"], users=durable["users"], deadline=deadline)
        self.sessions = SessionStore(durable["sessions"], deadline=deadline)
        self.conflicts = ConflictStore(durable["identity_conflicts"], deadline=deadline)
        self.closed_accounts = ClosedAccountStore(durable, deadline=deadline)
        self.signing_keys = SigningKeyStore(durable["signing_keys"], deadline=deadline)
        self.erasure = ErasureStore(durable["users"], durable["avatars"], deadline=deadline)
        self.push_receipts = PushReceiptStore(durable["push_receipts"], deadline=deadline)
        self.push_signatures = PushSignatureStore(durable["push_signatures"], deadline=deadline)
        self.statistics = StatisticsStore(durable["statistics"], deadline=deadline)
        self.recount = RecountStore(durable["users"], durable["sessions"], deadline=deadline)
        self.wechat_health = WeChatHealthStore(durable["wechat_health"], deadline=deadline)
        self.operators = OperatorStore(durable["operators"], deadline=deadline)
        self.members = MemberStore(durable["operators"], links=durable["operator_links"], deadline=deadline)
        self.operator_links = OperatorLinkStore(durable["operator_links"], deadline=deadline)
        self.operator_guesses = GuessStore(durable["operator_guesses"], deadline=deadline)
        self.operator_sessions = OperatorSessionStore(durable["operator_sessions"], deadline=deadline)
        self.audit = AuditStore(durable["audit_events"], deadline=deadline)
        self.jobs = JobStore(durable, deadline=deadline)
        self.job_batches = JobBatches(durable, deadline=deadline)
        self.user_export = UserExportStore(durable["users"], deadline=deadline)
        self.job_selection = JobSelection(durable, deadline=deadline)
        self.pending_logins = PendingLoginStore(volatile["pending_logins"], deadline=deadline)
        self.refusals = RefusalStore(volatile["refusals"], deadline=deadline)
        # Can be fetched again, and must be read as it is now, not as a majority knew it a moment ago.
        self.wechat_access_tokens = AccessTokenStore(volatile["wechat_access_tokens"], deadline=deadline)
        self.limit_counters = LimitCounters(volatile, deadline=deadline)

    @translated
    async def ping(self) -> None:
        """Ask the primary whether it is there. Raises StoreUnavailable."""
        await self._database.command("ping")

    @translated
    async def make_indexes(self) -> None:
        """Make what is missing; must have succeeded before the first request is served.

        Raises:
            StartupError: documents violate a unique index; the text names the collection and a pair of them.
            StoreUnavailable: MongoDB cannot be reached.
        """
        await make_indexes(self._database)

    @translated
    async def settle(self) -> None:
        """Wait until a majority follows the primary, so that the first request need not. Raises StoreUnavailable."""
        await settle_election(self._database)

    @translated
    async def describe(self) -> Deployment:
        """What answers at the URI. Raises StoreUnavailable."""
        began = time.monotonic()
        hello = await self._database.command("hello")
        latency = time.monotonic() - began
        build = await self._database.command("buildInfo")
        # Retryable writes need the oplog of a replica set, or a mongos in front of some.
        return Deployment(
            build["version"],
            retries_writes="setName" in hello or hello.get("msg") == "isdbgrid",
            replica_set=hello.get("setName"),
            members=len(hello.get("hosts", ())) or 1,
            unreachable=self._unreachable(),
            latency=latency,
        )

    def _unreachable(self) -> int:
        topology: Any = self._client.topology_description
        servers = topology.server_descriptions().values()
        return sum(each.server_type_name == "Unknown" for each in servers)

    async def aclose(self) -> None:
        """Close the connections; a MongoDB that does not answer the farewell is left without one."""
        closed, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            # The driver says goodbye synchronously, and to a frozen server for many seconds.
            self._client.close()
            with contextlib.suppress(RuntimeError):  # the loop did not wait, and is gone
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=close, name="close MongoDB", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await closed.wait()
