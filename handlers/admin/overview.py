"""`GET /admin`: what an operator looks at first."""

from __future__ import annotations

from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from handlers.admin.page import AdminPage
from passport.config import Settings
from passport.overview import PERIODS, Period
from passport.public_address import public_address
from passport.views.overview import Setting, overview_view


class OverviewPage(AdminPage):
    """The state of the service at a glance: `?period=` 24h, 7d, 30d or 90d, `?app=` one mini-program."""

    async def get(self) -> None:
        """200; a period or a mini-program that there is none of is left aside."""
        settings = self.services.settings
        names = {app.appid: app.name or app.appid for app in settings.wechat.apps}
        period = cast("Period", self.query.choice("period", PERIODS, PERIODS[0]))
        appid = self.query.choice("app", names, "") or None
        snapshot = await self.services.admin.overview.snapshot(period, appid=appid)
        setting = Setting(
            apps=names,
            embedded=settings.mongodb.embedded,
            base_url=public_address(settings) or settings.listening_url,
            stand_in=_stand_in(settings),
            language=self.language,
            zone=settings.dashboard.zone,
        )
        self.show("admin/overview.html", overview_view(snapshot, setting, period=period, appid=appid))


def _stand_in(settings: Settings) -> str | None:
    """The address of the WeChat stand-in; None when wechat.base_url is not on this host."""
    try:
        is_here = ip_address(urlsplit(settings.wechat.base_url).hostname or "").is_loopback
    except ValueError:
        is_here = False
    return settings.wechat.base_url if is_here else None
