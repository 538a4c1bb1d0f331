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
from pathlib import Path

from benchmarks import BenchmarkError
from benchmarks.returning import sessions_on_record
from benchmarks.sides import Side
from benchmarks.stage import REFERENCES, USERS, Stage, compare, options_for, run_command


def run(options: argparse.Namespace) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        stage = Stage(stack, keep=options.keep)
        variants = list(product(options.users, options.processes))
        ours = [stage.ours(users=users, processes=processes) for users, processes in variants]
        if options.each:
            for side, (_, processes) in zip(ours, variants, strict=True):
                side.share = processes or 1
        references = [stage.reference(name) for name in REFERENCES if options.references]
        sides = [*ours, stage.bare(), *references]
        compare(sides, options)
        for side in [*ours, *references]:
            require_sessions(side, stage.uri)
        stage.show("Returning logins", sides, options)


def require_sessions(side: Side, uri: str) -> None:
    """One for each login that was answered. Raises BenchmarkError."""
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
        "--keep", type=Path, help="a private folder that keeps the users for another run; 2 GB a million"
    )
    parser.add_argument(
        "--no-references", dest="references", action="store_false", help="compare with bare alone"
    )
    parser.add_argument(
        "--each", action="store_true", help="so many connections for each worker process of ours"
    )
    return run_command(parser, arguments, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
