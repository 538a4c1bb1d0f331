"""Sign in and register with what wx.login and wx.getUserInfo gave. Knows no HTTP.

The person is who code2session says; the decrypted payload is profile data beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from passport.attempts import learnt
from passport.clock import Now
from passport.codes import CodeLedger
from passport.config import App, Privacy
from passport.errors import (
    CodeUsed,
    ConsentRequired,
    Hint,
    InvalidCode,
    InvalidRequest,
    SignatureMismatch,
)
from passport.limits import Limiter
from passport.models import Device, User
from passport.profiles import profile_from_payload
from passport.sign_ins import Arrival, SignIns
from passport.statistics import Statistics
from passport.users import Profile, Users, ensure_active
from passport.wechat.client import WeChatSession
from passport.wechat.crypto import check_payload, decrypt, signature_matches

# What wx.login returns in the developer tools with a guest appid (WeChat community, wepy#325).
_MOCK_CODE = "the code is a mock one"
_MOCK_CODE_HINT = Hint(
    zh="这是开发者工具在游客模式下给出的模拟 code：请在开发者工具中登录，"
    "并把项目的 appid 改成服务器配置的 appid。",
    en="This is the mock code of WeChat DevTools in guest mode: sign in to DevTools and set the project's appid to "
    "the one configured on the server.",
)


@dataclass(frozen=True)
class Credentials:
    """What a mini-program sends to sign in or register.

    `encrypted_data` and `iv` are decoded; `signed` is (rawData, signature) when both were sent, the text exact.
    """

    code: str
    encrypted_data: bytes | None = None
    iv: bytes | None = None
    signed: tuple[str, str] | None = None
    appid: str | None = None


@dataclass(frozen=True)
class Registration:
    """The account, and whether this call made it."""

    account_id: str
    created_at: datetime
    created: bool


class LoginFlow:
    """The two calls of the contract.

    Args:
        apps: the configured mini-programs.
        codes: redeems codes.
        users: the accounts.
        sign_ins: carries out those that may be.
        limits: how often one WeChat user may sign in or register.
        freshness: how old a payload may be; None for any age.
        privacy: the policy that a registration needs consent to.
        statistics: counts answers that were repeated.
        now: the clock.
    """

    def __init__(
        self,
        *,
        apps: Sequence[App],
        codes: CodeLedger,
        users: Users,
        sign_ins: SignIns,
        limits: Limiter,
        freshness: timedelta | None,
        privacy: Privacy,
        statistics: Statistics,
        now: Now,
    ) -> None:
        self._apps = {app.appid: app for app in apps}
        self._codes, self._users, self._sign_ins, self._limits = codes, users, sign_ins, limits
        self._freshness, self._privacy, self._now = freshness, privacy, now
        self._statistics = statistics

    async def sign_in(self, credentials: Credentials, device: Device) -> dict[str, Any]:
        """The token answer of RFC 6749 section 5.1 with `account_id`.

        Raises:
            Unregistered: they have no account; the code stays good for registering and signing in.
            AccountDisabled: they are banned.
            PassportError: as `CodeLedger.redeem` and the checks of the payload say.
        """
        app = self._choose(credentials)
        async with self._codes.redeem(app, credentials.code, *_payload(credentials)) as redemption:
            if redemption.answer is not None:
                await self._existing(redemption.answer["account_id"])
                self._statistics.count("repeats", app.appid)
                return redemption.answer
            learnt(openid=redemption.session.openid)
            await self._limits.admit_user("token", app.appid, redemption.session.openid)
            profile = self._check(app, redemption.session, credentials)
            return await self._sign_ins.sign_in(Arrival(redemption, app.appid, profile, device))

    async def register(self, credentials: Credentials, *, consent_version: str | None = None) -> Registration:
        """Their account, made if there was none. The code stays good for signing in.

        Args:
            credentials: what the mini-program sent.
            consent_version: the version of the privacy policy that the user agreed to.

        Raises:
            ConsentRequired: they have no account, and that is not the policy in force.
            AccountDisabled: they are banned.
            PassportError: as `CodeLedger.redeem` and the checks of the payload say.
        """
        app = self._choose(credentials)
        async with self._codes.redeem(app, credentials.code, *_payload(credentials)) as redemption:
            if redemption.answer is not None:
                # This code has just signed its user in, so the account is there.
                user = await self._existing(redemption.answer["account_id"])
                return Registration(user.user_id, user.created_at, created=False)
            learnt(openid=redemption.session.openid)
            await self._limits.admit_user("token", app.appid, redemption.session.openid)
            profile = self._check(app, redemption.session, credentials)
            user, created = await self._find_or_register(app, redemption.session, profile, consent_version)
            learnt(account_id=user.user_id)
            ensure_active(user, self._now())
            return Registration(user.user_id, user.created_at, created)

    async def _find_or_register(
        self, app: App, session: WeChatSession, profile: Profile, consent_version: str | None
    ) -> tuple[User, bool]:
        policy = self._privacy
        if consent_version == policy.policy_version or policy.policy_version is None:
            return await self._users.register(app.appid, session, profile, policy.policy_version)
        user = await self._users.find_by_session(app.appid, session)
        if user is None:
            details = {"policy_version": policy.policy_version, "policy_url": policy.policy_url}
            raise ConsentRequired(details={name: text for name, text in details.items() if text})
        return user, False

    async def _existing(self, user_id: str) -> User:
        """Who this code has just signed in, if they may still be: a ban may have come in between."""
        user = await self._users.find(user_id)
        if user is None:
            raise CodeUsed
        learnt(account_id=user.user_id)
        ensure_active(user, self._now())
        return user

    def _choose(self, credentials: Credentials) -> App:
        """The app the credentials are for; raises InvalidRequest when that is unclear or something is missing."""
        if credentials.appid is None and len(self._apps) > 1:
            raise InvalidRequest("appid is required: this server signs in users of several mini-programs.")
        # An empty appid is a wrong one: with several apps it must not come to mean the first.
        appid = next(iter(self._apps)) if credentials.appid is None else credentials.appid
        app = self._apps.get(appid)
        if app is None:
            raise InvalidRequest("appid is not one of the mini-programs configured on this server.")
        learnt(appid=app.appid)
        if credentials.code == _MOCK_CODE:
            raise InvalidCode(hint=_MOCK_CODE_HINT)
        missing = [
            name
            for name, value in (("encryptedData", credentials.encrypted_data), ("iv", credentials.iv))
            if value is None
        ]
        # With login: code both are optional, but one without the other is a mistake in the client.
        if missing and (app.login != "code" or len(missing) == 1):
            raise InvalidRequest(f"Missing: {', '.join(missing)}.")
        return app

    def _check(self, app: App, session: WeChatSession, credentials: Credentials) -> Profile:
        """The profile in the payload, after every check of it."""
        if credentials.signed is not None and not signature_matches(
            *credentials.signed, session_key=session.session_key
        ):
            raise SignatureMismatch
        if credentials.encrypted_data is None or credentials.iv is None:
            return {}
        payload = decrypt(credentials.encrypted_data, credentials.iv, session_key=session.session_key)
        check_payload(
            payload, appid=app.appid, openid=session.openid, now=self._now(), freshness=self._freshness
        )
        return profile_from_payload(payload)


def _payload(credentials: Credentials) -> tuple[bytes, ...]:
    """All that was sent beside the code: an answer is repeated to the very same request alone."""
    raw_data, signature = credentials.signed or ("", "")
    return credentials.encrypted_data or b"", credentials.iv or b"", raw_data.encode(), signature.encode()
