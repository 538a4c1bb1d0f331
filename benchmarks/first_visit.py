"""`python -m benchmarks.first_visit`: new users: token → 401 → register → token, with one code, per visit.

Beside it a bare Tornado handler gets the same three requests. At the end MongoDB must hold one user and one session for
each visit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count, cycle, islice

from benchmarks import BenchmarkError
from benchmarks.load import Expected, Visit, post
from benchmarks.login import require_sessions
from benchmarks.returning import users_on_record
from benchmarks.stage import OK, TOKEN, USERS, Stage, compare, login_body, options_for, run_command

UNREGISTERED = Expected(401, b'"error":"unregistered"')
CREATED = Expected(201, b'"account_id":"')
_strangers = count(10**6)


def visit(body: bytes, *, expected: Sequence[Expected] = (UNREGISTERED, CREATED, TOKEN)) -> Visit:
    """What the client of somebody new does."""
    for path, answer in zip(("/oauth/token", "/accounts/wxapp", "/oauth/token"), expected, strict=True):
        yield post(path, body), answer


def run(options: argparse.Namespace) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        stage = Stage(stack)
        ours = [stage.ours(processes=processes) for processes in options.processes]
        for side in ours:
            side.visits = lambda number: list(map(visit, map(login_body, islice(_strangers, number))))
        bare = stage.bare()
        bodies = [login_body(user) for user in range(USERS)]
        bare.visits = lambda _number: (visit(body, expected=(OK, OK, OK)) for body in cycle(bodies))
        compare([*ours, bare], options)
        for side in ours:
            require_sessions(side, stage.uri)
            registered = users_on_record(stage.uri, side.database) - USERS
            if registered != side.made:
                raise BenchmarkError(f"{side.made} new users were answered, but {registered} are on record")
        stage.show("First visits, three requests each", [*ours, bare], options)


def main(arguments: Sequence[str]) -> int:
    """The command line; see `run_command`."""
    return run_command(
        options_for("first_visit", "First visits beside a bare Tornado handler."), arguments, run
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
