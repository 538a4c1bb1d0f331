"""The settings: their names, types, defaults and rules. Where they are read from is `passport.config_sources`."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from limits import parse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, SecretStr

from passport.store.uri import is_usable_uri

MINIMUM_SECRET_BYTES = 32
MOST_PROCESSES = 64
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=3650)
_LONGEST_WINDOW = 86400
_EXAMPLE_WORDS = (
    "change-me",
    "changeme",
    "change_me",
    "example",
    "your-secret",
    "your_secret",
    "placeholder",
    "…",
)


def parse_duration(value: Any) -> Any:
    """`250ms`, `5s`, `10m`, `1h`, `30d` → timedelta. Raises ValueError that shows the form."""
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)(ms|s|m|h|d)", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and a unit, such as 250ms, 5s, 10m, 1h or 30d")
    seconds = float(match[1]) * _UNITS[match[2]]
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"must be at most {_LONGEST.days}d")
    return timedelta(seconds=seconds)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be more than 0")
    return value


def _at_least(floor: timedelta, text: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value < floor:
            raise ValueError(f"must be at least {text}")
        return value

    return AfterValidator(check)


def _at_most(ceiling: timedelta, text: str) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if value > ceiling:
            raise ValueError(f"must be at most {text}")
        return value

    return AfterValidator(check)


def _switchable(value: Any) -> Any:
    # YAML 1.1 reads a bare `off` as false.
    return None if value is False or value == "off" else value


def _no_trailing_slash(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as https://login.example.com, without a query")
    return value.rstrip("/")


def looks_like_an_example(secret: str) -> bool:
    """True for a placeholder or a keyboard roll, which an attacker tries first."""
    lowered = secret.lower()
    return len(set(lowered)) < 8 or any(word in lowered for word in _EXAMPLE_WORDS)


def _strong_secret(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if len(secret.encode()) < MINIMUM_SECRET_BYTES:
        raise ValueError(
            f"must be at least {MINIMUM_SECRET_BYTES} bytes; make one with: openssl rand -hex 32"
        )
    if looks_like_an_example(secret):
        raise ValueError("is an example or too regular to be secret; make one with: openssl rand -hex 32")
    return value


def _real_app_secret(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if not re.fullmatch(r"[0-9a-zA-Z]{16,128}", secret):
        raise ValueError(
            "must be the AppSecret from mp.weixin.qq.com (开发管理 → 开发设置), usually 32 hex digits"
        )
    if looks_like_an_example(secret):
        raise ValueError("is an example; use the AppSecret from mp.weixin.qq.com (开发管理 → 开发设置)")
    return value


def _network(value: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(
            "must be a network such as 10.0.0.0/8 or 192.0.2.7/32, with no bit set after the mask"
        ) from None


def _mongodb_uri(value: SecretStr) -> SecretStr:
    uri = value.get_secret_value()
    if uri == "embedded":
        return value
    if not uri.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must be `embedded`, or start with mongodb:// or mongodb+srv://")
    if not is_usable_uri(uri):
        raise ValueError(
            "is not a MongoDB connection string that can be used: percent-encode @ : / % in the user and the password, "
            "and check the hosts, the ports and the options"
        )
    return value


def _rate(value: str | None) -> str | None:
    if value is not None:
        try:
            item = parse(value)
        except ValueError:
            item = None
        if item is None or item.amount < 1 or not 1 <= item.get_expiry() <= _LONGEST_WINDOW:
            raise ValueError("must be a number and a period, such as 5/second, 120/minute or 10/hour, or off")
    return value


def _processes(value: Any) -> Any:
    if value == "auto":
        return min(cores(), MOST_PROCESSES)
    number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,3}", value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_PROCESSES:
        raise ValueError(f"must be a number from 1 to {MOST_PROCESSES}, or auto: one for each core")
    return number


def cores() -> int:
    """How many cores this program may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_positive)]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network)]
HTTPAddress = Annotated[str, AfterValidator(_no_trailing_slash)]
Rate = Annotated[str | None, BeforeValidator(_switchable), AfterValidator(_rate)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Server(_Section):
    """Where the server listens, in how many processes, and how it stops."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    processes: Annotated[int, PlainValidator(_processes)] = 1
    public_url: HTTPAddress | None = None
    trusted_proxies: tuple[Network, ...] = ()
    shutdown_grace: Duration = timedelta(seconds=10)


class MongoDB(_Section):
    """Which MongoDB keeps the data: our own embedded one, or any by its URI."""

    uri: Annotated[SecretStr, AfterValidator(_mongodb_uri)] = SecretStr("embedded")
    database: str = Field(default="wxpassport", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    data_dir: Path = Path("data")
    binary: Path | None = None
    cache_mb: int = Field(default=256, ge=256, le=1_048_576)
    timeout: Annotated[Duration, _at_least(timedelta(milliseconds=100), "100ms")] = timedelta(seconds=3)

    @property
    def embedded(self) -> bool:
        """Whether this server runs its own mongod."""
        return self.uri.get_secret_value() == "embedded"


def _push_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9A-Za-z]{3,32}", value.get_secret_value()):
        raise ValueError("must be the Token of the console's 消息推送: 3 to 32 letters and digits")
    return value


def _encoding_aes_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if not re.fullmatch(r"[0-9A-Za-z+/]{43}", key):
        raise ValueError("must be the EncodingAESKey of the console's 消息推送: 43 letters and digits")
    if looks_like_an_example(key):
        raise ValueError("is an example; let the console make a random EncodingAESKey (消息推送)")
    return value


class Push(_Section):
    """What the console's 消息推送 has for the app. With a key, plain pushes are refused unless `accept_plain`."""

    token: Annotated[SecretStr, AfterValidator(_push_token)]
    encoding_aes_key: Annotated[SecretStr, AfterValidator(_encoding_aes_key)] | None = None
    accept_plain: bool = False


class App(_Section):
    """One mini-program."""

    appid: str = Field(pattern=r"^wx[0-9a-f]{16}$")
    secret: Annotated[SecretStr, AfterValidator(_real_app_secret)]
    name: str | None = Field(default=None, max_length=64)
    login: Literal["code+userinfo", "code"] = "code+userinfo"
    push: Push | None = None


def _distinct(apps: tuple[App, ...]) -> tuple[App, ...]:
    if not apps:
        raise ValueError(
            "is empty; add your mini-program as {appid, secret}, "
            "or run `python server.py --demo`, which needs none"
        )
    for attribute in ("appid", "secret"):
        if len({getattr(app, attribute) for app in apps}) < len(apps):
            raise ValueError(f"names the same {attribute} twice; each mini-program has its own")
    return apps


class WeChat(_Section):
    """How WeChat is reached, and the mini-programs this server signs users in for."""

    base_url: HTTPAddress = "https://api.weixin.qq.com"
    timeout: Duration = timedelta(seconds=5)
    connect_timeout: Duration = timedelta(seconds=2)
    max_in_flight: int = Field(default=100, ge=1, le=10_000)
    ca_file: Path | None = None
    freshness: Annotated[Duration | None, BeforeValidator(_switchable)] = timedelta(minutes=5)
    apps: Annotated[tuple[App, ...], AfterValidator(_distinct)] = Field(default=(), validate_default=True)


class Tokens(_Section):
    """What our tokens say and how long they live."""

    issuer: HTTPAddress | None = None
    access_ttl: Annotated[Duration, _at_least(timedelta(seconds=1), "1s")] = timedelta(hours=1)
    refresh_ttl: Annotated[Duration, _at_least(timedelta(seconds=1), "1s")] = timedelta(days=30)
    refresh_grace: Annotated[Duration, _at_most(timedelta(minutes=5), "5m")] = timedelta(seconds=10)
    session_ttl: Annotated[Duration, _at_least(timedelta(minutes=1), "1m")] = timedelta(days=90)
    key_rotation: Annotated[
        Annotated[Duration, _at_least(timedelta(days=1), "1d")] | None, BeforeValidator(_switchable)
    ] = timedelta(days=90)


def _unreserved(value: SecretStr) -> SecretStr:
    # Others would be escaped within HTTP Basic by some clients (RFC 6749 section 2.3.1) and not by others.
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", value.get_secret_value()):
        raise ValueError("may hold letters, digits and . _ ~ - only; make one with: openssl rand -hex 32")
    return value


class ResourceServer(_Section):
    """Another service of the team, which may introspect tokens; those of `apps` alone unless that is empty."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    secret: Annotated[SecretStr, AfterValidator(_strong_secret), AfterValidator(_unreserved)]
    apps: tuple[str, ...] = ()


def _distinct_servers(servers: tuple[ResourceServer, ...]) -> tuple[ResourceServer, ...]:
    for attribute in ("id", "secret"):
        if len({getattr(server, attribute) for server in servers}) < len(servers):
            raise ValueError(f"names the same {attribute} twice; each resource server has its own")
    return servers


class Privacy(_Section):
    """The privacy policy that users agree to when they register."""

    policy_version: str | None = Field(default=None, min_length=1, max_length=64)
    policy_url: HTTPAddress | None = None


class Limits(_Section):
    """How many requests are served; each setting is `<group>_<scope>`. Whose they are: passport.limits."""

    token_per_ip: Rate = "600/minute"  # noqa: S105  a rate and no password
    token_per_user: Rate = "80/minute"  # noqa: S105  a rate and no password
    token_global: Rate = "200/second"  # noqa: S105  a rate and no password
    register_per_ip: Rate = "300/minute"
    register_global: Rate = "100/second"
    refresh_per_user: Rate = "30/minute"
    revoke_per_ip: Rate = "600/minute"
    introspect_per_ip: Rate = "6000/minute"
    bearer_per_ip: Rate = "3000/minute"
    bearer_per_user: Rate = "120/minute"
    bearer_global: Rate = "500/second"
    upload_per_ip: Rate = "60/minute"
    upload_per_user: Rate = "10/minute"
    upload_global: Rate = "10/second"
    export_per_user: Rate = "5/hour"
    sign_in_per_ip: Rate = "20/5minute"


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError):
        raise ValueError("must be a time zone such as Asia/Shanghai, Europe/Berlin or UTC") from None
    return value


class Dashboard(_Section):
    """What operators see, and how."""

    refusals_kept: Annotated[Duration, _at_least(timedelta(hours=1), "1h")] = timedelta(days=30)
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "Asia/Shanghai"

    @property
    def zone(self) -> ZoneInfo:
        """The zone by which days begin."""
        return ZoneInfo(self.time_zone)


def _all_off(value: Any) -> Any:
    return dict.fromkeys(Limits.model_fields) if _switchable(value) is None else value


class Settings(_Section):
    """The whole configuration."""

    server: Server = Server()
    mongodb: MongoDB = MongoDB()
    wechat: WeChat = Field(default_factory=WeChat)
    tokens: Tokens = Tokens()
    resource_servers: Annotated[tuple[ResourceServer, ...], AfterValidator(_distinct_servers)] = ()
    privacy: Privacy = Privacy()
    dashboard: Dashboard = Dashboard()
    limits: Annotated[Limits, BeforeValidator(_all_off)] = Limits()
    secret_key: Annotated[SecretStr, AfterValidator(_strong_secret)] | None = None

    @property
    def issuer(self) -> str:
        """The `iss` of our tokens: tokens.issuer, else server.public_url, else where we listen."""
        return self.tokens.issuer or self.server.public_url or self.listening_url

    @property
    def listening_url(self) -> str:
        """Where this process listens, as a URL."""
        host = f"[{self.server.host}]" if ":" in self.server.host else self.server.host
        return f"http://{host}:{self.server.port}"
