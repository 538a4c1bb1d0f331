"""The plain data that the domain and the store pass to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is to one mini-program: WeChat's openid is per appid."""

    appid: str
    openid: str


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
class User:
    """A person with an account. `profile` has only what is known: nickname, avatar_url, gender, …

    `avatar` is the id of the picture that they uploaded.
    """

    user_id: str
    identities: tuple[Identity, ...]
    created_at: datetime
    last_seen_at: datetime
    unionid: str | None = None
    profile: Mapping[str, str | int] = field(default_factory=dict)
    ban: Ban | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One successful sign-in; kept as the login history after it ended."""

    session_id: str
    user_id: str
    appid: str
    created_at: datetime
    expires_at: datetime
    ip: str
    user_agent: str


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
    """A signing key as it is kept: the private half sealed."""

    kid: str
    generation: int
    sealed_private_key: bytes = field(repr=False)
    created_at: datetime
