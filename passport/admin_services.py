"""Put the services of the dashboard together: which of them exist and what each is given."""

from __future__ import annotations

from dataclasses import dataclass

from passport.audit import Audit
from passport.clock import Now
from passport.config import Settings
from passport.keys import KeyRing
from passport.operators.sessions import OperatorSessions
from passport.overview import Overview
from passport.store import Store
from passport.wechat_state import WeChatStates


@dataclass(frozen=True)
class AdminServices:
    """Everything that a page of the dashboard may call, beside what all handlers may."""

    now: Now
    sessions: OperatorSessions
    audit: Audit
    overview: Overview


def make_admin_services(
    settings: Settings,
    *,
    store: Store,
    keys: KeyRing,
    wechat_states: WeChatStates,
    secret_key: bytes,
    now: Now,
) -> AdminServices:
    """The services of the dashboard, connected to nothing yet.

    Args:
        settings: the configuration.
        store: the database.
        keys: the key ring of this process.
        wechat_states: what all processes know of WeChat.
        secret_key: seals what is secret in it.
        now: the clock.
    """
    return AdminServices(
        now=now,
        sessions=OperatorSessions(store=store.operator_sessions, operators=store.operators, now=now),
        audit=Audit(store=store.audit),
        overview=Overview(
            store=store, wechat=wechat_states, keys=keys, zone=settings.dashboard.zone, now=now
        ),
    )
