"""What each role may do. Roles are ordered: each may do what the one before it may."""

from __future__ import annotations

from enum import IntEnum

from passport.models import Role


class Rank(IntEnum):
    """The least an operator must be. ANYBODY needs no account; a VIEWER sees what is masked, and changes nothing."""

    ANYBODY = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


def rank_of(role: Role) -> Rank:
    """The rank of a role: viewer, operator or admin."""
    return Rank[role.upper()]
