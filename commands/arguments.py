"""The grammar of `python server.py …`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from passport.audit import Head
from passport.exports import FORMATS


def parse_arguments(arguments: Sequence[str], *, config: Path) -> argparse.Namespace:
    """The command line. Exits with status 2 and the usage when it is wrong.

    Args:
        arguments: without the program's name.
        config: the configuration when none is given.
    """
    parser = argparse.ArgumentParser(
        prog="server.py", description="Login and registration for WeChat mini-programs."
    )
    _add_options(parser, config=config, demo=False, port=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_command(commands, "serve", "serve (what is done without a command)")
    _add_command(commands, "check", "report every fault of the configuration, then try MongoDB and WeChat")
    _add_keys(commands)
    _add_audit(commands)
    _add_operators(commands)
    _add_kit(commands)
    options = parser.parse_args(arguments)
    options.command = options.command or "serve"
    if options.demo and options.command in ("keys", "operator", "audit"):
        parser.error("what a demo keeps is gone with it: leave out --demo")
    if options.demo and options.command == "kit":
        parser.error("the kit of a demo is on its dashboard, at /admin/kit: leave out --demo")
    return options


def _add_keys(commands: Any) -> None:
    keys = _add_command(commands, "keys", "list, rotate or retire the keys that sign access tokens")
    actions = keys.add_subparsers(dest="action", required=True, metavar="list|rotate|retire")
    _add_command(actions, "list", "every key, its state and its times")
    _add_command(actions, "rotate", "publish a successor now; it signs from tomorrow on")
    retire = _add_command(actions, "retire", "withdraw a successor; with --now end any key at once")
    retire.add_argument("kid", metavar="KID", help="the key, as `keys list` shows it")
    retire.add_argument(
        "--now",
        action="store_true",
        help="it is in wrong hands: refuse its tokens everywhere within a minute, and sign with a successor",
    )


def _add_audit(commands: Any) -> None:
    audit = _add_command(commands, "audit", "verify or export the log of what operators did")
    actions = audit.add_subparsers(dest="action", required=True, metavar="verify|export")
    verify = _add_command(
        actions, "verify", "name the first entry that is not what was written; status 1 then"
    )
    verify.add_argument(
        "--head",
        type=_head,
        metavar="SEQ:MAC",
        help="a head that the log must hold (default: the one in audit-head, in mongodb.data_dir)",
    )
    export = _add_command(actions, "export", "write every act to the standard output, newest first")
    export.add_argument("--format", choices=FORMATS, default="jsonl", help="(default: %(default)s)")


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_operators(commands: Any) -> None:
    operator = _add_command(commands, "operator", "add, list, disable or help those who use the dashboard")
    actions = operator.add_subparsers(
        dest="action", required=True, metavar="add|list|disable|enable|reset-password|reset-second-factor"
    )
    _add_command(actions, "list", "everybody, with role and state")
    for action, text in (
        ("add", "let somebody use the dashboard; prints a link by which they set their password"),
        ("disable", "end their sessions and let them in no more"),
        ("enable", "let them in again"),
        ("reset-password", "end their sessions, and print a link by which they set another password"),
        ("reset-second-factor", "for who lost phone and recovery codes: the password alone is enough"),
    ):
        added = _add_command(actions, action, text)
        added.add_argument("name", metavar="NAME", help="by which they sign in")
        if action == "add":
            added.add_argument("--role", choices=("viewer", "operator", "admin"), required=True)
        if action in ("add", "reset-password"):
            added.add_argument(
                "--password-stdin", action="store_true", help="read the password from standard input instead"
            )


def _add_kit(commands: Any) -> None:
    kit = _add_command(
        commands,
        "kit",
        "write the mini-program, filled in for this server, and what to enter in WeChat's console",
    )
    kit.add_argument("--appid", metavar="APPID", help="which mini-program (default: the only one configured)")
    kit.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a folder to make, or an empty one"
    )


def _add_command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    # The options are understood before and after the command. A default here would undo what was given before.
    _add_options(parser, config=argparse.SUPPRESS, demo=argparse.SUPPRESS, port=argparse.SUPPRESS)
    return parser


def _add_options(parser: argparse.ArgumentParser, *, config: Any, demo: Any, port: Any) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        default=config,
        metavar="FILE",
        help="the configuration (default: config.yaml beside server.py)",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        default=demo,
        help="use a WeChat stand-in and throw-away data; needs nothing",
    )
    parser.add_argument(
        "--port", type=int, default=port, help="listen here instead of server.port; 0 takes any free port"
    )
