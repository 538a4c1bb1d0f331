"""Put the services of the dashboard together: which of them exist and what each is given."""

from __future__ import annotations

from dataclasses import dataclass

from passport.audit import Audit
from passport.audit.anchor import FILE_NAME
from passport.clock import Now
from passport.config import Settings
from passport.directory.listing import Directory
from passport.operators.sessions import OperatorSessions
from passport.store import Store


@dataclass(frozen=True)
class AdminServices:
    """Everything that a page of the dashboard may call, beside what all handlers may."""

    now: Now
    sessions: OperatorSessions
    audit: Audit
    directory: Directory

    async def close(self) -> None:
        """Finish what is done in the background."""
        await self.audit.close()


def make_admin_services(settings: Settings, *, store: Store, secret_key: bytes, now: Now) -> AdminServices:
    """The services of the dashboard, connected to nothing yet.

    Args:
        settings: the configuration.
        store: the database.
        secret_key: seals what is secret in it.
        now: the clock.
    """
    return AdminServices(
        now=now,
        sessions=OperatorSessions(store=store.operator_sessions, operators=store.operators, now=now),
        audit=Audit(
            store=store.audit, secret_key=secret_key, anchor=settings.mongodb.data_dir / FILE_NAME, now=now
        ),
        directory=Directory(
            store=store.directory,
            sessions=store.sessions,
            appids=[app.appid for app in settings.wechat.apps],
            zone=settings.dashboard.zone,
            now=now,
        ),
    )
