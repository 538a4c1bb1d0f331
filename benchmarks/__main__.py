"""`python -m benchmarks`: one benchmark after the other; the options go to those of requests."""

import sys
import time
from collections.abc import Sequence

from benchmarks import dashboard, first_visit, introspect, login, refresh, start

# Few users: whether a page or a filter is slow at all. A million is a run of its own.
_SHORT = ["--users", "5000", "--sessions", "10000", "--rounds", "1", "--seconds", "2"]


def main(arguments: Sequence[str]) -> int:
    """The first exit status that is not 0, or 0."""
    began = time.monotonic()
    for benchmark in (login, first_visit, refresh, introspect):
        if status := benchmark.main(arguments):
            return status
    quick = ["--quick"] if "--quick" in arguments else []
    status = start.main(quick) or dashboard.main(_SHORT)
    print(f"\nall in {time.monotonic() - began:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
