"""What of an act is written down. An entry can never be changed or erased, so it must hold nothing that has to be.

Personal data must be erasable: a user may ask for it, withdraw consent or close the account (PIPL article 47), and an
operator's log is no reason to keep it. A chain that allowed its entries to be erased would prove nothing. So what is
personal never gets in: whoever records an act names its fields, and here is decided what becomes of each. Those on the
list are kept as they are; every other, nicknames, openids, phone numbers, notes and whatever nobody thought of, as a
keyed digest. A digest still shows whether a value changed and whether two acts were about the same one, and without
secret_key nobody can find the value by trying. Account ids stay: once the account is erased they lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum

from passport.audit.canonical import MOST, NAME
from passport.clock import rfc3339
from passport.models import Act
from passport.sealing import Sealer

# Fields that say what was done, and nothing of who somebody is. Add one here only if that holds for all it may be.
_KEPT_BY_SUBJECT = {
    "user": "status reason until shown banned ends sessions sessions_ended session session_id tag tags revealed other",
    "operator": "role disabled totp second_factor recovery_codes password_changed signed_in confirmed operator",
    "job": "job job_id action matched total done changed failed skipped undone why filter",
    "key": "kid state successor signs_from published_until",
    "export": "format rows columns filter revealed",
    "any": "appid app apps other field fields count limit outcome error since kind language theme",
    "audit": "sound entries entry fault",
}
KEPT = frozenset(name for names in _KEPT_BY_SUBJECT.values() for name in names.split())
LONGEST = 500
MOST_MEMBERS, MOST_ITEMS = 60, 100
HIDDEN = "#"
# What people paste into a reason: phone numbers (E.164 has up to 15 digits), openids and unionids (28 characters).
_TELLING = re.compile(r"(?<![0-9A-Za-z_-])(?:\+?[0-9]{10,15}|o[A-Za-z0-9_-]{27})(?![0-9A-Za-z_-])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

Plain = str | int | bool | None | list["Plain"]


class Fields:
    """Makes acts fit to be kept for ever.

    Args:
        sealer: makes the digests; not the one of the chain.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def fit(self, act: Act) -> Act:
        """The act with no personal data in `before` and `after`, of bounded size and in canonical types.

        Nested fields are named with a dot: `ban.reason`. Never raises, whatever a caller hands in, because then the act
        itself could not be done.
        """
        return replace(
            act,
            kind=_bounded(act.kind),
            actor_id=_bounded(act.actor_id),
            actor_name=_bounded(act.actor_name),
            target_kind=_bounded(act.target_kind),
            target_id=_bounded(act.target_id),
            ip=_bounded(act.ip),
            request_id=_bounded(act.request_id),
            before=self._told(act.before),
            after=self._told(act.after),
        )

    def _told(self, values: Mapping[str, object]) -> dict[str, object]:
        flat = list(_flattened(values))[:MOST_MEMBERS]
        return {name: self._value(name, value) for name, value in flat}

    def _value(self, name: str, value: object) -> Plain:
        if isinstance(value, list | tuple | set | frozenset):
            ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [self._value(name, each) for each in list(ordered)[:MOST_ITEMS]]
        plain = _scalar(value)
        if plain is None or isinstance(plain, bool):
            return plain
        if name.rpartition(".")[2] not in KEPT:
            return HIDDEN + self._sealer.digest(name, str(plain).encode("utf-8", "surrogatepass"))[:8].hex()
        return _TELLING.sub(_masked, _bounded(plain)) if isinstance(plain, str) else plain


def is_hidden(value: object) -> bool:
    """Whether it is the digest of a value that was not kept."""
    return isinstance(value, str) and re.fullmatch(r"#[0-9a-f]{16}", value) is not None


def _flattened(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        full = prefix + (name if NAME.fullmatch(name) else "unnamed")
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{full[:40]}.")
        else:
            yield full[:80], value


def _scalar(value: object) -> str | int | bool | None:
    match value:
        case Enum():
            return _scalar(value.value)
        case None | bool() | str():
            return value
        case int() if -MOST <= value <= MOST:
            return value
        case datetime():
            return rfc3339(value)
        case _:
            return str(value)


def _bounded(text: str) -> str:
    clean = _CONTROLS.sub("\ufffd", text)
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _masked(match: re.Match[str]) -> str:
    found = match[0]
    return f"{found[:4]}…{found[-2:]}"
