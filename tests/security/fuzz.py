"""Fuzz a live server by its own OpenAPI document: `python -m tests.security.fuzz --cases 10000` (R-040).

schemathesis sends what the document allows and what it does not, in both content types, and checks every answer:
no 5xx, no status, header or body that is not documented, nothing malformed accepted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ALL_PHASES = "examples,coverage,fuzzing,stateful"
ROOT = Path(__file__).resolve().parents[2]
RESOURCE_SERVER = "shop:kept-between-the-shop-and-us_1f7a93b0c5d2"
_STARTED = re.compile(r"wxpassport demo: (\S+)\s+\(WeChat stand-in: (\S+)/sandbox/\)")
_GENERATED = re.compile(r"([\d,]+) (?:test cases )?generated")


@dataclass(frozen=True)
class Fuzzed:
    """What a run did and what it said."""

    status: int
    cases: int
    report: str


@contextmanager
def demo_server() -> Iterator[tuple[str, str]]:
    """`server.py --demo` on any free port: its address, and the stand-in's. No limits, and a resource server."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WXPASSPORT_")}
    server_id, _, secret = RESOURCE_SERVER.partition(":")
    settings = {
        "WXPASSPORT_LIMITS": "off",
        "WXPASSPORT_RESOURCE_SERVERS": json.dumps([{"id": server_id, "secret": secret}]),
    }
    command = [sys.executable, str(ROOT / "server.py"), "--demo", "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=inherited | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    try:
        started = next((match for line in process.stdout if (match := _STARTED.match(line))), None)
        assert started, "the demo server did not start"
        yield started[1], started[2]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def fuzz(server: str, stand_in: str, *, examples: int, phases: str, seed: int) -> Fuzzed:
    """Run schemathesis against the server; `examples` is per operation, media type and mode."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(ROOT / "tests/security/fuzz.toml"),
    ]
    command += ["run", f"{server}/openapi.json", "--phases", phases, "--max-examples", str(examples)]
    command += ["--seed", str(seed), "--no-color"]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.security.fuzz_hooks",
        "FUZZ_SERVER": server,
        "FUZZ_STAND_IN": stand_in,
        "FUZZ_RESOURCE_SERVER": RESOURCE_SERVER,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    # In a folder of its own, because it keeps what it found beside where it runs.
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    generated = _GENERATED.search(ran.stdout)
    return Fuzzed(ran.returncode, int(generated[1].replace(",", "")) if generated else 0, ran.stdout)


def main() -> int:
    """Run until there were enough cases; the exit status is 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--examples", type=int, default=500)
    options = parser.parse_args()
    cases = seed = 0
    with demo_server() as (server, stand_in):
        while cases < options.cases:
            seed += 1
            ran = fuzz(server, stand_in, examples=options.examples, phases=ALL_PHASES, seed=seed)
            cases += ran.cases
            sys.stdout.write(ran.report + f"\n{cases} cases so far\n")
            if ran.status or not ran.cases:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
