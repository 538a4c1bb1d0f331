"""wxpassport: the command line and the composition root.

python server.py [--config FILE]         serve
python server.py --demo                  serve with a WeChat stand-in and throw-away data; needs nothing
python server.py check                   report every fault of the configuration, then try MongoDB and WeChat
python server.py keys list|rotate|retire the keys that sign access tokens
python server.py audit verify|export     the log of what operators did
python server.py operator add|list|…     those who use the dashboard
python server.py kit --out DIR           the mini-program for this server, and what to enter in WeChat's console
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from commands.arguments import parse_arguments
from passport.config_sources import ConfigError, Key, load_settings
from passport.errors import CommandFailed
from passport.logs import configure_logging

log = logging.getLogger("wxpassport")

HERE = Path(__file__).resolve().parent
EXIT_FAILED, EXIT_MISCONFIGURED = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit status is 0, 1 when it failed, 2 when the configuration is wrong."""
    options = parse_arguments(arguments, config=HERE / "config.yaml")
    os.umask(0o077)
    configure_logging(sys.stderr)
    try:
        return run(options)
    except ConfigError as error:
        print(*error.faults, sep="\n", file=sys.stderr)
        return EXIT_MISCONFIGURED
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except asyncio.CancelledError:
        log.warning("ended at once, by a second signal")
        return EXIT_FAILED


def run(options: argparse.Namespace) -> int:
    """The same, with what goes wrong raised. Each program is imported when it is run: imports are most of a start."""
    overrides: dict[Key, object] = {} if options.port is None else {("server", "port"): options.port}
    if options.demo:
        from programs.demo import demo

        return asyncio.run(demo(options.config, overrides))
    settings = load_settings(options.config, os.environ, overrides)
    if options.command == "check":
        from programs.check import report

        return asyncio.run(report(settings))
    if options.command == "kit":
        from programs.kit import write_kit

        return write_kit(settings, options)
    if options.command in ("keys", "audit", "operator"):
        from programs import management

        return asyncio.run(management.COMMANDS[options.command](settings, options))
    from programs.serving import serve, supervise

    if settings.server.processes > 1:
        return supervise(settings, lambda: load_settings(options.config, os.environ, overrides))
    return asyncio.run(serve(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
