"""Everything that somebody could present as a token: one function a kind, and how each is come by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from passport.services import Services, make_services
from passport.tokens import Tokens as Issuer
from tests.client import API, bearer
from tests.conftest import Clock
from tests.security.conftest import SHOP
from tests.security.forged_tokens import ABSENT, Forger
from tests.security.jws import es


@dataclass
class Stage:
    """Mei's sign-in, and what it takes to make something else of it."""

    api: API
    services: Services
    database: Any
    clock: Clock
    mongodb_uri: str
    tokens: dict[str, Any]

    @property
    def claims(self) -> Any:
        """What mei's access token says."""
        return self.services.tokens.verify(self.tokens["access_token"])

    @property
    def forger(self) -> Forger:
        """Somebody who is even lent our signing key."""
        return Forger(self.services.keys, self.tokens["access_token"])

    async def another_sign_in(self) -> dict[str, Any]:
        """A second session of mei's, to end or to wear out."""
        return (await self.api.token({**self.api.wx_login("mei"), "appid": self.claims.appid})).json

    @asynccontextmanager
    async def another_deployment(self) -> Any:
        """The same issuer over another database and with another secret_key."""
        name, settings = f"{self.database.name}_b", self.services.settings
        theirs = settings.model_copy(
            update={"mongodb": settings.mongodb.model_copy(update={"database": name})}
        )
        other = make_services(
            theirs, mongodb_uri=self.mongodb_uri, secret_key=b"another secret " * 3, now=self.clock
        )
        try:
            await other.readiness.prepare()
            yield other
        finally:
            self.database.client.drop_database(name)
            await other.close()


async def good_access_token(stage: Stage) -> str:
    return str(stage.tokens["access_token"])


async def good_refresh_token(stage: Stage) -> str:
    return str(stage.tokens["refresh_token"])


async def expired_access_token(stage: Stage) -> str:
    stage.clock.advance(hours=2)
    return str(stage.tokens["access_token"])


async def expired_refresh_token(stage: Stage) -> str:
    stage.clock.advance(days=31)
    return str(stage.tokens["refresh_token"])


async def ended_sessions_access_token(stage: Stage) -> str:
    ended = await stage.another_sign_in()
    await stage.api.post("/oauth/revoke", data={"token": ended["access_token"]})
    return str(ended["access_token"])


async def ended_sessions_refresh_token(stage: Stage) -> str:
    ended = await stage.another_sign_in()
    await stage.api.post("/oauth/revoke", data={"token": ended["access_token"]})
    return str(ended["refresh_token"])


async def closed_accounts_access_token(stage: Stage) -> str:
    bo = await stage.api.register({**stage.api.wx_login("bo"), "appid": stage.claims.appid})
    assert bo.status == 201
    theirs = (await stage.api.token({**stage.api.wx_login("bo"), "appid": stage.claims.appid})).json
    code = stage.api.wx_login("bo")["code"]
    closed = await stage.api.delete(
        "/accounts/me", json={"code": code}, headers=bearer(theirs["access_token"])
    )
    assert closed.status == 200
    return str(theirs["access_token"])


async def other_deployments_access_token(stage: Stage) -> str:
    async with stage.another_deployment() as other:
        claims = stage.claims
        issued = other.tokens.issue(
            user_id=claims.user_id,
            appid=claims.appid,
            session_id=claims.session_id,
            until=stage.clock() + timedelta(hours=1),
        )
        assert other.tokens.verify(issued.token).session_id == claims.session_id
        return str(issued.token)


async def other_deployments_refresh_token(stage: Stage) -> str:
    async with stage.another_deployment() as other:
        made = other.sessions._refresh_tokens.first(stage.claims.session_id)
        assert made.text.startswith("wpr_")
        return str(made.text)


async def other_issuers_access_token(stage: Stage) -> str:
    elsewhere = Issuer(
        keys=stage.services.keys,
        issuer="https://login.example.net",
        ttl=timedelta(hours=1),
        now=stage.clock,
    )
    until, claims = stage.clock() + timedelta(hours=1), stage.claims
    return elsewhere.issue(
        user_id=claims.user_id, appid=claims.appid, session_id=claims.session_id, until=until
    ).token


async def jwt_of_another_typ(stage: Stage) -> str:
    return es(stage.forger.header(typ="JWT"), stage.forger.claims, stage.forger.ours)


async def jwt_without_typ(stage: Stage) -> str:
    return es(stage.forger.header(typ=ABSENT), stage.forger.claims, stage.forger.ours)


async def id_token(stage: Stage) -> str:
    """As OpenID Connect would have it: for the client, and of no session."""
    claims = {name: stage.forger.claims[name] for name in ("iss", "sub", "iat", "exp")}
    claims |= {"aud": stage.claims.appid, "nonce": "n", "auth_time": claims["iat"]}
    return es(stage.forger.header(typ="JWT"), claims, stage.forger.ours)


async def id_token_as_access_token(stage: Stage) -> str:
    return stage.forger.says(aud=stage.claims.appid, client_id=ABSENT, sid=ABSENT)


async def access_token_of_bos_session(stage: Stage) -> str:
    """Mei's id with another person's session, by our own key."""
    await stage.api.register({**stage.api.wx_login("bo"), "appid": stage.claims.appid})
    theirs = (await stage.api.token({**stage.api.wx_login("bo"), "appid": stage.claims.appid})).json
    return stage.forger.says(sid=stage.services.tokens.verify(theirs["access_token"]).session_id)


async def session_id(stage: Stage) -> str:
    return str(stage.claims.session_id)


async def account_id(stage: Stage) -> str:
    return str(stage.tokens["account_id"])


async def login_code(stage: Stage) -> str:
    return str(stage.api.wx_login("mei")["code"])


async def phone_code(stage: Stage) -> str:
    return str(stage.api.stand_in.people.phone_code("mei"))


async def resource_servers_secret(_stage: Stage) -> str:
    return SHOP.secret


Kind = Callable[[Stage], Awaitable[str]]
KINDS: tuple[Kind, ...] = (
    good_access_token,
    good_refresh_token,
    expired_access_token,
    expired_refresh_token,
    ended_sessions_access_token,
    ended_sessions_refresh_token,
    closed_accounts_access_token,
    other_deployments_access_token,
    other_deployments_refresh_token,
    other_issuers_access_token,
    jwt_of_another_typ,
    jwt_without_typ,
    id_token,
    id_token_as_access_token,
    access_token_of_bos_session,
    session_id,
    account_id,
    login_code,
    phone_code,
    resource_servers_secret,
)
