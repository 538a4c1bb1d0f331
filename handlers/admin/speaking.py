"""What the pages share whose views need the operator's language."""

from __future__ import annotations

from handlers.admin.page import AdminPage
from handlers.times import exact_time
from passport.views.tongue import Tongue


class SpeakingPage(AdminPage):
    """A page whose views are made of words."""

    @property
    def tongue(self) -> Tongue:
        """The operator's language and zone."""
        zone, language = self.services.settings.dashboard.zone, self.language
        return Tongue(self._, language == "zh", lambda moment: exact_time(moment, zone, language))

    @property
    def apps(self) -> dict[str, str]:
        """The names of the configured mini-programs by their appids."""
        return {app.appid: app.name or app.appid for app in self.services.settings.wechat.apps}
