"""What the page of keys and settings shows. No secret is in it: of each only whether there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from limits import parse

from passport.config import App, Limits, Settings
from passport.key_life import KeyLife, KeyState, state_of, successor


@dataclass(frozen=True)
class KeyRow:
    """A signing key and its life."""

    kid: str
    short: str
    state: str
    created_at: datetime
    signs_from: datetime
    until: datetime | None
    may_withdraw: bool
    may_end: bool


@dataclass(frozen=True)
class AppRow:
    """A mini-program. Its AppSecret is configured, or it would not be here."""

    appid: str
    name: str
    login: str
    pushes: str


@dataclass(frozen=True)
class SettingRow:
    """A setting by its name in config.yaml; None when it is not set. A time is told in words."""

    name: str
    value: str | timedelta | None


@dataclass(frozen=True)
class LimitRow:
    """A limit by its name in config.yaml: so many within this time; None when it is off."""

    name: str
    amount: int | None
    within: timedelta


@dataclass(frozen=True)
class KeysView:
    """The page.

    Args:
        keys: newest first.
        may_publish: no successor waits.
        access_ttl: how long a token lives.
        rotation: how long a key signs before its successor is published by itself; None: never.
        fresh: whether whoever looks has just proved who they are.
        problem: what could not be done, in the page's language.
    """

    keys: tuple[KeyRow, ...]
    may_publish: bool
    access_ttl: timedelta
    rotation: timedelta | None
    fresh: bool
    apps: tuple[AppRow, ...]
    settings: tuple[SettingRow, ...]
    limits: tuple[LimitRow, ...]
    problem: str | None = None


def key_rows(lives: Sequence[KeyLife], now: datetime) -> tuple[KeyRow, ...]:
    """Every key ever made, newest first."""
    return tuple(_key_row(life, state_of(life, lives, now)) for life in reversed(lives))


def may_publish(lives: Sequence[KeyLife], now: datetime) -> bool:
    """Whether there is no successor yet that waits."""
    return successor(lives, now) is None


def app_rows(settings: Settings) -> tuple[AppRow, ...]:
    """The mini-programs."""
    return tuple(AppRow(app.appid, app.name or "", app.login, _pushes(app)) for app in settings.wechat.apps)


def setting_rows(settings: Settings) -> tuple[SettingRow, ...]:
    """The settings that an operator may have to know, but for those of the mini-programs and the limits."""
    tokens, servers = settings.tokens, settings.resource_servers
    values: dict[str, str | timedelta | None] = {
        "server.public_url": settings.server.public_url,
        "server.trusted_proxies": ", ".join(str(each) for each in settings.server.trusted_proxies) or None,
        "mongodb.uri": "embedded" if settings.mongodb.embedded else "mongodb://…",
        "tokens.issuer": settings.issuer,
        "tokens.access_ttl": tokens.access_ttl,
        "tokens.refresh_ttl": tokens.refresh_ttl,
        "tokens.refresh_grace": tokens.refresh_grace,
        "tokens.session_ttl": tokens.session_ttl,
        "tokens.key_rotation": tokens.key_rotation or "off",
        "wechat.base_url": settings.wechat.base_url,
        "wechat.freshness": settings.wechat.freshness or "off",
        "resource_servers": ", ".join(each.id for each in servers) or None,
        "privacy.policy_version": settings.privacy.policy_version,
        "privacy.policy_url": settings.privacy.policy_url,
        "dashboard.time_zone": settings.dashboard.time_zone,
    }
    return tuple(SettingRow(name, value) for name, value in values.items())


def limit_rows(limits: Limits) -> tuple[LimitRow, ...]:
    """Every limit."""
    return tuple(_limit_row(name, getattr(limits, name)) for name in Limits.model_fields)


def _limit_row(name: str, rate: str | None) -> LimitRow:
    if rate is None:
        return LimitRow(f"limits.{name}", None, timedelta(0))
    item = parse(rate)
    return LimitRow(f"limits.{name}", item.amount, timedelta(seconds=item.get_expiry()))


def _key_row(life: KeyLife, state: KeyState) -> KeyRow:
    return KeyRow(
        kid=life.key.kid,
        short=life.key.kid[:10],
        state=state.value,
        created_at=life.key.created_at,
        signs_from=life.key.signs_from,
        until=life.published_until,
        may_withdraw=state is KeyState.PUBLISHED,
        may_end=state is not KeyState.RETIRED,
    )


def _pushes(app: App) -> str:
    if app.push is None:
        return "none"
    return "encrypted" if app.push.encoding_aes_key else "plain"
