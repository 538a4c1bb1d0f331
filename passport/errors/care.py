"""Refusals of acts on one user in the dashboard; the pages tell them, no client of the API ever meets one."""

from __future__ import annotations

from passport.errors.base import Hint
from passport.errors.dashboard import PageError


class ChangedMeanwhile(PageError):
    """Somebody else changed the same thing since the page was loaded."""

    code, status = "changed_meanwhile", 409
    description = "Somebody else changed this since you loaded the page; nothing was overwritten."
    hint = Hint(
        zh="您打开页面之后，其他人已修改了此项，您的操作未生效。请查看最新状态后再决定。",
        en="Look at what it is now, and decide again.",
    )


class NothingToUndo(PageError):
    """There is no recent act, or something was changed since."""

    code, status = "nothing_to_undo", 409
    description = "There is nothing to undo: the act is too old, or something was changed since."
    hint = Hint(
        zh="没有可撤销的操作：操作时间过久，或之后又有修改。请直接修改为所需状态。",
        en="Set it to what it should be instead.",
    )


class UnionidInUse(PageError):
    """Another account has the unionid."""

    code, status = "unionid_in_use", 409
    description = "Another account has this unionid by now."
    hint = Hint(
        zh="该 unionid 已属于另一个账号。请刷新页面，并比较这两个账号。",
        en="Reload the page and compare the two accounts.",
    )
