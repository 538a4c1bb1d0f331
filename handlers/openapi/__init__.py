"""The OpenAPI 3.1 document, made from the URL table and from what each method declares, so that it cannot drift.

The JSON schemas are those of the very models that validate the requests and make the answers.
Source: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from handlers.openapi.components import SECURITY_SCHEMES, headers, parameters_of_query
from handlers.openapi.refusals import error_examples, possible_refusals
from handlers.openapi.responses import responses
from handlers.openapi.routes import Route, routes_of
from handlers.openapi.schemas import Schemas, needs_body, request_content
from handlers.openapi.words import DESCRIPTION, TAGS, TITLE, VERSION, tag_of
from handlers.operations import Caller, operation_of

Document = dict[str, Any]

_SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    "anybody": [],
    "bearer": [{"bearer": []}],
    "resource_server": [{"basic": []}],
}


def openapi_document(rules: Iterable[Any], *, server_url: str) -> Document:
    """The document of these URL rules (tornado.web.URLSpec), for the server at this address."""
    return {**_document(routes_of(rules)), "servers": [{"url": server_url}]}


@lru_cache(maxsize=4)
def _document(routes: tuple[Route, ...]) -> Document:
    schemas = Schemas(operation for route in routes for operation in route.operations.values())
    paths = {route.path: _path_item(route, schemas) for route in routes if route.operations}
    used = {item["tags"][0] for path in paths.values() for item in path.values() if "tags" in item}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "headers": headers(),
            "examples": error_examples(_refusals(routes)),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _refusals(routes: Iterable[Route]) -> list[Any]:
    return [
        refusal
        for route in routes
        for operation in route.operations.values()
        for refusal in possible_refusals(operation, route)
    ]


def _path_item(route: Route, schemas: Schemas) -> dict[str, Any]:
    item: dict[str, Any] = {"parameters": list(route.parameters)} if route.parameters else {}
    for method in route.operations:
        item[method] = _operation_object(route, method, schemas)
    return item


def _operation_object(route: Route, method: str, schemas: Schemas) -> dict[str, Any]:
    declared = operation_of(getattr(route.handler, method))
    assert declared is not None
    shown: dict[str, Any] = {
        "operationId": operation_id(method, route.path),
        "summary": declared.summary,
        "tags": [tag_of(route.path)],
        "security": _SECURITY[declared.caller],
    }
    if declared.query is not None:
        shown["parameters"] = parameters_of_query(schemas.of_query(declared.query))
    content = request_content(declared, schemas)
    if content:
        shown["requestBody"] = {"required": needs_body(declared), "content": content}
    shown["responses"] = responses(declared, route, schemas, with_body=method != "head")
    return shown


def operation_id(method: str, path: str) -> str:
    """`post`, `/oauth/token` → `postOauthToken`; `{id}` → `ById`."""
    words = path.replace("{", "by/").replace(".", "/").replace("-", "/").replace("_", "/").replace("}", "")
    return method + "".join(word.capitalize() for word in words.split("/") if word)
