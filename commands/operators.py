"""`operator add|list|disable|enable|reset-password|reset-second-factor`, and the link that makes the first operator.

Works beside running servers, which ask the database who may sign in, so every change holds at the next request.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TextIO

from commands.tables import table
from passport.admin_services import Staff
from passport.clock import rfc3339
from passport.config import Settings
from passport.errors import CommandFailed
from passport.models import Act, Member, Operator
from passport.operators.links import VALID_FOR
from passport.operators.password_rules import LONGEST, SHORTEST
from passport.operators.team import NotTaken

_HEADINGS = ("NAME", "ROLE", "STATE", "SECOND FACTOR", "LAST SIGN-IN")
_LONGEST_LINE = 1_000
_NOT_TAKEN = {
    "name": "a name has 1 to 40 letters or digits; spaces and . _ - ' @ may stand between them",
    "name_taken": "there is an operator of this name already; these are all: operator list",
    "too_short": f"a password has at least {SHORTEST} characters; four unrelated words are easy to remember",
    "too_long": f"a password has at most {LONGEST} characters",
    "unprintable": "the password holds characters that cannot be seen",
    "easily_guessed": "this password is among the first that would be guessed; use unrelated words",
}


class OperatorRefusal(CommandFailed):
    """What was asked cannot be done; the text says why and names the cure."""


@dataclass(frozen=True)
class OperatorCommand:
    """One `operator` command.

    Args:
        staff: who works in the dashboard, and their log.
        settings: where the links lead.
        typed: where a password is read from.
    """

    staff: Staff
    settings: Settings
    typed: TextIO

    async def run(self, options: argparse.Namespace) -> str:
        """Carry the action out; what to print.

        Raises:
            OperatorRefusal: it cannot be done.
            StoreUnavailable: MongoDB does not answer; the command can be repeated.
        """
        if options.action == "list":
            return listing(await self.staff.operators.team.list())
        try:
            return await (self._add(options) if options.action == "add" else self._change(options))
        except NotTaken as refusal:
            raise OperatorRefusal(_NOT_TAKEN[refusal.problem]) from refusal

    async def _add(self, options: argparse.Namespace) -> str:
        team = self.staff.operators.team
        name, password = team.check_name(options.name), self._password(options)
        if password is not None:
            team.check_password(password, name)
        operator_id = team.new_id()
        with_role: dict[str, object] = {"operator": name, "role": options.role}
        async with self._acting("operator.added", operator_id, with_role):
            operator = await team.add(name, options.role, password, operator_id=operator_id)
        added = f"{operator.name}: added as {operator.role}"
        return added if password is not None else f"{added}\n{await self._link(operator)}"

    async def _change(self, options: argparse.Namespace) -> str:
        member = await self.staff.operators.team.find_by_name(options.name)
        if member is None:
            raise OperatorRefusal(f"there is no operator {options.name}; these are all: operator list")
        match options.action:
            case "disable":
                return await self._disable(member.operator)
            case "enable":
                return await self._enable(member.operator)
            case "reset-second-factor":
                return await self._reset_second_factor(member.operator)
        return await self._reset_password(member.operator, self._password(options))

    async def _disable(self, operator: Operator) -> str:
        async with self._acting("operator.disabled", operator.operator_id, {"disabled": True}):
            await self.staff.operators.team.disable(operator.operator_id, by=None)
        return f"{operator.name}: disabled, and signed out everywhere"

    async def _enable(self, operator: Operator) -> str:
        async with self._acting("operator.enabled", operator.operator_id, {"disabled": False}):
            await self.staff.operators.team.enable(operator.operator_id)
        return f"{operator.name}: can sign in again"

    async def _reset_second_factor(self, operator: Operator) -> str:
        async with self._acting(
            "operator.second_factor_reset", operator.operator_id, {"second_factor": False}
        ):
            await self.staff.operators.team.remove_second_factor(operator.operator_id)
        return f"{operator.name}: signs in by the password alone"

    async def _reset_password(self, operator: Operator, password: str | None) -> str:
        team = self.staff.operators.team
        if password is not None:
            team.check_password(password, operator.name)
        async with self._acting("operator.password_reset", operator.operator_id, {}):
            if password is not None:
                await team.set_password(operator, password)
                return f"{operator.name}: has the new password, and is signed out everywhere"
            await team.forget_password(operator.operator_id)
            return f"{operator.name}: the password is worthless now\n{await self._link(operator)}"

    def _password(self, options: argparse.Namespace) -> str | None:
        """The first line of what is typed or piped; None when it was not asked for."""
        return self.typed.readline(_LONGEST_LINE).rstrip("\r\n") if options.password_stdin else None

    async def _link(self, operator: Operator) -> str:
        token = await self.staff.operators.team.link_for(operator)
        return (
            f"To set a password, open this link once, within {_minutes()} minutes, over TLS or on the server itself:\n"
            f"  {address_of(self.settings)}/admin/set-up/{token}"
        )

    def _acting(
        self, kind: str, operator_id: str, after: dict[str, object]
    ) -> AbstractAsyncContextManager[None]:
        act = Act(
            kind=kind,
            actor_id="",
            actor_name="server.py",
            target_kind="operator",
            target_id=operator_id,
            before={},
            after=after,
            ip="",
            request_id="",
            at=self.staff.now(),
        )
        return self.staff.audit.acting(act)


def listing(members: Sequence[Member]) -> str:
    """The operators by name, in columns."""
    if not members:
        return "no operators yet: start the server and open the link that it prints, or use operator add"
    return table(_HEADINGS, [_row(member) for member in members])


def _row(member: Member) -> tuple[str, ...]:
    operator, last = member.operator, member.last_signed_in_at
    state = (
        "disabled" if operator.disabled_at else "active" if member.password_hash else "has no password yet"
    )
    factor = "on" if member.second_factor else "off"
    return operator.name, operator.role, state, factor, rfc3339(last) if last else "-"


async def first_link(staff: Staff, settings: Settings) -> str | None:
    """The address that makes the first admin; None when there is an operator."""
    token = await staff.operators.team.link_for_first()
    return None if token is None else f"{address_of(settings)}/admin/set-up/{token}"


def first_link_block(link: str) -> str:
    """What the server prints when nobody can sign in to the dashboard yet."""
    return f"""
Nobody can sign in to the dashboard yet. This link makes the first admin. It works once, within {_minutes()} minutes,
over TLS or on the server itself.
还没有人可以登录后台。请用以下链接创建首位管理员（{_minutes()} 分钟内有效，只能使用一次）：

  {link}
"""


def address_of(settings: Settings) -> str:
    """Where a one-time link opens: the public address if it is TLS, else this machine."""
    public = settings.server.public_url
    if public is not None and public.startswith("https:"):
        return public
    anywhere = settings.server.host in ("0.0.0.0", "::", "")  # noqa: S104  compared, not listened on
    return f"http://127.0.0.1:{settings.server.port}" if anywhere else settings.listening_url


def _minutes() -> int:
    return round(VALID_FOR.total_seconds() / 60)
