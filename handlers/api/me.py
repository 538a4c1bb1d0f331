"""`/accounts/me`: the signed-in user."""

from __future__ import annotations

from handlers.api.bearer import BearerHandler
from handlers.operations import Answer, Moment, operation
from passport.avatars import Avatars
from passport.errors import AccountDisabled, InvalidToken
from passport.models import User


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
                profile=shown_profile(user, self.services.avatars),
            )
        )


def shown_profile(user: User, avatars: Avatars) -> Profile:
    """The profile as it is shown: the avatar that the user uploaded wins over the one WeChat told."""
    uploaded = avatars.url_of(user)
    return Profile.model_validate({**user.profile, "avatar_url": uploaded or user.profile.get("avatar_url")})
