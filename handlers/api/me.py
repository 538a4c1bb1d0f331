"""`/accounts/me`: the signed-in user."""

from __future__ import annotations

from pydantic import Field

from handlers.api.bearer import BearerHandler
from handlers.operations import Answer, Moment, operation
from passport.errors import AccountDisabled, InvalidToken


class Profile(Answer):
    """What is known of the user; members that are unknown are absent."""

    nickname: str | None = Field(default=None, description="Never WeChat's 微信用户.", examples=["小美🌸"])
    avatar_url: str | None = Field(default=None, description="Never WeChat's grey one.")
    gender: int | None = Field(default=None, description="As WeChat counts: 0 unknown, 1 male, 2 female.")
    language: str | None = Field(default=None, description="As WeChat spells it.", examples=["zh_CN"])
    country: str | None = None
    province: str | None = None
    city: str | None = None


class AccountAnswer(Answer):
    """The account."""

    account_id: str = Field(
        description="The user's id here: the same for ever.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    created_at: Moment = Field(description="When the account was made.", examples=["2026-03-01T08:30:00Z"])
    profile: Profile


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
            )
        )
