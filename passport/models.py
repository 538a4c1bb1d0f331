"""The plain data that the domain and the store pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to one mini-program: WeChat's openid is per appid."""

    appid: str
    openid: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ban:
    """Why and until when an account is disabled; `until` None means until it is lifted.

    `shown` lets the user be told the reason and the end.
    """

    reason: str
    by: str
    at: datetime
    until: datetime | None = None
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """Which version of the privacy policy the user agreed to, and when."""

    version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that WeChat vouched for. `number` is ITU-T E.164 with a plus; `appid` is who asked.

    `code_digest` names the code it came by, so that the same request can be answered again; it is for nobody else.
    """

    number: str = field(repr=False)
    country_code: str
    pure_number: str = field(repr=False)
    appid: str
    bound_at: datetime
    code_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LastAct:
    """The last act of an operator on a user that can be undone, with how it was before and after.

    Kept with the user, so that it is erased with them. `before` and `after` are a ban, a note or tags, by `kind`.
    """

    kind: str
    by: str
    at: datetime
    before: Ban | str | tuple[str, ...] | None = field(repr=False)
    after: Ban | str | tuple[str, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account.

    `from_wechat` and `entered` have what is known: nickname, avatar_url, gender, …; what the user entered wins, and a
    None there is something the user removed. A session is over when its epoch is not the user's, unless it is the
    one that was spared (see `passport.sessions`). `avatar` is the id of the picture that they uploaded. `note` and
    `tags` are what operators write for each other. What tells who they are is not in the repr, which ends up in a
    traceback sooner or later.
    """

    user_id: str
    identities: tuple[Identity, ...]
    created_at: datetime
    last_seen_at: datetime
    unionid: str | None = field(default=None, repr=False)
    from_wechat: Mapping[str, str | int] = field(default_factory=dict, repr=False)
    entered: Mapping[str, str | int | None] = field(default_factory=dict, repr=False)
    ban: Ban | None = None
    consent: Consent | None = None
    phone: Phone | None = None
    avatar: str | None = None
    sign_ins: int = 0
    session_epoch: int = 0
    spared_session: str | None = None
    note: str = field(default="", repr=False)
    tags: tuple[str, ...] = ()
    last_act: LastAct | None = field(default=None, repr=False)

    @property
    def profile(self) -> dict[str, str | int]:
        """What is known of the person, the user's own words before WeChat's."""
        merged = {**self.from_wechat, **self.entered}
        return {name: value for name, value in merged.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Refresh:
    """The current refresh token of a session, as far as it is kept: see `passport.rotation`.

    `uses` counts how often the former token was presented, the rotation included.
    """

    generation: int
    digest: bytes = field(repr=False)
    rotated_at: datetime
    uses: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One successful sign-in; kept until `forgotten_at` as the login history, long after it ended.

    `ends_at` is when it ends whatever happens; `ended_at` and `ended_by` are set when it was ended before.
    """

    session_id: str
    user_id: str
    appid: str
    created_at: datetime
    ends_at: datetime
    forgotten_at: datetime
    ip: str
    user_agent: str
    epoch: int
    refresh: Refresh
    last_used_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Avatar:
    """A picture that a user uploaded, as it is shown."""

    avatar_id: str
    user_id: str
    content: bytes = field(repr=False)
    media_type: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request came from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """What is remembered of one code: see `passport.codes`."""

    status: str
    busy_until: datetime | None = None
    sealed_session: bytes | None = None
    kept_until: datetime | None = None
    sealed_answer: bytes | None = None
    answered_at: datetime | None = None
    request: bytes | None = None
    error: str | None = None
    wechat_errcode: int | None = None
    retry_at: datetime | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A signing key as it is kept: the private half sealed. What its times mean is `passport.key_life`.

    Args:
        generation: 1 for the first key, one more for each successor.
        signs_from: when it begins to sign; it is published before.
        token_ttl: the longest life of a token that it signs.
        retired_at: withdrawn; it signs no more.
        revoked_at: ended at once, with every token that it signed.
    """

    kid: str
    generation: int
    sealed_private_key: bytes = field(repr=False)
    created_at: datetime
    signs_from: datetime
    token_ttl: timedelta
    retired_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredAccessToken:
    """What all processes know of an app's wechat_access_token: see `passport.wechat.access_tokens`.

    `digest` names the token without telling it, and `refused` one that WeChat did not accept.
    """

    sealed_token: bytes | None = field(default=None, repr=False)
    digest: bytes | None = None
    expires_at: datetime | None = None
    refused: bytes | None = None
    forced_at: datetime | None = None
    failed_until: datetime | None = None
    error: str | None = None
    wechat_errcode: int | None = None


@dataclass(frozen=True, slots=True)
class PushReceipt:
    """That a push of WeChat's was handled, and how; see `passport.push_events`."""

    digest: bytes
    appid: str
    event: str
    kinds: tuple[int, ...]
    account_id: str | None
    at: datetime
    outcome: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A sign-in of `account_id` came with the unionid of `other_id`, or with one that no account has.

    In the second case `unionid` is kept, since an operator may decide that it is the account's new one.
    """

    conflict_id: str
    account_ids: tuple[str, ...]
    first_seen_at: datetime
    last_seen_at: datetime
    sign_ins: int
    unionid: str | None = field(default=None, repr=False)
    settled_at: datetime | None = None
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class ClosedAccount:
    """That there was an account, and nothing about the person."""

    user_id: str
    registered_at: datetime
    closed_at: datetime
    closed_by: str


Role = Literal["viewer", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who works in the dashboard. A disabled one may do nothing."""

    operator_id: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OperatorSession:
    """An operator signed in to the dashboard. `digest` is of the token in their cookie.

    `confirmed_at` is when they last proved who they are.
    """

    digest: bytes = field(repr=False)
    operator_id: str
    created_at: datetime
    confirmed_at: datetime
    last_used_at: datetime
    ends_at: datetime
    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Act:
    """What an operator did: to whom or what, and how it was before and after, without personal data."""

    kind: str
    actor_id: str
    actor_name: str
    target_kind: str
    target_id: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    ip: str
    request_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Which acts are meant; None is any. `since` is within the range and `until` is not."""

    actor_id: str | None = None
    kind: str | None = None
    target_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActKey:
    """An act's place in the order by time: `seq` decides between acts of the same millisecond."""

    at: datetime
    seq: int
