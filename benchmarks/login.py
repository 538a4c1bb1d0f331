"""`python -m benchmarks.login`: returning users sign in: our server, a bare Tornado handler, and three references.

Each login has a fresh code and payload, and is answered after its session and its last-seen are durable (w: majority,
j: true). An answer that is not a token ends the run, and at the end MongoDB must hold one session for each answer.
The references are those of `benchmarks/reference`. The figures are in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product

from benchmarks import BenchmarkError
from benchmarks.returning import sessions_on_record
from benchmarks.sides import BARE, Side, compare, machine, table
from benchmarks.stage import REFERENCES, USERS, Stage, options_for, run_command


def run(options: argparse.Namespace) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        stage = Stage(stack)
        variants = list(product(options.users, options.processes))
        ours = [
            stage.ours(name=_name(users, processes), users=users, processes=processes)
            for users, processes in variants
        ]
        references = [stage.reference(name) for name in REFERENCES if options.references]
        sides = [*ours, stage.bare(), *references]
        where = machine()
        compare(sides, connections=options.connections, rounds=options.rounds, seconds=options.seconds)
        for side in sides:
            _check(side, stage.uri)
        print(
            f"Returning logins: {options.connections} connections, {options.rounds} rounds of "
            f"{options.seconds:g} s on each side\n{where}\n\n{table(sides, per='login')}"
        )
        print(f"\n{sum(each.answered for each in ours):,} logins of ours, each with a session on record.")


def _name(users: int, processes: int | None) -> str:
    parts = ["wxpassport"]
    parts += [f"{users:,} users"] if users != USERS else []
    parts += [f"{processes} processes"] if processes is not None else []
    return ", ".join(parts)


def _check(side: Side, uri: str) -> None:
    if side.name == BARE:
        return
    recorded = sessions_on_record(uri, side.database)
    if recorded != side.made:
        raise BenchmarkError(
            f"{side.name}: {side.made} logins were answered, but {recorded} sessions are on record"
        )


def main(arguments: Sequence[str]) -> int:
    """The command line; see `run_command`."""
    parser = options_for("login", "Returning logins beside a bare Tornado handler and three references.")
    parser.add_argument(
        "--users",
        type=int,
        nargs="+",
        default=[USERS],
        help=f"so many users; with several numbers, a server over each (default: {USERS})",
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="+",
        default=[None],
        help="server.processes of ours; with several numbers, a server with each",
    )
    parser.add_argument(
        "--no-references", dest="references", action="store_false", help="compare with bare alone"
    )
    return run_command(parser, arguments, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
