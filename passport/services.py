"""Put the services together: which of them exist and what each is given."""

from __future__ import annotations

from dataclasses import dataclass

from passport.access import Access
from passport.avatars import Avatars
from passport.clock import Now, utc_now
from passport.codes import CodeLedger
from passport.config import Settings
from passport.keys import KeyRing
from passport.login import LoginFlow
from passport.readiness import Readiness
from passport.sealing import Sealer
from passport.store import Store
from passport.tokens import Tokens
from passport.traffic import Traffic
from passport.uploads import UploadRoom
from passport.users import Users
from passport.wechat.client import WeChatClient
from passport.workshop import Workshop


@dataclass(frozen=True)
class Services:
    """Everything a handler may call."""

    settings: Settings
    login: LoginFlow
    access: Access
    users: Users
    keys: KeyRing
    tokens: Tokens
    avatars: Avatars
    uploads: UploadRoom
    readiness: Readiness
    traffic: Traffic
    store: Store
    wechat: WeChatClient

    async def close(self) -> None:
        """Close every connection."""
        await self.wechat.aclose()
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
    wechat = WeChatClient(settings.wechat)
    keys = KeyRing(store=store.signing_keys, sealer=Sealer(secret_key, "signing-keys"), now=now)
    tokens = Tokens(keys=keys, issuer=settings.issuer, ttl=settings.tokens.access_ttl, now=now)
    users = Users(store=store.users, now=now)
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
        sessions=store.sessions,
        tokens=tokens,
        freshness=settings.wechat.freshness,
        now=now,
    )
    return Services(
        settings=settings,
        login=login,
        access=Access(tokens=tokens, users=users, now=now),
        users=users,
        keys=keys,
        tokens=tokens,
        avatars=Avatars(
            store=store.avatars,
            workshop=Workshop(),
            base_url=settings.server.public_url or settings.listening_url,
            now=now,
        ),
        uploads=UploadRoom(),
        readiness=Readiness(store=store, keys=keys),
        traffic=Traffic(),
        store=store,
        wechat=wechat,
    )
