"""`/accounts/me`: the signed-in user."""

from __future__ import annotations

from handlers.api.bearer import BearerHandler
from handlers.api.phone import PhoneAnswer
from handlers.operations import Answer, Moment, operation
from passport.errors import AccountDisabled, InvalidToken


class Profile(Answer):
    """What is known of the user; members that are unknown are absent."""

    nickname: str | None = None
    avatar_url: str | None = None
    gender: int | None = None
    language: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None


class AccountAnswer(Answer):
    """The account."""

    account_id: str
    created_at: Moment
    profile: Profile
    phone: PhoneAnswer | None = None


class MeHandler(BearerHandler):
    """`/accounts/me`."""

    @operation(
        "The signed-in user.",
        answers=AccountAnswer,
        refusals=(InvalidToken, AccountDisabled),
        caller="bearer",
    )
    async def get(self) -> None:
        """200 with the account and its profile."""
        user = (await self.bearer()).user
        self.reply(
            AccountAnswer(
                account_id=user.user_id,
                created_at=user.created_at,
                profile=Profile.model_validate(user.profile),
                phone=PhoneAnswer.model_validate(user.phone, from_attributes=True) if user.phone else None,
            )
        )
