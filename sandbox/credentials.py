"""WeChat's server credential, the access_token of `/cgi-bin/stable_token`. Pure state, the clock is passed in.

Source: WeChat, auth.getStableAccessToken. The same token for repeated calls, 7200 seconds, renewed when less than
five minutes are left while the former lives on to its end. `force_refresh` voids the former; twice within thirty
seconds it does nothing ("否则不会刷新"), and the twenty-first time in a day it is refused.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.errcodes import Refused
from sandbox.recent import Recent

TTL = 7200.0
RENEWED_BEFORE = 300.0
FORCED_APART = 30.0
FORCED_A_DAY = 20
MAX_TOKENS = 10_000
# A prefix by which a test finds it wherever it must not be; WeChat's have some 130 to 512 characters and no form.
PREFIX = "wxat-"


@dataclass(slots=True)
class Token:
    """One access_token, of one app."""

    appid: str
    value: str
    expires_at: float
    void: bool = False


@dataclass(slots=True)
class _Forced:
    at: float = float("-inf")
    today: list[float] = field(default_factory=list)


class AccessTokens:
    """The tokens of all apps."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._current: dict[str, Token] = {}
        self._known: Recent[str, Token] = Recent(MAX_TOKENS)
        self._forced: dict[str, _Forced] = {}

    def give(self, appid: str, *, force_refresh: bool) -> Token:
        """The current token, made anew where WeChat would. Raises Refused (45009) over the day's quota."""
        current = self._current.get(appid)
        if current is None or self._now() >= current.expires_at - RENEWED_BEFORE:
            return self._mint(appid)
        if force_refresh and self._may_force(appid):
            current.void = True
            return self._mint(appid)
        return current

    def check(self, value: str) -> str:
        """The appid whose token this is. Raises Refused: 40014 unknown, 40001 voided, 42001 expired."""
        token = self._known.get(value)
        if token is None:
            raise Refused(40014 if value else 41001)
        if token.void:
            raise Refused(40001)
        if self._now() >= token.expires_at:
            raise Refused(42001)
        return token.appid

    def void(self, appid: str, *, stuck: bool = False) -> None:
        """Another server forced a refresh: what was given before is void, and there is a new one.

        `stuck` leaves the void one as the one that is given, until somebody forces a refresh.
        """
        for token in self._known.values():
            token.void = token.void or token.appid == appid
        if not stuck:
            self._mint(appid)

    def _may_force(self, appid: str) -> bool:
        forced, now = self._forced.setdefault(appid, _Forced()), self._now()
        if now - forced.at < FORCED_APART:
            return False
        forced.today = [at for at in forced.today if now - at < 86_400]
        if len(forced.today) >= FORCED_A_DAY:
            raise Refused(45009)
        forced.at = now
        forced.today.append(now)
        return True

    def _mint(self, appid: str) -> Token:
        token = Token(appid, PREFIX + secrets.token_urlsafe(96), self._now() + TTL)
        self._current[appid] = self._known[token.value] = token
        return token
