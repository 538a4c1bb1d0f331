"""What shall go wrong with the next calls. Says nothing about how: that is `sandbox.wire`."""

import ipaddress
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

Mode = Literal[
    "ok",
    "errcode",
    "string_errcode",
    "slow",
    "drip",
    "hang",
    "reset",
    "disconnect",
    "empty",
    "http_500",
    "http_502",
    "http_503",
    "html",
    "truncated",
    "cut",
    "array",
    "no_openid",
    "bad_utf8",
    "huge",
    "gzip_bomb",
    "redirect",
]
MODES: tuple[str, ...] = get_args(Mode)


class Fault(BaseModel):
    """One fault and its details; a detail that the mode has no use for is ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode
    # The calls of WeChat's that it is meant for, such as /cgi-bin/stable_token; None is all of them.
    path: str | None = None
    # The person whose code is sent; None is anybody.
    user: str | None = None
    # The next so many calls; None is until further notice.
    times: int | None = Field(default=None, ge=1)
    # WeChat took the code before it went wrong, so a second attempt gets 40163. Always so for slow and drip,
    # which end in the right answer.
    burns: bool = False
    errcode: int = 40029
    errmsg: str | None = None
    # Seconds before the answer (slow) or between two bytes (drip).
    delay: float = Field(default=1.0, ge=0, le=3600)
    # Bytes of the body as the client sees them (huge, gzip_bomb).
    size: int = Field(default=100 * 2**20, ge=1, le=2**30)
    # Where a redirect leads; by default to /sandbox/redirected, which counts who follows.
    location: str | None = None

    @field_validator("location")
    @classmethod
    def _on_loopback(cls, location: str | None) -> str | None:
        if location is not None and not is_loopback_url(location):
            raise ValueError("must be an http or https URL with a loopback IP address, such as 127.0.0.1")
        return location

    @property
    def takes_the_code(self) -> bool:
        return self.burns or self.mode in ("slow", "drip")


@dataclass(slots=True)
class _Coming:
    fault: Fault
    left: int | None


class Faults:
    """The faults to come, in order. `set` starts anew, `then` adds a further one after it."""

    def __init__(self) -> None:
        self._coming: list[_Coming] = []

    def set(self, mode: Mode, **details: Any) -> None:
        """Such as `set("reset", times=3, burns=True)`; pydantic's ValidationError is a ValueError."""
        fault = Fault(mode=mode, **details)
        self.clear()
        self.add(fault)

    def then(self, mode: Mode, **details: Any) -> None:
        self.add(Fault(mode=mode, **details))

    def add(self, fault: Fault) -> None:
        self._coming.append(_Coming(fault, fault.times))

    def clear(self) -> None:
        self._coming.clear()

    def spare(self, user: str) -> None:
        """Let all go well for this person; what is to go wrong for others stays."""
        self._coming = [each for each in self._coming if each.fault.user != user]

    def take(self, path: str | None = None, user: str | None = None) -> Fault | None:
        """The fault for the call of this path, with this person's code, that has just arrived; None: it goes well."""
        meant = (
            each
            for each in self._coming
            if each.fault.path in (None, path) and each.fault.user in (None, user)
        )
        coming = next(meant, None)
        if coming is None:
            return None
        if coming.left is not None:
            coming.left -= 1
            if coming.left == 0:
                self._coming.remove(coming)
        return None if coming.fault.mode == "ok" else coming.fault

    def describe(self) -> list[dict[str, Any]]:
        """What is still to come, with the calls that are left in `times`."""
        return [coming.fault.model_dump() | {"times": coming.left} for coming in self._coming]


def is_loopback_url(url: str) -> bool:
    """By address, not by name: a name can come to mean another host."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and is_loopback(parts.hostname or "")
    except ValueError:
        return False


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
