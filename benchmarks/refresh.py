"""`python -m benchmarks.refresh`: sessions go on by grant_type=refresh_token.

A thousand users sign in and then take turns, each with the token of their last answer. A bare Tornado handler gets a
request of the same size.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import repeat

from benchmarks.load import Visit, post
from benchmarks.stage import TOKEN, Stage, compare, options_for, run_command, sign_in


def request(token: str) -> bytes:
    """What goes on with a session (RFC 6749 section 6)."""
    return post("/oauth/token", json.dumps({"grant_type": "refresh_token", "refresh_token": token}).encode())


def in_turns(tokens: deque[str]) -> Callable[[int], Iterator[Visit]]:
    """Makes refreshes, each with the token that was not used for longest."""

    def visit() -> Visit:
        answer = yield request(tokens.popleft()), TOKEN
        tokens.append(json.loads(answer)["refresh_token"])

    return lambda number: (visit() for _ in repeat(None, number))


def run(options: argparse.Namespace) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        stage = Stage(stack)
        ours = [stage.ours(processes=processes) for processes in options.processes]
        for side in ours:
            tokens = deque(answer["refresh_token"] for answer in sign_in(side))
            side.visits = in_turns(tokens)
        sides = [*ours, stage.bare([request(tokens[0])])]
        compare(sides, options)
        stage.show("Refreshes", sides, options)


def main(arguments: Sequence[str]) -> int:
    """The command line; see `run_command`."""
    return run_command(options_for("refresh", "Refreshes beside a bare Tornado handler."), arguments, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
