"""The plain data of the machinery: what is kept of codes, keys, WeChat's credentials and pushes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


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
