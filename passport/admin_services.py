"""Put the services of the dashboard together: which of them exist and what each is given."""

from __future__ import annotations

from dataclasses import dataclass

from passport.audit import Audit
from passport.audit.anchor import FILE_NAME
from passport.clock import Now
from passport.config import Settings
from passport.directory.listing import Directory
from passport.jobs.service import Jobs
from passport.jobs.wiring import make_jobs
from passport.jobs.worker import Busy
from passport.operators.sessions import OperatorSessions
from passport.store import Store


@dataclass(frozen=True)
class AdminServices:
    """Everything that a page of the dashboard may call, beside what all handlers may."""

    now: Now
    sessions: OperatorSessions
    audit: Audit
    directory: Directory
    jobs: Jobs

    async def close(self) -> None:
        """Finish what is done in the background."""
        await self.jobs.worker.close()
        await self.audit.close()


def make_admin_services(
    settings: Settings, *, store: Store, secret_key: bytes, busy: Busy, now: Now
) -> AdminServices:
    """The services of the dashboard, connected to nothing yet.

    Args:
        settings: the configuration.
        store: the database.
        secret_key: seals what is secret in it.
        busy: whether those who sign in need the database more than work in the background does.
        now: the clock.
    """
    audit = Audit(
        store=store.audit, secret_key=secret_key, anchor=settings.mongodb.data_dir / FILE_NAME, now=now
    )
    return AdminServices(
        now=now,
        sessions=OperatorSessions(store=store.operator_sessions, operators=store.operators, now=now),
        audit=audit,
        directory=Directory(
            store=store.directory,
            sessions=store.sessions,
            appids=[app.appid for app in settings.wechat.apps],
            zone=settings.dashboard.zone,
            now=now,
        ),
        jobs=make_jobs(settings, store=store, audit=audit, busy=busy, now=now),
    )
