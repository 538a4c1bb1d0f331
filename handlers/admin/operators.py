"""`/admin/operators`: who works here; for admins. What they do to somebody ends that somebody's sessions at once."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from handlers.admin.entering import EnteringPage, of
from handlers.admin.problems import field_of
from passport.errors.dashboard import NotToOneself, PageNotFound, RoleNeeded
from passport.models import Member, Operator, Role
from passport.operators.team import NotTaken, Team
from passport.public_address import public_address
from passport.views.operators import ROLES, AddView, LinkView, OperatorView, device_rows, operator_row


class TeamPage(EnteringPage):
    """What the pages about operators share."""

    @property
    def team(self) -> Team:
        """The operators."""
        return self.services.admin.operators.team

    def show_link(self, operator: Operator, token: str) -> None:
        """Hand out the one-time link, in this one answer; it is kept nowhere."""
        address = public_address(self.services.settings) or f"{self.request.protocol}://{self.request.host}"
        link = f"{address}/admin/set-up/{token}"
        self.show("admin/operator_link.html", LinkView(operator.name, operator.operator_id, link))


class OperatorsPage(TeamPage):
    """All of them."""

    async def get(self) -> None:
        """200."""
        members = await self.team.list()
        rows = tuple(operator_row(each, oneself=self.operator.operator_id) for each in members)
        self.show("admin/operators.html", rows)


class AddOperatorPage(TeamPage):
    """`/admin/operators/add`: name and role; the password is theirs to set, by a one-time link."""

    async def get(self) -> None:
        """200, or 303 to prove first who they are, so that nothing typed is lost."""
        if not self.is_fresh:
            self.send_to_prove("/admin/operators/add")
        else:
            self.show("admin/operator_add.html", AddView())

    async def submit(self) -> None:
        """200 with the link; 422 with the form."""
        name, role = self.form.text("name"), cast("Role", self.form.choice("role", ROLES, "viewer"))
        try:
            operator = await self._add(self.team.check_name(name), role)
        except NotTaken as refusal:
            self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
            errors = {field_of(refusal.problem): self.problem(refusal.problem)}
            self.show("admin/operator_add.html", AddView(name, role, errors))
            return
        self.show_link(operator, await self.team.link_for(operator))

    async def _add(self, name: str, role: Role) -> Operator:
        operator_id = self.team.new_id()
        async with self.acting(
            "operator.added", target=("operator", operator_id), after={"operator": name, "role": role}
        ):
            return await self.team.add(name, role, operator_id=operator_id)


class OperatorPage(TeamPage):
    """`/admin/operators/{id}`: one of them, and what an admin can do."""

    async def get(self, operator_id: str) -> None:
        """200."""
        member = await self.member(operator_id)
        sessions = await self.services.admin.sessions.list_of(operator_id)
        view = OperatorView(
            row=operator_row(member, oneself=self.operator.operator_id),
            devices=device_rows(sessions),
            fresh=self.is_fresh,
        )
        self.show("admin/operator.html", view)

    async def member(self, operator_id: str) -> Member:
        """The operator of the address. Raises PageNotFound."""
        member = await self.team.find(operator_id)
        if member is None:
            raise PageNotFound
        return member

    async def somebody_else(self, operator_id: str) -> Operator:
        """The same, unless it is whoever acts: so an admin is always left. Raises PageNotFound, NotToOneself."""
        if operator_id == self.operator.operator_id:
            raise NotToOneself
        return (await self.member(operator_id)).operator

    def done(self, target: Operator, told: str) -> None:
        """303 back to the operator."""
        self.see_other(f"/admin/operators/{target.operator_id}", told=told, name=target.name)


class RolePage(OperatorPage):
    """`POST …/role`."""

    async def submit(self, operator_id: str) -> None:
        """303."""
        target = await self.somebody_else(operator_id)
        role = cast("Role", self.form.choice("role", ROLES, target.role))
        async with self.acting(
            "operator.role_changed", target=of(target), before={"role": target.role}, after={"role": role}
        ):
            # The admin may have ceased to be one since this request came in.
            if await self.team.set_role(operator_id, role, by=self.operator.operator_id) is None:
                raise RoleNeeded
        self.done(target, "operator.role_changed")


class DisablePage(OperatorPage):
    """`POST …/disable`."""

    async def submit(self, operator_id: str) -> None:
        """303."""
        target = await self.somebody_else(operator_id)
        async with self.acting("operator.disabled", target=of(target), after={"disabled": True}):
            if await self.team.disable(operator_id, by=self.operator.operator_id) is None:
                raise RoleNeeded
        self.done(target, "operator.disabled")


class EnablePage(OperatorPage):
    """`POST …/enable`."""

    async def submit(self, operator_id: str) -> None:
        """303."""
        target = await self.somebody_else(operator_id)
        async with self.acting("operator.enabled", target=of(target), after={"disabled": False}):
            await self.team.enable(operator_id)
        self.done(target, "operator.enabled")


class ResetPasswordPage(OperatorPage):
    """`POST …/reset-password`."""

    async def submit(self, operator_id: str) -> None:
        """200 with a one-time link; the password they had is worthless."""
        target = await self.somebody_else(operator_id)
        async with self.acting("operator.password_reset", target=of(target)):
            await self.team.forget_password(operator_id)
            token = await self.team.link_for(target)
        self.show_link(target, token)


class ResetSecondFactorPage(OperatorPage):
    """`POST …/reset-second-factor`."""

    async def submit(self, operator_id: str) -> None:
        """303."""
        target = await self.somebody_else(operator_id)
        async with self.acting(
            "operator.second_factor_reset", target=of(target), after={"second_factor": False}
        ):
            await self.team.remove_second_factor(operator_id)
        self.done(target, "operator.second_factor_reset")
