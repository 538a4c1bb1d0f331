"""The bar at the top of every page of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from handlers.translations import N_
from passport.operators.roles import Rank


@dataclass(frozen=True)
class Section:
    """A link in the bar: to `path`, shown to operators of at least this rank."""

    path: str
    text: str
    icon: str
    least: Rank


SECTIONS = (
    Section("/admin", N_("Overview"), "layout-dashboard", Rank.VIEWER),
    Section("/admin/users", N_("Users"), "users", Rank.VIEWER),
    Section("/admin/refusals", N_("Problems"), "alert-triangle", Rank.VIEWER),
    Section("/admin/look-up", N_("Look up"), "search", Rank.VIEWER),
    Section("/admin/jobs", N_("Jobs"), "list-check", Rank.VIEWER),
    Section("/admin/audit", N_("Audit"), "history", Rank.VIEWER),
    Section("/admin/operators", N_("Operators"), "user-shield", Rank.ADMIN),
    Section("/admin/kit", N_("Kit"), "brand-wechat", Rank.ADMIN),
    Section("/admin/keys", N_("Settings"), "key", Rank.ADMIN),
)


def section_of(path: str) -> str:
    """The section that a page belongs to: the longest whose address it begins with. All begin with the first one's."""
    below = [each.path for each in SECTIONS[1:] if path.startswith(f"{each.path}/")]
    within = below + [each.path for each in SECTIONS if path == each.path]
    return max(within, key=len, default="")
