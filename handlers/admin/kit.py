"""`/admin/kit`: the mini-program filled in for this server, and what to enter in WeChat's console. For admins.

No act for the audit log: nothing is changed, no person's data is shown, and the kit holds no secret.
"""

from __future__ import annotations

import asyncio

from handlers.admin.page import AdminPage
from passport.errors.dashboard import PageNotFound
from passport.kit.folder import KitBroken
from passport.kit.making import Kit, UnknownApp, make_kit
from passport.kit.writing import zipped
from passport.views.kit import KitView, app_choices, kit_view


class KitPage(AdminPage):
    """`GET`: the checklist of one mini-program, the first one unless `app` names another."""

    async def get(self) -> None:
        """200; with a sentence instead of the checklist when miniprogram/ is not as it came with the server."""
        apps = self.services.settings.wechat.apps
        appid = self.query.choice("app", tuple(app.appid for app in apps), apps[0].appid)
        choices = app_choices(apps, appid)
        try:
            kit = await asyncio.to_thread(make_kit, self.services.settings, appid)
        except KitBroken:
            self.show("admin/kit.html", KitView(choices, appid, problem=True))
            return
        self.show("admin/kit.html", kit_view(kit.checklist, choices, self.language))


class KitDownloadPage(AdminPage):
    """`GET`: the folder as a zip, the same bytes as long as neither the settings nor the files change."""

    async def get(self, appid: str) -> None:
        """200 with the zip; 404 for an app that is not configured, or when there is no kit."""
        try:
            kit, archive = await asyncio.to_thread(self._packed, appid)
        except (UnknownApp, KitBroken) as error:
            raise PageNotFound from error
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{kit.folder}.zip"')
        await self.finish(archive)

    def _packed(self, appid: str) -> tuple[Kit, bytes]:
        kit = make_kit(self.services.settings, appid)
        return kit, zipped(kit.files, folder=kit.folder)
