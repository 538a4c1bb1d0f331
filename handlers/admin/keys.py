"""`/admin/keys`: the keys that sign access tokens, and the settings that matter. For admins."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from handlers.admin.page import AdminPage
from handlers.times import exact_time
from passport.errors import StartupError
from passport.errors.dashboard import InvalidForm
from passport.key_pairs import is_kid
from passport.signing_keys import KeyRefusal
from passport.views.keys import (
    KeysView,
    app_rows,
    key_rows,
    limit_rows,
    may_publish,
    setting_rows,
)

_ACTIONS = ("rotate", "retire", "revoke")


class KeysPage(AdminPage):
    """`GET`: keys and settings. `POST`: publish the next key, withdraw one, or end one at once."""

    async def get(self) -> None:
        """200."""
        await self._show()

    async def submit(self) -> None:
        """303; 409 with the page when the key's life does not allow it, which somebody else may have changed."""
        action, kid = self.form.choice("action", _ACTIONS, ""), self.form.text("kid")
        if not action or (action != "rotate" and not is_kid(kid)):
            raise InvalidForm
        keys = self.services.signing_keys
        try:
            # Under another secret_key no key could be made, and the act would look like a forged one.
            await keys.check_secret()
            async with self.acting(f"key.{action}", target=("key", kid if action != "rotate" else "")):
                told, parameters = await self._carry_out(action, kid)
        except (KeyRefusal, StartupError) as refusal:
            self.set_status(HTTPStatus.CONFLICT)
            await self._show(self._problem(refusal))
            return
        await self.services.keys.reload()
        self.see_other(self.reverse_url("admin-keys"), told=told, **parameters)

    async def _carry_out(self, action: str, kid: str) -> tuple[str, dict[str, str]]:
        keys = self.services.signing_keys
        if action == "rotate":
            life, _ = await keys.rotate()
            return "key.published", {"kid": life.key.kid[:10], "at": self._time(life.key.signs_from)}
        if action == "retire":
            await keys.retire(kid)
            return "key.withdrawn", {"kid": kid[:10]}
        heir = await keys.revoke(kid)
        return "key.ended", {"kid": kid[:10], "heir": heir.key.kid[:10]}

    def _problem(self, refusal: KeyRefusal | StartupError) -> str:
        if isinstance(refusal, StartupError):
            return self._(
                "The keys do not open with this server's secret_key. Restore it; until then nothing is changed."
            )
        return self._("That cannot be done with this key any more. This is how the keys are now.")

    def _time(self, moment: datetime) -> str:
        return exact_time(moment, self.services.settings.dashboard.zone, self.language)

    async def _show(self, problem: str | None = None) -> None:
        settings, now = self.services.settings, self.services.admin.now()
        lives = await self.services.signing_keys.lives()
        view = KeysView(
            keys=key_rows(lives, now),
            may_publish=may_publish(lives, now),
            access_ttl=settings.tokens.access_ttl,
            rotation=settings.tokens.key_rotation,
            fresh=self.is_fresh,
            apps=app_rows(settings),
            settings=setting_rows(settings),
            limits=limit_rows(settings.limits),
            problem=problem,
        )
        self.show("admin/keys.html", view)
