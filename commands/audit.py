"""`audit verify` and `audit export`: check what operators did against what was written of it, and take it elsewhere.

Works beside running servers.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
from typing import BinaryIO

from passport.audit import Audit, Head, Verdict
from passport.audit.anchor import BadAnchor
from passport.audit.rows import COLUMNS, row
from passport.clock import Now, utc_now
from passport.errors import CommandFailed
from passport.exports import make_format
from passport.models import Act, ActFilter


class LogBroken(CommandFailed):
    """The log is not what was written; the text names the first bad entry and what is wrong with it."""


async def verify(options: argparse.Namespace, audit: Audit) -> str:
    """Check the whole log; what to print when it is sound.

    Raises:
        LogBroken: it is not, or the file with the anchored head is none.
        StoreUnavailable: MongoDB does not answer; the command can be repeated.
    """
    try:
        anchor: Head | None = options.head or await asyncio.to_thread(audit.anchored)
    except BadAnchor as error:
        raise LogBroken(f"{error}; give a head from the servers' log with --head SEQ:MAC") from error
    verdict = await audit.verify(anchor=anchor)
    if not verdict.sound:
        raise LogBroken(
            f"the audit log is not sound: {verdict.text}\n"
            f"{verdict.checked} entries before it are sound, up to the head {verdict.head}"
        )
    return _sound(verdict)


def _sound(verdict: Verdict) -> str:
    said = f"{verdict.checked} entries, all sound; the head is {verdict.head}"
    if verdict.anchor is None:
        return f"{said}\nNo head was anchored here, so a cut end would not show: give one with --head SEQ:MAC"
    return f"{said}\nIt holds the anchored head {verdict.anchor}"


async def export(options: argparse.Namespace, audit: Audit, output: BinaryIO) -> None:
    """Write all acts, newest first.

    Raises:
        StoreUnavailable: MongoDB does not answer, and what was written is a part.
    """
    form = make_format(options.format, COLUMNS)
    output.write(form.head())
    async for batch in audit.batches(ActFilter()):
        output.write(form.rows([row(each) for each in batch]))
    output.flush()


def act_of_command(kind: str, target: tuple[str, str], *, now: Now = utc_now) -> Act:
    """What somebody with a shell on this host does, as an act: their name there is all that is known of them."""
    return Act(
        kind=kind,
        actor_id="command-line",
        actor_name=_user(),
        target_kind=target[0],
        target_id=target[1],
        before={},
        after={},
        ip="",
        request_id="",
        at=now(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that nobody has
        return "command line"
