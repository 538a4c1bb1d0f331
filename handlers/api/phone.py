"""`/accounts/me/phone`: the signed-in user's phone number."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from handlers.api.bearer import BearerHandler
from handlers.operations import Answer, Moment, operation
from passport.errors import (
    SEND_PHONE_CODE,
    AccountDisabled,
    InvalidPhoneCode,
    InvalidRequest,
    InvalidToken,
    PhoneCodeUsed,
    PhoneNumbersNotAllowed,
    ServerMisconfigured,
    SlowDown,
)


class PhoneBody(BaseModel):
    """`e.detail.code` of `<button open-type="getPhoneNumber">`. Its length was seen to be 64."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    phone_code: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")] = Field(
        description='e.detail.code of `<button open-type="getPhoneNumber">`, once and within five minutes. It is not '
        "the code of wx.login.",
        examples=["a7c3e9d15b8f4260c1e7d3a9f5b80246e93d1c0a4b7e8f6255f0c1e9ad8b7426"],
    )


class PhoneAnswer(Answer):
    """A phone number: as ITU-T E.164 writes it with a plus, and in its two parts."""

    number: str = Field(description="The whole number as ITU-T E.164 writes it.", examples=["+8613900000001"])
    country_code: str = Field(description="The country's part, without a plus.", examples=["86"])
    pure_number: str = Field(description="The number within that country.", examples=["13900000001"])
    bound_at: Moment = Field(description="When it was bound.", examples=["2026-03-01T08:30:00Z"])


class BindingAnswer(Answer):
    """The number that was bound."""

    phone: PhoneAnswer


class PhoneHandler(BearerHandler):
    """`/accounts/me/phone`."""

    @operation(
        "Bind the phone number that the user showed to the mini-program.",
        body=PhoneBody,
        answers=BindingAnswer,
        refusals=(
            InvalidToken,
            AccountDisabled,
            InvalidPhoneCode,
            PhoneCodeUsed,
            PhoneNumbersNotAllowed,
            ServerMisconfigured,
            SlowDown,
        ),
        caller="bearer",
    )
    async def post(self) -> None:
        """200 with the number, in the place of one that was there before."""
        bearer = await self.bearer()
        phone = await self.services.phones.bind(
            bearer.user, appid=bearer.claims.appid, phone_code=self._phone_code()
        )
        self.reply(BindingAnswer(phone=PhoneAnswer.model_validate(phone, from_attributes=True)))

    @operation(
        "Remove the phone number.",
        answers={HTTPStatus.NO_CONTENT: None},
        refusals=(InvalidToken, AccountDisabled),
        caller="bearer",
    )
    async def delete(self) -> None:
        """204, also when there was none."""
        await self.services.phones.unbind((await self.bearer()).user)
        self.reply_without_body()

    def _phone_code(self) -> str:
        try:
            return self.body(PhoneBody).phone_code
        except InvalidRequest as error:
            error.hint = SEND_PHONE_CODE
            raise
