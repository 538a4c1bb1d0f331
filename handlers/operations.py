"""Declare what a method takes and answers: its request is validated by that, and /openapi.json shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from passport.clock import rfc3339
from passport.errors import PassportError

Method = TypeVar("Method", bound=Callable[..., Any])
Caller = Literal["anybody", "bearer", "resource_server"]

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
        body: what the request must be; None when it has no body.
        refusals: what it may refuse beside what every operation may (see handlers.openapi.refusals).
        caller: who may call it.
        query: what the query must be; for the document alone.
        consumes: the JSON schema of a body by its media type, where it is not `body` in JSON or as a form.
        produces: the media types by the status of an answer that is no JSON of ours, such as an image.
    """

    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    body: type[BaseModel] | None
    refusals: tuple[type[PassportError], ...]
    caller: Caller
    query: type[BaseModel] | None = None
    consumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    produces: Mapping[int, str] = field(default_factory=dict)


def operation(
    summary: str,
    *,
    answers: type[BaseModel] | Mapping[int, type[BaseModel] | None],
    body: type[BaseModel] | None = None,
    refusals: tuple[type[PassportError], ...] = (),
    caller: Caller = "anybody",
    query: type[BaseModel] | None = None,
    consumes: Mapping[str, Mapping[str, Any]] | None = None,
    produces: Mapping[int, str] | None = None,
) -> Callable[[Method], Method]:
    """Declare a verb method: `@operation("Sign in.", body=TokenBody, answers=TokenAnswer, refusals=(CodeUsed,))`.

    A lone answer means status 200.
    """
    by_status = {HTTPStatus.OK.value: answers} if isinstance(answers, type) else dict(answers)
    declared = Operation(
        summary,
        by_status,
        body,
        refusals,
        caller,
        query=query,
        consumes=consumes or {},
        produces=produces or {},
    )

    def declare(method: Method) -> Method:
        method.operation = declared  # type: ignore[attr-defined]  # a function takes attributes
        return method

    return declare


def operation_of(method: object) -> Operation | None:
    """What was declared; None for a method that is no documented operation."""
    declared = getattr(method, "operation", None)
    return declared if isinstance(declared, Operation) else None
