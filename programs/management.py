"""The commands that manage a deployment, over its database: `keys`, `audit` and `operator`."""

from __future__ import annotations

import argparse
import sys
from contextlib import aclosing

from commands import audit as audit_command
from commands import keys as keys_command
from commands.operators import OperatorCommand
from passport.admin_services import make_audit, make_staff
from passport.config import Settings
from passport.config_sources import secret_key_of
from passport.signing_keys import make_signing_keys
from programs.database import prepared_database


async def manage_keys(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out a `keys` command and print what came of it.

    Raises:
        KeyRefusal: it cannot be done.
        StartupError: MongoDB does not answer, or secret_key is another than the servers'.
    """
    secret_key = secret_key_of(settings)
    async with prepared_database(settings) as store:
        signing_keys = make_signing_keys(settings, store=store, secret_key=secret_key)
        async with aclosing(make_audit(settings, store=store, secret_key=secret_key)) as audit:
            print(await keys_command.run(options, signing_keys, audit))
    return 0


async def manage_audit(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out an `audit` command.

    Raises:
        LogBroken: the log is not what was written.
        StartupError: MongoDB does not answer.
    """
    secret_key = secret_key_of(settings)
    async with prepared_database(settings) as store:
        audit = make_audit(settings, store=store, secret_key=secret_key)
        if options.action == "verify":
            print(await audit_command.verify(options, audit))
        else:
            await audit_command.export(options, audit, sys.stdout.buffer)
    return 0


async def manage_operators(settings: Settings, options: argparse.Namespace) -> int:
    """Carry out an `operator` command and print what came of it.

    Raises:
        OperatorRefusal: it cannot be done.
        StartupError: MongoDB does not answer.
    """
    secret_key = secret_key_of(settings)
    async with (
        prepared_database(settings) as store,
        aclosing(make_staff(settings, store=store, secret_key=secret_key)) as staff,
    ):
        print(await OperatorCommand(staff, settings, sys.stdin).run(options))
    return 0


COMMANDS = {"keys": manage_keys, "audit": manage_audit, "operator": manage_operators}
