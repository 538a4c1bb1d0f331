"""Declare what a method takes and answers: its request is validated by that, and /openapi.json shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from inspect import isawaitable
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from passport.clock import rfc3339
from passport.errors import PassportError, SlowDown
from passport.limits import Group

Method = TypeVar("Method", bound=Callable[..., Any])
Caller = Literal["anybody", "bearer", "resource_server"]
_LIMITS: dict[Caller, Group] = {"bearer": "bearer", "resource_server": "introspect"}

# A time on the wire.
Moment = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Answer(BaseModel):
    """The body of a success. Members that are None are left out."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


@dataclass(frozen=True)
class Operation:
    """One method of one endpoint.

    Args:
        summary: a sentence for the documentation.
        answers: the body of each success by its status; None where there is no body, or none of ours (an image).
        bodies: what the request must be: one model, or one of several; none when it has no body.
        refusals: what it may refuse beside what every operation may (see handlers.openapi.refusals).
        caller: who may call it.
        limit: which limits count it (passport.limits).
        query: what the query must be; for the document alone.
        consumes: the JSON schema of a body by its media type, where it is not one of `bodies` in JSON or as a form.
        produces: the media types by the status of an answer that is no JSON of ours, such as an image.
    """

    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    bodies: tuple[type[BaseModel], ...]
    refusals: tuple[type[PassportError], ...]
    caller: Caller
    limit: Group | None
    query: type[BaseModel] | None = None
    consumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    produces: Mapping[int, str] = field(default_factory=dict)


def operation(
    summary: str,
    *,
    answers: type[BaseModel] | Mapping[int, type[BaseModel] | None],
    body: type[BaseModel] | tuple[type[BaseModel], ...] = (),
    refusals: tuple[type[PassportError], ...] = (),
    caller: Caller = "anybody",
    limit: Group | None = None,
    query: type[BaseModel] | None = None,
    consumes: Mapping[str, Mapping[str, Any]] | None = None,
    produces: Mapping[int, str] | None = None,
) -> Callable[[Method], Method]:
    """Declare a verb method: `@operation("Sign in.", body=TokenBody, answers=TokenAnswer, refusals=(CodeUsed,))`.

    A lone answer means status 200. What a bearer or a resource server may call is limited as such unless `limit` says
    otherwise; the method is entered when its limits by address and for everybody admit it.
    """
    by_status = {HTTPStatus.OK.value: answers} if isinstance(answers, type) else dict(answers)
    bodies = body if isinstance(body, tuple) else (body,)
    group = limit or _LIMITS.get(caller)
    refused = refusals if group is None or SlowDown in refusals else (*refusals, SlowDown)
    declared = Operation(
        summary,
        by_status,
        bodies,
        refused,
        caller,
        group,
        query=query,
        consumes=consumes or {},
        produces=produces or {},
    )

    def declare(method: Method) -> Method:
        entered = method if group is None else _limited(method, group)
        entered.operation = declared  # type: ignore[attr-defined]  # a function takes attributes
        return entered

    return declare


def _limited(method: Method, group: Group) -> Method:
    # Not in prepare(): refusing before the body is read would cost the client its connection, and maybe the answer.
    @wraps(method)
    async def entered(handler: Any, *arguments: Any, **named: Any) -> None:
        await handler.services.limits.admit(group, ip=handler.ip)
        answer = method(handler, *arguments, **named)
        if isawaitable(answer):
            await answer

    return cast(Method, entered)


def operation_of(method: object) -> Operation | None:
    """What was declared; None for a method that is no documented operation."""
    declared = getattr(method, "operation", None)
    return declared if isinstance(declared, Operation) else None
