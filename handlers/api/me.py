"""`/accounts/me`: the signed-in user, and all that we hold about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from handlers.api.bearer import BEARER_REFUSALS, BearerHandler
from handlers.api.credentials import CODE_REFUSALS, Code
from handlers.api.phone import PhoneAnswer
from handlers.operations import Answer, Moment, operation
from passport.avatars import Avatars
from passport.errors import InvalidRequest, InvalidToken, WrongUser
from passport.models import User
from passport.profiles import NICKNAME_LIMIT, entered_nickname, entered_text


class Profile(Answer):
    """What is known of the user; members that are unknown are absent."""

    nickname: str | None = Field(
        default=None,
        description="What the user entered, else what WeChat told; never its 微信用户.",
        examples=["小美🌸"],
    )
    avatar_url: str | None = Field(
        default=None,
        description="What the user uploaded, else WeChat's; never its grey one.",
        examples=["https://login.example.com/avatars/9sTqWd3mCkYb1Xv0Zr7uLA"],
    )
    gender: int | None = Field(default=None, description="1 male, 2 female.", examples=[2])
    language: str | None = Field(default=None, description="As WeChat spells it.", examples=["zh_CN"])
    country: str | None = Field(default=None, description="As WeChat or the user has it.", examples=["中国"])
    province: str | None = Field(default=None, description="The same.", examples=["广东"])
    city: str | None = Field(default=None, description="The same.", examples=["广州"])


class ConsentAnswer(Answer):
    """Which privacy policy the user agreed to. `current` says whether it is the one in force."""

    version: str = Field(description="Its version.", examples=["2026-11"])
    at: Moment = Field(description="When the user agreed.", examples=["2026-03-01T08:30:00Z"])
    current: bool = Field(
        description="Whether that is the policy in force. If not, ask the user, and send consent_version again.",
        examples=[True],
    )


class AccountAnswer(Answer):
    """The account."""

    account_id: str = Field(
        description="The user's id here: the same for ever.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    created_at: Moment = Field(description="When the account was made.", examples=["2026-03-01T08:30:00Z"])
    profile: Profile
    consent: ConsentAnswer | None = Field(
        default=None, description="Which privacy policy the user agreed to; absent when none was asked for."
    )
    phone: PhoneAnswer | None = Field(default=None, description="Absent when none is bound.")


class ClosedAnswer(Answer):
    """The account that was, and when it was closed."""

    account_id: str = Field(
        description="What was the user's id. No later account has it.", examples=["66f0c1e9ad8b7426e93d1c0a"]
    )
    closed_at: Moment = Field(
        description="From when no token of theirs counts.", examples=["2026-03-09T12:00:00Z"]
    )


class ExportAnswer(Answer):
    """Everything we hold about the user, as it is kept."""

    exported_at: Moment = Field(description="When it was collected.", examples=["2026-03-09T12:00:00Z"])
    account: dict[str, Any] = Field(description="The account with all its members, WeChat's ids among them.")
    sessions: list[dict[str, Any]] = Field(description="The last thousand sign-ins.")
    older_sessions: int = Field(
        description="How many older ones are recorded and not among them.", examples=[0]
    )


def _none_when_empty(value: object) -> object:
    """A form has no null, so an empty text removes as well."""
    return None if value == "" else value


def _gender(value: object) -> object:
    """A form has its digits as text; true is no number."""
    if value in ("1", "2"):
        return int(str(value))
    return "no gender" if isinstance(value, bool) else _none_when_empty(value)


def _removed(value: str | None) -> None:
    if value is not None:
        raise ValueError("is set by POST /accounts/me/avatar; only null is taken here, to remove it")


# What a schema can say of them; that there must be something to see, and no control character, it cannot.
_AsText = WithJsonSchema({"type": "string", "maxLength": NICKNAME_LIMIT})
Nickname = Annotated[str, AfterValidator(entered_nickname), _AsText]
Text = Annotated[str, AfterValidator(entered_text), _AsText]
Emptiable = BeforeValidator(_none_when_empty)
Gender = Annotated[
    Literal[1, 2] | None,
    BeforeValidator(_gender),
    WithJsonSchema({"enum": [1, 2, "1", "2", ""]}),
]
Removable = Annotated[str | None, Emptiable, AfterValidator(_removed), WithJsonSchema({"const": ""})]


class ProfileBody(BaseModel):
    """What to correct; members that are absent stay, null or an empty text removes what is known."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
    PROFILE: ClassVar = ("nickname", "avatar_url", "gender", "language", "country", "province", "city")

    nickname: Annotated[Nickname | None, Emptiable] = Field(
        default=None,
        description="At most 32 characters as people count (an emoji is one) and 64 code points, some of it visible, "
        "no line breaks, and not 微信用户.",
        examples=["小美🌸"],
    )
    avatar_url: Removable = Field(
        default=None, description="Only to remove what WeChat told; `POST /accounts/me/avatar` sets one."
    )
    gender: Gender = Field(default=None, description="1 male, 2 female; a form has the digit.", examples=[2])
    language: Annotated[Text | None, Emptiable] = Field(
        default=None, description="As WeChat spells it.", examples=["zh_CN"]
    )
    country: Annotated[Text | None, Emptiable] = Field(
        default=None, description="At most 64 code points.", examples=["中国"]
    )
    province: Annotated[Text | None, Emptiable] = Field(
        default=None, description="The same.", examples=["广东"]
    )
    city: Annotated[Text | None, Emptiable] = Field(default=None, description="The same.", examples=["广州"])
    consent_version: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="The version of the privacy policy in force, when the user has agreed to it now.",
        examples=["2026-11"],
    )

    @property
    def entered(self) -> dict[str, str | int | None]:
        """The members of the profile that were sent, None for those to remove."""
        return {name: getattr(self, name) for name in self.PROFILE if name in self.model_fields_set}


class CloseBody(BaseModel):
    """A fresh code of wx.login, the proof that the user is there."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    code: Code = Field(
        description="A fresh one of wx.login, of the WeChat user whose account it is.",
        examples=["0a3bLu000Qz7YP1XQp100eRkHs4bLu0C"],
    )


class MeHandler(BearerHandler):
    """`/accounts/me`."""

    @operation("The signed-in user.", answers=AccountAnswer, refusals=BEARER_REFUSALS, caller="bearer")
    async def get(self) -> None:
        """200 with the account and its profile."""
        self._show((await self.bearer()).user)

    @operation(
        "Correct the profile. Members that are absent stay; null or an empty text removes what is known.",
        body=ProfileBody,
        answers=AccountAnswer,
        refusals=BEARER_REFUSALS,
        caller="bearer",
    )
    async def put(self) -> None:
        """200 with the account as it is now."""
        user = (await self.bearer()).user
        body = self.body(ProfileBody, keep_null=True)
        policy = self.services.settings.privacy.policy_version
        if body.consent_version is not None and body.consent_version != policy:
            raise InvalidRequest("consent_version is not the privacy policy in force.")
        changed = await self.services.users.enter(user, body.entered, consent_version=body.consent_version)
        if changed is None:
            raise InvalidToken  # closed in this moment
        if "avatar_url" in body.entered and changed.avatar is not None:
            await self.services.avatars.remove(user.user_id)
            changed = replace(changed, avatar=None)
        self._show(changed)

    @operation(
        "Close the account: what is known of the user is erased, and no token of theirs counts any more.",
        body=CloseBody,
        answers=ClosedAnswer,
        refusals=(*BEARER_REFUSALS, *CODE_REFUSALS, WrongUser),
        caller="bearer",
    )
    async def delete(self) -> None:
        """200 with the time; the code must be fresh and the user's own."""
        await close_account(self)

    def _show(self, user: User) -> None:
        self.reply(
            AccountAnswer(
                account_id=user.user_id,
                created_at=user.created_at,
                profile=shown_profile(user, self.services.avatars),
                consent=self._consent(user),
                phone=PhoneAnswer.model_validate(user.phone, from_attributes=True) if user.phone else None,
            )
        )

    def _consent(self, user: User) -> ConsentAnswer | None:
        consent, policy = user.consent, self.services.settings.privacy.policy_version
        if consent is None:
            return None
        return ConsentAnswer(version=consent.version, at=consent.at, current=consent.version == policy)


class CloseHandler(BearerHandler):
    """`/accounts/me/close`: as DELETE /accounts/me, for clients whose DELETE has no body (RFC 9110 section 9.3.5)."""

    @operation(
        "Close the account, for clients that cannot send a body with DELETE.",
        body=CloseBody,
        answers=ClosedAnswer,
        refusals=(*BEARER_REFUSALS, *CODE_REFUSALS, WrongUser),
        caller="bearer",
    )
    async def post(self) -> None:
        """200 with the time; the code must be fresh and the user's own."""
        await close_account(self)


async def close_account(handler: BearerHandler) -> None:
    """Close the bearer's account with the code in the body, and answer."""
    bearer = await handler.bearer()
    code = handler.body(CloseBody).code
    closed_at = await handler.services.closing.close_with_code(bearer, code)
    handler.reply(ClosedAnswer(account_id=bearer.user.user_id, closed_at=closed_at))


class ExportHandler(BearerHandler):
    """`/accounts/me/export`: access and portability (PIPL article 45)."""

    @operation(
        "Everything we hold about the user.",
        answers=ExportAnswer,
        refusals=BEARER_REFUSALS,
        caller="bearer",
        limit="export",
    )
    async def get(self) -> None:
        """200 with all of it, as a file to save."""
        user = (await self.bearer()).user
        exported = await self.services.export.of(user)
        self.set_header("Content-Disposition", f'attachment; filename="{user.user_id}.json"')
        self.reply(ExportAnswer.model_validate(exported))


def shown_profile(user: User, avatars: Avatars) -> Profile:
    """The profile as it is shown: the avatar that the user uploaded wins over the one WeChat told."""
    uploaded = avatars.url_of(user)
    return Profile.model_validate({**user.profile, "avatar_url": uploaded or user.profile.get("avatar_url")})
