"""`python -m benchmarks.introspect`: a service asks whether access tokens count (RFC 7662).

They are those of a thousand sessions, in turn. It says who it is by HTTP Basic and sends a form, as its library
would; a bare Tornado handler gets the same requests.
"""

from __future__ import annotations

import argparse
import sys
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack
from urllib.parse import urlencode

from benchmarks.load import Expected, post
from benchmarks.stage import SERVICE, Stage, compare, options_for, repeated, run_command, sign_in

ACTIVE = Expected(200, b'"active":true')


def request(token: str) -> bytes:
    """What a resource server asks (RFC 7662 section 2.1)."""
    basic = b64encode(":".join(SERVICE).encode()).decode()
    return post(
        "/oauth/introspect",
        urlencode({"token": token}).encode(),
        form="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}"},
    )


def run(options: argparse.Namespace) -> None:
    """Start everything, measure, print."""
    with ExitStack() as stack:
        stage = Stage(stack)
        ours = [stage.ours(processes=processes) for processes in options.processes]
        for side in ours:
            requests = [request(answer["access_token"]) for answer in sign_in(side)]
            side.visits = repeated(ACTIVE, requests)
        sides = [*ours, stage.bare(requests)]
        compare(sides, options)
        stage.show("Introspections", sides, options)


def main(arguments: Sequence[str]) -> int:
    """The command line; see `run_command`."""
    parser = options_for("introspect", "Introspections beside a bare Tornado handler.")
    return run_command(parser, arguments, run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
