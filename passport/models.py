"""The plain data that the domain and the store pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    one that was spared (see `passport.sessions`).
    `active_in` is when they were last noted to be active, by mini-program: at each sign-in, and when refreshing at
    least once a day (see `passport.statistics`). `avatar` is the id of the picture that they uploaded. `note` and
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
    active_in: Mapping[str, datetime] = field(default_factory=dict)
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
class Refusal:
    """One attempt that was refused, as it is recorded: see `passport.refusals`.

    `request_id` is what the client was told. `openid` is a keyed digest, never WeChat's word. `hint` is what the client
    was told to do, in Chinese and in English, where it is not what the error always says. `kind` and `cause` are names
    of classes, `reason` and `errmsg` are for us alone. `weight` is how many attempts it stands for.
    """

    refusal_id: str
    at: datetime
    error: str
    status: int
    kind: str
    operation: str
    request_id: str
    ip: str
    user_agent: str
    expires_at: datetime
    appid: str | None = None
    account_id: str | None = None
    openid: bytes | None = field(default=None, repr=False)
    wechat_errcode: int | None = None
    rid: str | None = None
    errmsg: str | None = None
    description: str = ""
    hint: tuple[str, str] | None = None
    reason: str | None = None
    cause: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class WeChatTrouble:
    """A call to WeChat that failed for a reason that is not the mini-program's.

    Args:
        call: which one, such as code2session.
        appid: for which mini-program.
        errcode: WeChat's; None when it did not answer as it should.
        rid: by which WeChat finds the call.
        cause: the kind of failure where there is no errcode.
        at: when.
    """

    call: str
    appid: str
    errcode: int | None
    rid: str | None
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WeChatReport:
    """How WeChat did lately, as one process saw it.

    Args:
        at: when it was told.
        latency: in seconds, the recent calls weighing most; None before any was answered.
        answered_at: when WeChat last answered.
        held_back: the calls that are not made at present, because WeChat did not answer them.
        trouble: the last one.
    """

    at: datetime
    latency: float | None
    answered_at: datetime | None
    held_back: tuple[str, ...]
    trouble: WeChatTrouble | None


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
    """Somebody who works in the dashboard. A disabled one may do nothing; a session of another epoch is over."""

    operator_id: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None
    epoch: int = 0


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
    epoch: int = 0


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


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A TOTP seed (RFC 6238), sealed, and the digests of the recovery codes that were not used yet."""

    sealed_seed: bytes = field(repr=False)
    since: datetime
    recovery: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Member:
    """An operator with what they sign in by; `password_hash` is None until they used their one-time link."""

    operator: Operator
    password_hash: str | None = field(default=None, repr=False)
    second_factor: SecondFactor | None = None
    last_signed_in_at: datetime | None = None


LinkPurpose = Literal["first_operator", "password"]


@dataclass(frozen=True, slots=True)
class OperatorLink:
    """A one-time link: for the first operator, who is not there yet, or for this one to set a password."""

    purpose: LinkPurpose
    operator_id: str | None
    expires_at: datetime
