"""`/accounts/wxapp`: registration."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from handlers.api.credentials import LOGIN_REFUSALS, LoginBody
from handlers.base import APIHandler
from handlers.operations import Answer, Moment, operation
from passport.errors import AccountDisabled, ConsentRequired


class RegisterBody(LoginBody):
    """Register, with the version of the privacy policy that the user agreed to where one is configured."""

    consent_version: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="The version of the privacy policy that the user agreed to. Required when the server has one in "
        "force; the refusal `consent_required` tells which, and where it can be read.",
        examples=["2026-11"],
    )


class RegistrationAnswer(Answer):
    """The account's id and the time of its registration."""

    account_id: str = Field(
        description="The user's id here: the same for ever.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    created_at: Moment = Field(description="When the account was made.", examples=["2026-03-01T08:30:00Z"])


class RegisterHandler(APIHandler):
    """`POST /accounts/wxapp`: make an account."""

    @operation(
        "Register. The same person again gets 200 with the same two values.",
        body=RegisterBody,
        answers={HTTPStatus.CREATED: RegistrationAnswer, HTTPStatus.OK: RegistrationAnswer},
        refusals=(*LOGIN_REFUSALS, AccountDisabled, ConsentRequired),
        limit="register",
    )
    async def post(self) -> None:
        """201 with the id and the time of registration; the same person again: 200 with the same two."""
        body = self.body(RegisterBody)
        registration = await self.services.login.register(
            body.credentials, consent_version=body.consent_version
        )
        self.reply(
            RegistrationAnswer(account_id=registration.account_id, created_at=registration.created_at),
            HTTPStatus.CREATED if registration.created else HTTPStatus.OK,
        )
