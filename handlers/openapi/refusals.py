"""What an operation may refuse: what it declares, and what its kind brings with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field

from handlers.openapi.routes import Route
from handlers.operations import Moment, Operation
from passport.errors import (
    AccountDisabled,
    InternalError,
    InvalidRequest,
    InvalidToken,
    NotFound,
    PassportError,
    PayloadTooLarge,
    TemporarilyUnavailable,
    UnsupportedMediaType,
)

Refusal = type[PassportError]

# What comes with each kind of operation, without being declared on each.
_EVERYWHERE: tuple[Refusal, ...] = (InternalError,)
_WITH_A_MODEL: tuple[Refusal, ...] = (InvalidRequest, UnsupportedMediaType)
_WITH_A_BODY: tuple[Refusal, ...] = (PayloadTooLarge,)
_WITH_THE_DATABASE: tuple[Refusal, ...] = (TemporarilyUnavailable,)
_WITH_A_PATH_PARAMETER: tuple[Refusal, ...] = (NotFound,)
_WITH_A_BEARER: tuple[Refusal, ...] = (InvalidToken, AccountDisabled)


class RefusalAnswer(BaseModel):
    """Every refusal has this shape."""

    error: str = Field(description="Stable and machine-readable: what to branch on.")
    error_description: str = Field(
        description="For developers, in English: printable ASCII without quotes (RFC 6749 section 5.2).",
        pattern=r"^[ !#-\[\]-~]+$",
    )
    hint: str = Field(
        min_length=1,
        description="What to change in the mini-program: in Chinese, or in English by Accept-Language.",
    )
    request_id: str = Field(
        pattern="^[0-9a-f]{16}$",
        description="Names this request in the server's log; the header X-Request-Id has it, too.",
        examples=["5f0c1e9ad8b7426e"],
    )
    wechat_errcode: int | None = Field(
        default=None, description="WeChat's own code, where it was WeChat that refused."
    )
    reason: str | None = Field(
        default=None, description="Why an account is banned, where the operator shows it."
    )
    policy_version: str | None = Field(
        default=None, description="The privacy policy that the user has to agree to before registering."
    )
    policy_url: str | None = Field(default=None, description="Where that policy can be read.")
    until: Moment | None = Field(
        default=None, description="When a ban ends, where it does and the operator shows it."
    )


def possible_refusals(operation: Operation, route: Route) -> list[Refusal]:
    """Each class that the operation may refuse with, declared ones first. Several may have one `error`.

    What a body brings with it is left out where the operation declares a kind of it, which then stands for it.
    """
    has_body = bool(operation.bodies) or bool(operation.consumes)
    of_the_body = (
        *(_WITH_A_MODEL if operation.bodies else ()),
        *(_WITH_A_BODY if has_body else ()),
    )
    refusals = [
        *operation.refusals,
        *(_WITH_A_BEARER if operation.caller == "bearer" else ()),
        *(each for each in of_the_body if not any(issubclass(own, each) for own in operation.refusals)),
        *(_WITH_A_PATH_PARAMETER if route.parameters else ()),
        *(_WITH_THE_DATABASE if getattr(route.handler, "needs_database", False) else ()),
        *_EVERYWHERE,
    ]
    return list(dict.fromkeys(refusals))


def error_examples(refusals: Iterable[Refusal]) -> dict[str, Any]:
    """An example of each refusal in both languages, by the names that `example_names` gives."""
    examples: dict[str, Any] = {}
    for refusal in sorted(set(refusals), key=lambda each: each.__name__):
        for name, hint, language in zip(
            example_names(refusal), (refusal.hint.zh, refusal.hint.en), ("中文", "English"), strict=True
        ):
            value = {
                "error": refusal.code,
                "error_description": refusal.description,
                "hint": hint,
                "request_id": "5f0c1e9ad8b7426e",
            }
            examples[name] = {"summary": f"{refusal.code}, {language}", "value": value}
    return examples


def example_names(refusal: Refusal) -> tuple[str, str]:
    """The names of its examples: Chinese and English. By the class, since one code may have hints for several cases."""
    return f"{refusal.__name__}.zh", f"{refusal.__name__}.en"
