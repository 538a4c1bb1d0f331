"""The answers of an operation by status: its successes, and its refusals with `error` enumerated."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from handlers.openapi.refusals import Refusal, RefusalAnswer, example_names, possible_refusals
from handlers.openapi.routes import Route
from handlers.openapi.schemas import JSON, Schema, Schemas
from handlers.operations import Operation

# Where an answer may say how long to wait: a limit, WeChat's refusal of the server, a service that is away.
_MAY_WAIT = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_NO_CONTENT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def responses(operation: Operation, route: Route, schemas: Schemas, *, with_body: bool) -> dict[str, Any]:
    """The `responses` object; without bodies for HEAD."""
    refusals = possible_refusals(operation, route)
    statuses = sorted({*operation.answers, *(refusal.status for refusal in refusals)})
    return {
        str(status): _response(
            status, operation, [each for each in refusals if each.status == status], schemas, with_body
        )
        for status in statuses
    }


def _response(
    status: int, operation: Operation, refusals: list[Refusal], schemas: Schemas, with_body: bool
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": _description(status, refusals),
        "headers": _headers(status, refusals),
    }
    content: dict[str, Any] = {}
    if status in operation.answers and status not in _NO_CONTENT:
        content = _success(status, operation, schemas)
    if refusals:
        content[JSON] = _refused(refusals, schemas, content.get(JSON))
    if content and with_body:
        shown["content"] = content
    return shown


def _success(status: int, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    model, media_type = operation.answers[status], operation.produces.get(status)
    if model is not None:
        return {media_type or JSON: {"schema": schemas.of_answer(model)}}
    if media_type is None:
        return {}
    return {
        media_type: {"schema": {"type": "object", "additionalProperties": True}} if media_type == JSON else {}
    }


def _refused(refusals: list[Refusal], schemas: Schemas, success: Any) -> dict[str, Any]:
    codes: Schema = {"properties": {"error": {"enum": list(dict.fromkeys(each.code for each in refusals))}}}
    schema: Schema = {"allOf": [schemas.of_answer(RefusalAnswer), codes]}
    names = [name for refusal in refusals for name in example_names(refusal)]
    return {
        "schema": {"anyOf": [success["schema"], schema]} if success else schema,
        "examples": {name: {"$ref": f"#/components/examples/{name}"} for name in names},
    }


def _description(status: int, refusals: list[Refusal]) -> str:
    if refusals:
        return "\n\n".join(f"`{each.code}`: {each.description}" for each in refusals)
    return HTTPStatus(status).phrase


def _headers(status: int, refusals: list[Refusal]) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status in _MAY_WAIT:
        names.append("Retry-After")
    names += sorted({name for refusal in refusals for name in refusal.headers})
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
