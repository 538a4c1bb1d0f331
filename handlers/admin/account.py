"""`/admin/account`: one's own password, second factor and signed-in devices."""

from __future__ import annotations

from http import HTTPStatus

from handlers.admin.entering import DEVICE_COOKIE, EnteringPage, of
from handlers.admin.page import SESSION_COOKIE
from passport.models import Operator
from passport.operators.account import WrongCode
from passport.operators.known_devices import REMEMBERED_FOR
from passport.operators.sign_in import Proof
from passport.operators.team import NotTaken
from passport.views.operators import AccountView, CodesView, EnrolmentView, device_rows, public_id


class AccountPage(EnteringPage):
    """The page, and what its forms have in common."""

    async def get(self) -> None:
        """200."""
        await self.show_account()

    async def show_account(self, **errors: str) -> None:
        """The page, or with errors 422 and the same page."""
        member = await self.services.admin.operators.team.find(self.operator.operator_id)
        factor = member.second_factor if member else None
        sessions = await self.services.admin.sessions.list_of(self.operator.operator_id)
        view = AccountView(
            name=self.operator.name,
            role=self.operator.role,
            second_factor_since=factor.since if factor else None,
            recovery_codes_left=len(factor.recovery) if factor else 0,
            devices=device_rows(sessions, self.session),
            fresh=self.is_fresh,
            errors={name: self.problem(problem) for name, problem in errors.items()},
        )
        if errors:
            self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
        self.show("admin/account.html", view)

    async def start_anew(self, changed: Operator) -> None:
        """After a change that ended all sessions: one of a new id, here."""
        await self.services.admin.sessions.end_all(changed.operator_id)
        await self.keep_signed_in(changed)

    async def know_browser(self) -> None:
        """Here they have just proved a factor, so strangers' guesses do not lock them out."""
        operators = self.services.admin.operators
        if member := await operators.team.find(self.operator.operator_id):
            device = operators.sign_in.device(member)
            self.keep_cookie(DEVICE_COOKIE, device, max_age=int(REMEMBERED_FOR.total_seconds()))


class PasswordPage(AccountPage):
    """`POST /admin/account/password`: needs the present one."""

    async def submit(self) -> None:
        """303 with a new session; all others are over. 422 with the page."""
        operators, operator = self.services.admin.operators, self.operator
        password = self.form.secret("password")
        if password != self.form.secret("again"):
            await self.show_account(again="different")
            return
        try:
            operators.team.check_password(password, operator.name)
        except NotTaken as refusal:
            await self.show_account(password=refusal.problem)
            return
        if not await operators.sign_in.confirm(operator, self.session.digest, self.form.secret("current")):
            await self.show_account(current="wrong_password")
            return
        async with self.acting("operator.password_changed", target=of(operator)):
            changed = await operators.team.set_password(operator, password)
            if changed is not None:
                await self.keep_signed_in(changed)
        self.see_other("/admin/account", told="operator.password_changed")


class EndSessionsPage(AccountPage):
    """`POST /admin/account/sessions`: end one, `others` or `all`."""

    async def submit(self) -> None:
        """303."""
        which = self.form.text("end")
        if which == "all":
            await self._end_all()
        elif which == "others":
            async with self.acting("operator.sessions_ended", target=of(self.operator)):
                await self.services.admin.sessions.end_all(self.operator.operator_id, but=self.session)
            self.see_other("/admin/account", told="operator.sessions_ended")
        else:
            await self._end_one(which)

    async def _end_all(self) -> None:
        async with self.acting("operator.sessions_ended", target=of(self.operator)):
            await self.services.admin.sessions.end_all(self.operator.operator_id)
        self.forget_cookie(SESSION_COOKIE)
        self.see_other("/admin/sign-in")

    async def _end_one(self, which: str) -> None:
        sessions = await self.services.admin.sessions.list_of(self.operator.operator_id)
        for session in sessions:
            if public_id(session) == which:
                async with self.acting(
                    "operator.session_ended", target=of(self.operator), after={"session": which}
                ):
                    await self.services.admin.sessions.end(session)
        self.see_other("/admin/account", told="operator.session_ended")


class EnrolPage(AccountPage):
    """`/admin/account/second-factor`: scan the QR code, type the first code, keep the recovery codes."""

    async def get(self) -> None:
        """200, or 303 to prove first who they are."""
        if not self.is_fresh:
            self.send_to_prove("/admin/account/second-factor")
        else:
            self._show_enrolment()

    async def submit(self) -> None:
        """200 with the recovery codes, which are shown in this one answer and kept nowhere; 422 with the form."""
        account, operator = self.services.admin.operators.account, self.operator
        sealed, code = self.form.text("sealed", most=1_000), self.form.text("code")
        try:
            async with self.acting(
                "operator.second_factor_on", target=of(operator), after={"second_factor": True}
            ):
                changed, codes = await account.turn_on(operator, sealed, code)
                await self.start_anew(changed)
                await self.know_browser()
        except WrongCode:
            self.set_status(HTTPStatus.UNPROCESSABLE_ENTITY)
            self._show_enrolment(sealed, self.problem("wrong_code"))
        else:
            self.show("admin/recovery_codes.html", CodesView(codes))

    def _show_enrolment(self, sealed: str | None = None, problem: str | None = None) -> None:
        enrolment = self.services.admin.operators.account.begin(self.operator, sealed)
        view = EnrolmentView(enrolment.picture, enrolment.seed, enrolment.sealed, problem)
        self.show("admin/enrol.html", view)


class TurnOffPage(AccountPage):
    """`POST /admin/account/second-factor/off`: needs the password a moment ago, and a code now."""

    async def submit(self) -> None:
        """303 with a new session; 422 with the page."""
        operators, operator = self.services.admin.operators, self.operator
        member = await operators.team.find(operator.operator_id)
        if member is None or member.second_factor is None:
            self.see_other("/admin/account")
            return
        proof = await operators.sign_in.by_code(
            member, self.form.text("code"), device=self.get_cookie(DEVICE_COOKIE)
        )
        if proof is not Proof.RIGHT:
            await self.show_account(code="locked_recovery" if proof is Proof.LOCKED else "wrong_code")
            return
        async with self.acting(
            "operator.second_factor_off", target=of(operator), after={"second_factor": False}
        ):
            changed = await operators.account.turn_off(operator)
            if changed is not None:
                await self.start_anew(changed)
                await self.know_browser()
        self.see_other("/admin/account", told="operator.second_factor_off")


class RecoveryCodesPage(AccountPage):
    """`POST /admin/account/recovery-codes`: ten new ones."""

    async def submit(self) -> None:
        """200 with the codes, which are shown in this one answer and kept nowhere."""
        async with self.acting("operator.recovery_codes_renewed", target=of(self.operator)):
            codes = await self.services.admin.operators.account.renew_recovery_codes(self.operator)
        if codes is None:
            self.see_other("/admin/account")
        else:
            self.show("admin/recovery_codes.html", CodesView(codes))
