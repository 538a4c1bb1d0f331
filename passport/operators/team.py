"""Who may work in the dashboard: add, disable, change roles, hand out links. What the pages and the command line do.

What ends an operator's sessions ends them in the write itself, by their epoch; they are removed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from passport.clock import Now
from passport.models import Member, Operator, OperatorLink, Role
from passport.operators.links import Links, digest_of
from passport.operators.names import canonical_name, is_name
from passport.operators.password_rules import Weakness, weakness_of
from passport.operators.passwords import Passwords
from passport.operators.sessions import OperatorSessions
from passport.store.operator_members import MemberStore, new_operator_id


class NotTaken(Exception):
    """A name or a password is not taken; `problem` says why."""

    def __init__(self, problem: Weakness | str) -> None:
        self.problem = str(problem)
        super().__init__(self.problem)


class Team:
    """All operators.

    Args:
        members: what they sign in by.
        sessions: where they are signed in.
        links: the one-time links.
        passwords: hashes.
        context: what a guesser would try here, such as the server's domain.
        now: the clock.
    """

    def __init__(
        self,
        *,
        members: MemberStore,
        sessions: OperatorSessions,
        links: Links,
        passwords: Passwords,
        context: Iterable[str],
        now: Now,
    ) -> None:
        self._members, self._sessions, self._links = members, sessions, links
        self._passwords, self._context, self._now = passwords, tuple(context), now

    async def list(self) -> list[Member]:
        """Everybody, by name."""
        return await self._members.list()

    async def find(self, operator_id: str) -> Member | None:
        """None when there is no such operator."""
        return await self._members.find(operator_id)

    async def find_by_name(self, name: str) -> Member | None:
        """None when nobody is called that."""
        return await self._members.find_by_name(canonical_name(name))

    def check_name(self, name: str) -> str:
        """The name as it is kept. Raises NotTaken(`name`)."""
        name = canonical_name(name)
        if not is_name(name):
            raise NotTaken("name")
        return name

    def check_password(self, password: str, name: str) -> None:
        """Raises NotTaken with the Weakness."""
        if weakness := weakness_of(password, (name, *self._context)):
            raise NotTaken(weakness)

    def new_id(self) -> str:
        """An id for an operator to be, so that the audit log can name them before they are there."""
        return new_operator_id()

    async def add(self, name: str, role: Role, password: str | None = None, *, operator_id: str) -> Operator:
        """The new operator, who has a password or is to be handed a link.

        Raises:
            NotTaken: `name`, `name_taken`, or the password's Weakness.
            SignInBusy: too many passwords wait to be hashed.
            StoreUnavailable: MongoDB does not answer.
        """
        name = self.check_name(name)
        if password is not None:
            self.check_password(password, name)
        hashed = None if password is None else await self._passwords.hash(password)
        added = await self._members.insert(operator_id, name, role=role, password_hash=hashed, at=self._now())
        if added is None:
            raise NotTaken("name_taken")
        return added

    # One-time links

    async def link_for(self, operator: Operator) -> str:
        """The token of a link by which they set a password; the links before it are worthless."""
        return await self._links.for_password(operator.operator_id)

    async def link_for_first(self) -> str | None:
        """The token of a link that makes the first admin; None when there is an operator."""
        return await self._links.for_first_operator()

    async def of_link(self, token: str) -> OperatorLink | None:
        """What a link is for; None when it is worth nothing."""
        return await self._links.find(token)

    async def make_first(self, token: str, name: str, password: str, *, operator_id: str) -> Operator | None:
        """The first admin, by a link that is used up with this; None when it is worth nothing. Raises as `add`."""
        name = self.check_name(name)
        self.check_password(password, name)
        hashed = await self._passwords.hash(password)
        return await self._members.insert_first(
            digest_of(token), operator_id, name, role="admin", password_hash=hashed, at=self._now()
        )

    async def set_by_link(self, token: str, name: str, password: str) -> Operator | None:
        """Set a password by a link that is used up with this; None when it is worth nothing. Raises as `add`."""
        self.check_password(password, name)
        hashed = await self._passwords.hash(password)
        changed = await self._members.set_password_by_link(
            digest_of(token), password_hash=hashed, at=self._now()
        )
        return await self._with_no_session(changed)

    # What an admin does to somebody; each gives the operator as they are now, None when it cannot be done any more

    async def set_role(self, operator_id: str, role: Role, *, by: str | None) -> Operator | None:
        """Give them another role. `by` is the admin, who must still be one; None for the command line."""
        return await self._with_no_session(await self._members.set_role(operator_id, role, by=by))

    async def disable(self, operator_id: str, *, by: str | None) -> Operator | None:
        """Let them in no more, nor by a link once they are enabled again."""
        disabled = await self._members.disable(operator_id, at=self._now(), by=by)
        if disabled is not None:
            await self._links.withdraw(operator_id)
        return await self._with_no_session(disabled)

    async def enable(self, operator_id: str) -> Operator | None:
        """Let them in again, with the password that they had."""
        return await self._members.enable(operator_id)

    async def set_password(self, operator: Operator, password: str) -> Operator | None:
        """Give them this password; links by which another could be set are worthless. Raises as `add`."""
        self.check_password(password, operator.name)
        hashed = await self._passwords.hash(password)
        # First, so that whoever is faster with a link has their password replaced.
        await self._links.withdraw(operator.operator_id)
        return await self._with_no_session(await self._members.set_password(operator.operator_id, hashed))

    async def forget_password(self, operator_id: str) -> Operator | None:
        """Make their password worthless; they are to be handed a link."""
        return await self._with_no_session(await self._members.forget_password(operator_id))

    async def remove_second_factor(self, operator_id: str) -> Operator | None:
        """Who has lost phone and recovery codes signs in by the password alone, until they turn it on again."""
        return await self._with_no_session(await self._members.remove_second_factor(operator_id))

    async def _with_no_session(self, changed: Operator | None) -> Operator | None:
        if changed is not None:
            await self._sessions.end_all(changed.operator_id)
        return changed
