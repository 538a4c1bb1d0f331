"""One kit: the folder and the checklist of one app on this server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from passport.config import Settings
from passport.errors import CommandFailed
from passport.kit.checklist import Checklist, make_checklist
from passport.kit.document import NAME, as_markdown
from passport.kit.folder import SOURCE, kit_folder
from passport.public_address import address_faults, address_to_call, public_address


class UnknownApp(CommandFailed):
    """No such mini-program is configured, or it is not clear which; the text says which there are."""


@dataclass(frozen=True)
class Kit:
    """What is handed to the developer.

    Args:
        files: everything, by path within the folder.
        checklist: what CHECKLIST.md says.
    """

    files: dict[str, bytes]
    checklist: Checklist

    @property
    def folder(self) -> str:
        """What to call it."""
        return f"wxpassport-{self.checklist.appid}"


def make_kit(settings: Settings, appid: str | None = None, *, source: Path = SOURCE) -> Kit:
    """The kit of an app, which may go unnamed when it is the only one.

    Raises:
        UnknownApp: see there.
        KitBroken: the mini-program's folder is not whole.
    """
    apps = {app.appid: app for app in settings.wechat.apps}
    app = apps.get(appid) if appid else next(iter(apps.values())) if len(apps) == 1 else None
    if app is None:
        known = ", ".join(apps)
        what = f"{appid}: no such mini-program in wechat.apps" if appid else "there are several mini-programs"
        raise UnknownApp(f"{what}; choose one with --appid: {known}")
    checked = not address_faults(public_address(settings))
    files = kit_folder(app, base_url=address_to_call(settings), checked=checked, source=source)
    checklist = make_checklist(settings, app, files)
    return Kit({**files, NAME: as_markdown(checklist).encode()}, checklist)
