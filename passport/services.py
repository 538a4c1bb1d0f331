"""Put the services together: which of them exist and what each is given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from passport.access import Access
from passport.activity import Activity
from passport.admin_services import AdminServices, make_admin_services, make_staff
from passport.avatars import Avatars
from passport.background import Background
from passport.clock import Now, utc_now
from passport.closing import Closing
from passport.codes import CodeLedger
from passport.config import Settings
from passport.directory.filling import SearchFilling
from passport.export import Export
from passport.keys import KeyRing
from passport.limits import Limiter
from passport.login import LoginFlow
from passport.look_up import LookUp
from passport.phones import Phones
from passport.push_events import PushEvents
from passport.readiness import Readiness
from passport.recount import Recount
from passport.refresh_tokens import RefreshTokens
from passport.refusals import Refusals
from passport.resource_servers import ResourceServers
from passport.revocation import Revocation
from passport.sealing import Sealer
from passport.sessions import Lifetimes, Sessions
from passport.sign_ins import SignIns
from passport.signing_keys import SigningKeys, make_signing_keys
from passport.statistics import Statistics
from passport.store import Store
from passport.token_look_up import TokenLookUp
from passport.tokens import Tokens
from passport.traffic import Traffic
from passport.uploads import UploadRoom
from passport.users import Users
from passport.wechat.access_tokens import AccessTokens
from passport.wechat.client import WeChatClient
from passport.wechat.health import Health
from passport.wechat_state import WeChatStates
from passport.workshop import Workshop

# With more requests than these being answered at once, work in the background waits.
_MANY_IN_FLIGHT = 16


@dataclass(frozen=True)
class Services:
    """Everything a handler may call."""

    settings: Settings
    login: LoginFlow
    access: Access
    pushes: PushEvents
    users: Users
    sessions: Sessions
    revocation: Revocation
    resource_servers: ResourceServers
    closing: Closing
    export: Export
    phones: Phones
    signing_keys: SigningKeys
    keys: KeyRing
    tokens: Tokens
    avatars: Avatars
    uploads: UploadRoom
    readiness: Readiness
    traffic: Traffic
    limits: Limiter
    statistics: Statistics
    wechat_states: WeChatStates
    background: Background
    refusals: Refusals
    look_up: LookUp
    admin: AdminServices
    store: Store
    wechat: WeChatClient

    async def close(self) -> None:
        """Write what is not written yet, within one deadline of MongoDB for all, and close every connection."""
        await asyncio.gather(
            self.background.close(),
            self.refusals.close(),
            self.keys.close(),
            self.admin.aclose(),
            self.wechat.aclose(),
        )
        await self.store.aclose()


def make_services(settings: Settings, *, mongodb_uri: str, secret_key: bytes, now: Now = utc_now) -> Services:
    """All services, connected to nothing yet. Call inside the running event loop.

    Args:
        settings: the configuration.
        mongodb_uri: where MongoDB is, the embedded one's included.
        secret_key: seals what is secret in the database.
        now: the clock.
    """
    store = Store(mongodb_uri, settings.mongodb.database, timeout=settings.mongodb.timeout)
    zone, appids = settings.dashboard.zone, frozenset(app.appid for app in settings.wechat.apps)
    statistics = Statistics(store=store.statistics, appids=appids, zone=zone, now=now)
    recount = Recount(statistics=store.statistics, store=store.recount, appids=appids, zone=zone, now=now)
    health = Health(now=now, count=statistics.count)
    wechat = WeChatClient(settings.wechat, health=health)
    wechat_states = WeChatStates(
        store=store.wechat_health, health=health, held_back=wechat.held_back, now=now
    )
    written = (statistics.flush, wechat_states.tell)
    filling = SearchFilling(store=store.search_filling, now=now)
    background = Background(*written, recount.when_due, filling.when_due, last=written)
    signing_keys = make_signing_keys(settings, store=store, secret_key=secret_key, now=now)
    keys = KeyRing(
        signing_keys=signing_keys,
        rotate_every=settings.tokens.key_rotation,
        now=now,
    )
    tokens = Tokens(keys=keys, issuer=settings.issuer, ttl=settings.tokens.access_ttl, now=now)
    users = Users(
        store=store.users,
        sign_ins=store.sign_ins,
        sessions=store.sessions,
        conflicts=store.conflicts,
        statistics=statistics,
        now=now,
    )
    limits = Limiter(
        settings.limits,
        counters=store.limit_counters,
        sealer=Sealer(secret_key, "limits"),
        now=now,
        processes=settings.server.processes,
    )
    refresh_tokens = RefreshTokens(Sealer(secret_key, "refresh-tokens"))
    sessions = Sessions(
        store=store.sessions,
        users=store.users,
        tokens=tokens,
        refresh_tokens=refresh_tokens,
        limits=limits,
        appids=appids,
        lifetimes=Lifetimes(
            refresh=settings.tokens.refresh_ttl,
            session=settings.tokens.session_ttl,
            grace=settings.tokens.refresh_grace,
        ),
        activity=Activity(users=store.users, statistics=statistics),
        statistics=statistics,
        now=now,
    )
    access = Access(tokens=tokens, users=users, sessions=sessions, now=now)
    codes = CodeLedger(
        wechat=wechat,
        store=store.pending_logins,
        sealer=Sealer(secret_key, "codes"),
        patience=settings.wechat.timeout + settings.mongodb.timeout,
        # The wait for a place, the exchange, and the reads and writes of one sign-in.
        longest_turn=settings.wechat.timeout + 5 * settings.mongodb.timeout,
        now=now,
    )
    login = LoginFlow(
        apps=settings.wechat.apps,
        codes=codes,
        users=users,
        sign_ins=SignIns(
            codes=codes,
            users=users,
            sessions=sessions,
            deadline=settings.mongodb.timeout,
            now=now,
        ),
        limits=limits,
        freshness=settings.wechat.freshness,
        privacy=settings.privacy,
        statistics=statistics,
        now=now,
    )
    closing = Closing(
        apps={app.appid: app for app in settings.wechat.apps},
        codes=codes,
        sessions=store.sessions,
        tombstones=store.closed_accounts,
        now=now,
    )
    phones = Phones(
        apps=settings.wechat.apps,
        wechat=wechat,
        access_tokens=AccessTokens(
            wechat=wechat,
            store=store.wechat_access_tokens,
            sealer=Sealer(secret_key, "wechat-access-tokens"),
            # A plain fetch and a forced one, and the writes between them.
            longest_turn=2 * settings.wechat.timeout + 3 * settings.mongodb.timeout,
            now=now,
        ),
        store=store.users,
        sealer=Sealer(secret_key, "phone-codes"),
        patience=settings.wechat.timeout,
        now=now,
    )
    pushes = PushEvents(
        apps=settings.wechat.apps,
        users=store.users,
        erasure=store.erasure,
        closing=closing,
        receipts=store.push_receipts,
        signatures=store.push_signatures,
        sealer=Sealer(secret_key, "pushes"),
        now=now,
    )
    avatars = Avatars(
        store=store.avatars,
        workshop=Workshop(),
        base_url=settings.server.public_url or settings.listening_url,
        now=now,
    )
    refusals = make_refusals(settings, store=store, secret_key=secret_key, now=now)
    look_up = LookUp(
        tokens=TokenLookUp(
            access=access,
            signing_keys=signing_keys,
            refresh_tokens=refresh_tokens,
            sessions=sessions,
            users=store.users,
            closed=store.closed_accounts,
            appids=appids,
            issuer=settings.issuer,
            grace=settings.tokens.refresh_grace,
            now=now,
        ),
        sessions=sessions,
        users=store.users,
        refusals=refusals,
        appids=appids,
    )
    readiness, traffic = Readiness(store=store, keys=keys, then=(background.open,)), Traffic()

    async def busy() -> bool:
        return traffic.count > _MANY_IN_FLIGHT or await readiness.problem() is not None

    return Services(
        settings=settings,
        login=login,
        access=access,
        pushes=pushes,
        users=users,
        sessions=sessions,
        revocation=Revocation(tokens=tokens, sessions=sessions),
        resource_servers=ResourceServers(settings.resource_servers, access=access, issuer=settings.issuer),
        closing=closing,
        export=Export(users=store.users, sessions=sessions, avatars=avatars, now=now),
        phones=phones,
        signing_keys=signing_keys,
        keys=keys,
        tokens=tokens,
        avatars=avatars,
        uploads=UploadRoom(),
        readiness=readiness,
        traffic=traffic,
        limits=limits,
        refusals=refusals,
        look_up=look_up,
        statistics=statistics,
        wechat_states=wechat_states,
        background=background,
        admin=make_admin_services(
            settings,
            make_staff(settings, store=store, secret_key=secret_key, now=now),
            store=store,
            keys=keys,
            refusals=refusals,
            wechat_states=wechat_states,
            busy=busy,
        ),
        store=store,
        wechat=wechat,
    )


def make_refusals(settings: Settings, *, store: Store, secret_key: bytes, now: Now = utc_now) -> Refusals:
    """The record of refused attempts, for the services and for the command line."""
    return Refusals(
        store=store.refusals,
        sealer=Sealer(secret_key, "refusals"),
        kept=settings.dashboard.refusals_kept,
        now=now,
    )
