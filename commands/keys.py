"""`keys list`, `keys rotate` and `keys retire`: what the operator does with the signing keys, and what is said of it.

Works beside running servers, which take every change over by themselves within their reload interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime

from commands.audit import act_of_command
from commands.tables import table as in_columns
from passport.audit import Audit
from passport.clock import Now, rfc3339, utc_now
from passport.key_life import KeyLife, state_of
from passport.keys import RELOAD_EVERY
from passport.signing_keys import SigningKeys

_HEADINGS = ("KID", "STATE", "CREATED", "SIGNS FROM", "UNTIL")


async def run(options: argparse.Namespace, keys: SigningKeys, audit: Audit, *, now: Now = utc_now) -> str:
    """Carry the action out, which is an act in the audit log unless it only looks; what to print.

    Raises:
        KeyRefusal: it cannot be done with this key; the text names the cure.
        StartupError: the keys do not open with this secret_key.
        StoreUnavailable: MongoDB does not answer; the command can be repeated.
    """
    if options.action == "list":
        return table(await keys.lives(), now())
    # Under another secret_key the act would look like a forged one.
    await keys.check_secret()
    if options.action == "rotate":
        async with audit.acting(act_of_command("key.rotate", ("key", ""), now=now)):
            return await rotate(keys)
    kind = "key.revoke" if options.now else "key.retire"
    async with audit.acting(act_of_command(kind, ("key", options.kid), now=now)):
        return await (revoke if options.now else retire)(keys, options.kid)


async def rotate(keys: SigningKeys) -> str:
    """Publish a successor, or name the one that waits."""
    life, made = await keys.rotate()
    what = "published" if made else "published already, and nothing was changed"
    return f"{life.key.kid}: {what}; it signs from {rfc3339(life.key.signs_from)}"


async def retire(keys: SigningKeys, kid: str) -> str:
    """Withdraw a key that waits, or say when the key ends by itself."""
    life = await keys.retire(kid)
    end = life.published_until
    return (
        f"{kid}: retired {rfc3339(end)}"
        if life.key.revoked_at is not None and end is not None
        else f"{kid}: verifies the tokens it signed until {_time(end)}; to end it at once: keys retire {kid} --now"
    )


async def revoke(keys: SigningKeys, kid: str) -> str:
    """End a key at once."""
    heir = await keys.revoke(kid)
    return (
        f"{kid}: retired; running servers refuse its tokens within {RELOAD_EVERY:.0f} s\n"
        f"{heir.key.kid}: signs\n"
        "Services that verify tokens alone may keep the old JWKS for its 5 minutes: restart those that must not"
    )


def table(lives: Sequence[KeyLife], now: datetime) -> str:
    """The keys, oldest first, in columns."""
    if not lives:
        return "no keys yet: a server makes the first one when it starts"
    return in_columns(_HEADINGS, [_row(life, lives, now) for life in lives])


def _row(life: KeyLife, lives: Sequence[KeyLife], now: datetime) -> tuple[str, ...]:
    key = life.key
    return (
        key.kid,
        state_of(life, lives, now).value,
        rfc3339(key.created_at),
        rfc3339(key.signs_from),
        _time(life.published_until),
    )


def _time(at: datetime | None) -> str:
    return "-" if at is None else rfc3339(at)
