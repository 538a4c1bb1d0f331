"""What the playground's buttons cause, at WeChat and at this server, and what the operator sees of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field

from handlers.language import Language
from handlers.times import exact_time
from handlers.translations import translations
from passport.clock import utc_now
from passport.errors import NotFound
from passport.models import User
from passport.tokens import LONGEST, Tokens
from passport.views.refusals import row_of
from passport.views.tongue import Tongue
from passport.wechat.client import WeChatSession
from playground.endpoint import ByVisitor, DemoEndpoint
from sandbox.calls import CODE2SESSION

BAN_REASON = "playground"
# Longer ago than any access token of a demo lives.
LONG_AGO = timedelta(days=2)


class FaultFields(ByVisitor):
    """How WeChat shall answer when this visitor's code is redeemed; `ok` lets all go well again."""

    mode: Literal["ok", "slow", "errcode", "http_503", "disconnect"]
    times: int | None = Field(default=None, ge=1, le=100)
    delay: float = Field(default=2.0, ge=0, le=30)
    errcode: int = 40029


class TokenFields(BaseModel):
    """The visitor's own."""

    access_token: str = Field(max_length=LONGEST)


class FaultsHandler(DemoEndpoint):
    """`POST /demo/faults`: let something go wrong at WeChat, for this visitor alone."""

    def post(self) -> None:
        """200; it replaces what was to go wrong for them before."""
        asked, faults = self.body(FaultFields), self.stand_in.faults
        faults.spare(asked.user)
        if asked.mode != "ok":
            faults.then(
                asked.mode,
                user=asked.user,
                path=CODE2SESSION,
                times=asked.times,
                delay=asked.delay,
                errcode=asked.errcode,
            )
        self.reply({"mode": asked.mode})


class ExpireSessionKeyHandler(DemoEndpoint):
    """`POST /demo/session-keys/expire`: WeChat replaces the session_key, as when a second device logs in."""

    def post(self) -> None:
        """200."""
        self.stand_in.people.expire_session_key(self.body(ByVisitor).user)
        self.reply({"expired": True})


class UserEndpoint(DemoEndpoint):
    """An act on the account of a visitor."""

    needs_database = True

    async def get_user(self) -> User:
        """The visitor's account. Raises NotFound when they have none."""
        people, name = self.stand_in.people, self.body(ByVisitor).user
        appid = next(iter(people.apps))
        session = WeChatSession(people.openid(name), people.unionid(name), session_key="")
        user = await self.services.users.find_by_session(appid, session)
        if user is None:
            raise NotFound("This visitor has no account: sign in first.")
        return user


class BanHandler(UserEndpoint):
    """`POST /demo/users/ban`: disable the account, as an operator would."""

    async def post(self) -> None:
        """200."""
        user = await self.get_user()
        await self.services.users.ban(user.user_id, reason=BAN_REASON, by="playground", shown=True)
        self.reply({"account_id": user.user_id})


class EndSessionsHandler(UserEndpoint):
    """`POST /demo/users/end-sessions`: sign the account out everywhere, as an operator would."""

    async def post(self) -> None:
        """200."""
        user = await self.get_user()
        await self.services.sessions.end_all(user, by="operator")
        self.reply({"account_id": user.user_id})


class ExpiredTokenHandler(DemoEndpoint):
    """`POST /demo/tokens/expired`: the access token as it will be once its time is up, of the same session."""

    async def post(self) -> None:
        """200; 401 for what is no access token of ours."""
        claims = await self.services.tokens.verify_anywhere(self.body(TokenFields).access_token)
        ttl = self.services.settings.tokens.access_ttl
        then = Tokens(
            keys=self.services.keys,
            issuer=self.services.tokens.issuer,
            ttl=ttl,
            now=lambda: utc_now() - LONG_AGO,
        )
        old = then.issue(
            user_id=claims.user_id, appid=claims.appid, session_id=claims.session_id, until=utc_now()
        )
        self.reply({"access_token": old.token})


class RefusalHandler(DemoEndpoint):
    """`GET /demo/refusals/{request_id}`: the refusal as the dashboard's “what went wrong” tells it."""

    needs_database = True

    async def get(self, request_id: str) -> None:
        """200; 404 when nothing is recorded of that request."""
        await self.services.refusals.flush()
        refusal = await self.services.refusals.find_by_request_id(request_id)
        if refusal is None:
            raise NotFound("No refusal is recorded of this request.")
        apps = {app.appid: app.name or app.appid for app in self.services.settings.wechat.apps}
        row = row_of(refusal, apps=apps, tongue=self._tongue())
        self.reply(
            {
                "error": row.error,
                "title": row.title,
                "actor": row.actor,
                "detail": row.detail,
                "cure": row.cure,
                "to_do": row.to_do,
                "operation": row.operation,
                "wechat_errcode": row.wechat_errcode,
                "rid": row.rid,
                "request_id": row.request_id,
                "url": f"/admin/refusals/{row.refusal_id}",
            }
        )

    def _tongue(self) -> Tongue:
        language: Language = "en" if self.get_query_argument("lang", "zh") == "en" else "zh"
        zone = self.services.settings.dashboard.zone
        return Tongue(
            lambda text: str(translations(language).gettext(text)),
            language == "zh",
            lambda moment: exact_time(moment, zone, language),
        )
