"""Put the services of the dashboard together: which of them exist and what each is given."""

from __future__ import annotations

from dataclasses import dataclass

from passport.audit import Audit
from passport.audit.anchor import FILE_NAME
from passport.audit.checking import Checking
from passport.care.acts import Care
from passport.care.duplicates import Duplicates
from passport.care.history import Acts, ByJobs, History, Refused, SignIns
from passport.clock import Now, utc_now
from passport.config import Settings
from passport.directory.listing import Directory
from passport.jobs.export import UsersExport
from passport.jobs.service import Jobs
from passport.jobs.wiring import make_jobs, meaning
from passport.jobs.worker import Busy
from passport.keys import KeyRing
from passport.operators.services import OperatorServices, make_operator_services
from passport.operators.sessions import OperatorSessions
from passport.overview import Overview
from passport.refusals import Refusals
from passport.store import Store
from passport.wechat_state import WeChatStates


@dataclass(frozen=True)
class Staff:
    """Who works in the dashboard, and what they did: all that the command line needs of it."""

    now: Now
    sessions: OperatorSessions
    operators: OperatorServices
    audit: Audit

    async def aclose(self) -> None:
        """Finish what is done in the background."""
        self.operators.close()
        await self.audit.aclose()


@dataclass(frozen=True)
class AdminServices(Staff):
    """Everything that a page of the dashboard may call, beside what all handlers may."""

    checking: Checking
    care: Care
    duplicates: Duplicates
    history: History
    directory: Directory
    overview: Overview
    jobs: Jobs
    users_export: UsersExport

    async def aclose(self) -> None:
        """Leave the jobs to other processes, and finish what is done in the background."""
        await self.jobs.worker.close()
        await self.checking.aclose()
        await super().aclose()


def make_staff(settings: Settings, *, store: Store, secret_key: bytes, now: Now = utc_now) -> Staff:
    """The operators and their log.

    Args:
        settings: the configuration.
        store: the database.
        secret_key: seals what is secret in it.
        now: the clock.
    """
    sessions = OperatorSessions(store=store.operator_sessions, operators=store.operators, now=now)
    operators = make_operator_services(
        settings, store=store, sessions=sessions, secret_key=secret_key, now=now
    )
    audit = make_audit(settings, store=store, secret_key=secret_key, now=now)
    return Staff(now=now, sessions=sessions, operators=operators, audit=audit)


def make_admin_services(
    settings: Settings,
    staff: Staff,
    *,
    store: Store,
    keys: KeyRing,
    refusals: Refusals,
    wechat_states: WeChatStates,
    busy: Busy,
) -> AdminServices:
    """The services of the dashboard, connected to nothing yet.

    Args:
        settings: the configuration.
        staff: who works in it.
        store: the database.
        keys: the key ring of this process.
        refusals: the record of refused attempts.
        wechat_states: what all processes know of WeChat.
        busy: whether those who sign in need the database more than work in the background does.
    """
    now, audit = staff.now, staff.audit
    jobs = make_jobs(settings, store=store, audit=audit, busy=busy, now=now)
    return AdminServices(
        now=now,
        sessions=staff.sessions,
        operators=staff.operators,
        audit=audit,
        checking=Checking(audit, now=now),
        care=Care(store=store.care, sessions=store.sessions, closed=store.closed_accounts, now=now),
        duplicates=Duplicates(conflicts=store.conflicts, care=store.care, users=store.users, now=now),
        history=History(SignIns(store.sessions), Acts(audit), ByJobs(jobs), Refused(refusals)),
        directory=Directory(
            store=store.directory,
            sessions=store.sessions,
            appids=[app.appid for app in settings.wechat.apps],
            zone=settings.dashboard.zone,
            now=now,
        ),
        overview=Overview(
            store=store, wechat=wechat_states, keys=keys, zone=settings.dashboard.zone, now=now
        ),
        users_export=UsersExport(store=store.user_export, means=meaning(settings), now=now),
        jobs=jobs,
    )


def make_audit(settings: Settings, *, store: Store, secret_key: bytes, now: Now = utc_now) -> Audit:
    """The audit log, for the services and for the command line."""
    return Audit(
        store=store.audit, secret_key=secret_key, anchor=settings.mongodb.data_dir / FILE_NAME, now=now
    )
