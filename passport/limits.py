"""How often one address, one user and everybody may call: limits that hold over all processes. Knows no HTTP.

Each limit counts in fixed windows, so that Retry-After is exact. A user's windows begin at a time of their own, lest
all who wait come back in the same moment; around such a beginning, up to twice the limit may pass within one period.
Hosts must agree on the time to well within a period.

What may be known before WeChat is asked is the address alone: a code tells its user afterwards, and the same code
never reaches WeChat twice (passport.codes). So sign-ins are limited by address before and by user after code2session.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal, get_args

from limits import parse

from passport.clock import Now
from passport.config import Limits
from passport.errors import Hint, SlowDown
from passport.permits import Window, unasked_share
from passport.sealing import Sealer
from passport.store.limits import LimitCounters

log = logging.getLogger("wxpassport")

Group = Literal[
    "token", "register", "refresh", "revoke", "introspect", "bearer", "upload", "export", "sign_in"
]
_Scope = Literal["per_ip", "per_user", "global"]
# Windows remembered of one limit. Beyond it the oldest is forgotten, which costs exactness and not memory.
_MOST_WINDOWS = 10_000
_EVERYBODY = ""
# Providers give a customer a /64 or more (RFC 6177), so a single address of it means nothing.
_IPV6_PREFIX = 64

_TOLD: dict[_Scope, tuple[str, Hint]] = {
    "per_ip": (
        "Too many requests from this address. Retry after the time in Retry-After.",
        Hint(
            zh="来自该网络地址的请求过于频繁，请按 Retry-After 等待后再试，不要自动循环重试。"
            "若许多用户共用一个出口地址，请管理员调高 limits 中的 per_ip；"
            "前面有反向代理时，请配置 server.trusted_proxies。",
            en="Wait for Retry-After before the next try, and do not retry in a loop. If many users share this "
            "address, the operator can raise the per_ip limits; behind a proxy, set server.trusted_proxies.",
        ),
    ),
    "per_user": (
        "Too many requests of this user. Retry after the time in Retry-After.",
        Hint(
            zh="该用户的请求过于频繁，请按 Retry-After 等待后再试；请复用 access_token 直到过期，"
            "不要在每次 onShow 时都调用 wx.login。",
            en="Wait for Retry-After before the next try; use the access_token until it expires, and do not call "
            "wx.login in every onShow.",
        ),
    ),
    "global": (
        "The server has more requests than it may take. Retry after the time in Retry-After.",
        Hint(
            zh="服务器当前请求过多，请按 Retry-After 等待，再用同样的参数重试一次。",
            en="Wait for Retry-After, then repeat the same request once.",
        ),
    ),
}


class Limiter:
    """The limits of every group of endpoints.

    Args:
        settings: how many of what.
        counters: shared by all processes.
        sealer: digests addresses and ids, so that the counters hold no personal data.
        now: the clock.
        processes: how many of them this host has.
    """

    def __init__(
        self, settings: Limits, *, counters: LimitCounters, sealer: Sealer, now: Now, processes: int = 1
    ) -> None:
        share = unasked_share(processes)
        self._limits: dict[tuple[Group, _Scope], _Limit] = {}
        for group in get_args(Group):
            for scope in get_args(_Scope):
                name = f"{group}_{scope}"
                if rate := getattr(settings, name, None):
                    made = _Limit(name, rate, share, counters=counters, sealer=sealer, now=now)
                    self._limits[group, scope] = made

    async def admit(self, group: Group, *, ip: str) -> None:
        """Count a request from this address, before anything is known of its user.

        Raises:
            SlowDown: the address, or everybody together, has made too many; Retry-After is the end of that window.
            StoreUnavailable: nobody can tell; whatever needs a limit needs MongoDB, too, so it fails closed.
        """
        permit = await self._take(group, "per_ip", network_of(ip))
        try:
            await self._take(group, "global", _EVERYBODY)
        except SlowDown:
            # What was not served does not count, or the wait that we tell would not be the whole wait.
            if permit is not None:
                permit.give_back()
            raise

    async def admit_user(self, group: Group, *user: str) -> None:
        """Count a request of this user: the id of an account, or an appid and an openid. Raises as `admit`."""
        await self._take(group, "per_user", *user)

    async def _take(self, group: Group, scope: _Scope, *subject: str) -> Window | None:
        limit = self._limits.get((group, scope))
        if limit is None:
            return None
        taken = await limit.take(*subject)
        if isinstance(taken, Window):
            return taken
        description, hint = _TOLD[scope]
        raise SlowDown(description, hint=hint, retry_after=taken.seconds)


def network_of(ip: str) -> str:
    """What stands for one customer: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip  # a unix socket has none
    if isinstance(address, IPv6Address):
        return str(ip_network((address.packed, _IPV6_PREFIX), strict=False))
    return ip


@dataclass(frozen=True, slots=True)
class _Wait:
    seconds: int


@dataclass(eq=False, slots=True)
class _Counted:
    """A window with the one question about it that may be on its way to MongoDB."""

    window: Window
    key: str
    question: asyncio.Task[None] | None = None
    waiting: int = 0
    told: bool = False


class _Limit:
    """One limit, such as token_per_ip, with the windows of all its addresses."""

    def __init__(
        self, name: str, rate: str, share: int, *, counters: LimitCounters, sealer: Sealer, now: Now
    ) -> None:
        item, self._share = parse(rate), share
        self._name, self._amount, self._seconds = name, item.amount, item.get_expiry()
        self._counters, self._sealer, self._now = counters, sealer, now
        # Not the library's MemoryStorage, which walks through all its keys in every request.
        self._open: OrderedDict[bytes, _Counted] = OrderedDict()

    async def take(self, *subject: str) -> Window | _Wait:
        """The window that a permit was taken from, or how long there is none."""
        counted = self._current(self._sealer.digest(self._name, *subject))
        window = counted.window
        while not window.admit():
            if window.spent:
                self._tell_once(counted)
                # Rounded up: who waits this long is in the next window.
                return _Wait(max(1, -((self._milliseconds() - window.ends_at) // 1000)))
            await self._ask(counted)
        return window

    async def _ask(self, counted: _Counted) -> None:
        """Get more permits; whoever finds none meanwhile waits for the same answer."""
        if counted.question is None:
            counted.question = asyncio.create_task(self._question(counted))
        counted.waiting += 1
        try:
            await asyncio.shield(counted.question)
        finally:
            counted.waiting -= 1

    async def _question(self, counted: _Counted) -> None:
        try:
            request = counted.window.request(counted.waiting)
            count = await self._counters.add(counted.key, sum(request), seconds=self._seconds)
            counted.window.receive(request, count)
        finally:
            counted.question = None

    def _tell_once(self, counted: _Counted) -> None:
        if not counted.told:
            counted.told = True
            log.warning("a limit is reached", extra={"limit": self._name})

    def _milliseconds(self) -> int:
        return round(self._now().timestamp() * 1000)

    def _current(self, digest: bytes) -> _Counted:
        period = self._seconds * 1000
        # Where the subject's windows begin; every process finds the same.
        phase = int.from_bytes(digest[:8]) % period
        now = self._milliseconds()
        number = (now + phase) // period
        known = self._open.get(digest)
        if known is not None and known.window.number == number:
            return known
        window = Window(self._amount, number, (number + 1) * period - phase, self._share)
        opened = self._open[digest] = _Counted(window, f"{digest.hex()}:{number}")
        self._open.move_to_end(digest)
        self._forget(now)
        return opened

    def _forget(self, now: int) -> None:
        """Drop the oldest windows that ended; two for each that opens keep up with any rush."""
        for _ in range(2):
            oldest = next(iter(self._open.values()))
            if oldest.window.ends_at > now and len(self._open) <= _MOST_WINDOWS:
                break
            self._open.popitem(last=False)
