"""Checks any answer against the OpenAPI document: its status, its `error`, its headers and its body.

The document is made once per run from the URL table, and each schema is compiled once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

import jsonschema_rs

from handlers import make_app

Document = dict[str, Any]

# A handler refuses what it need not read before it looks at the method.
_BEFORE_THE_METHOD = {(413, "payload_too_large"), (429, "slow_down"), (503, "temporarily_unavailable")}


class Undocumented(AssertionError):
    """The answer is not one that the document knows."""


class Contract:
    """What the document says of each path and method."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._document = _closed(document)
        self._paths = [(_pattern(path, item), item) for path, item in document["paths"].items()]
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def check(self, method: str, target: str, status: int, headers: Mapping[str, str], body: object) -> None:
        """Raise Undocumented unless the document has this answer to this request.

        Args:
            method: of the request.
            target: its path, perhaps with a query.
            status: of the answer.
            headers: of the answer.
            body: of the answer, parsed; None when there is none.
        """
        item = self._item(target.partition("?")[0])
        if item is None or method.lower() not in item:
            expected = (404, "not_found") if item is None else (405, "method_not_allowed")
            error = body.get("error") if isinstance(body, Mapping) else None
            if (status, error) not in {
                expected,
                (413, "payload_too_large"),
                (503, "temporarily_unavailable"),
            }:
                raise Undocumented(f"{method} {target}: {status} {body}, but no such operation is documented")
            self._check_schema("RefusalAnswer", {"$ref": "#/components/schemas/RefusalAnswer"}, body)
            return
        where = f"{method} {target}: {status}"
        response = item[method.lower()]["responses"].get(str(status))
        if response is None:
            raise Undocumented(f"{where} {body}: this status is not documented")
        self._check_headers(where, response, headers)
        media_type = headers.get("Content-Type", "").partition(";")[0]
        content = response.get("content", {})
        if body is not None and media_type not in content:
            raise Undocumented(f"{where}: {media_type} is not documented")
        if "schema" in content.get(media_type, {}):
            name = f"{item[method.lower()]['operationId']} {status} {media_type}"
            self._check_schema(name, content[media_type]["schema"], body)

    def _item(self, path: str) -> Document | None:
        return next((item for pattern, item in self._paths if pattern.fullmatch(path)), None)

    def _check_headers(self, where: str, response: Document, headers: Mapping[str, str]) -> None:
        for name in ("Retry-After", "WWW-Authenticate"):
            if name in headers and name not in response["headers"]:
                raise Undocumented(f"{where}: the header {name} is not documented")

    def _check_schema(self, name: str, schema: Document, body: object) -> None:
        if name not in self._validators:
            within = {**schema, "unevaluatedProperties": False, "components": self._document["components"]}
            self._validators[name] = jsonschema_rs.validator_for(within, validate_formats=True)
        faults = [
            f"{error.instance_path}: {error.message}" for error in self._validators[name].iter_errors(body)
        ]
        if faults:
            raise Undocumented(f"{name}: {faults}")


def _closed(document: Document) -> Document:
    """Where a nested object of an answer names its members, no other may come."""
    schemas = {
        name: {**schema, "properties": {each: _leaf(value) for each, value in schema["properties"].items()}}
        if "properties" in schema
        else schema
        for name, schema in document["components"]["schemas"].items()
    }
    return {**document, "components": {**document["components"], "schemas": schemas}}


def _leaf(schema: Document) -> Document:
    if "$ref" in schema:
        return {**schema, "unevaluatedProperties": False}
    if "items" in schema:
        return {**schema, "items": _leaf(schema["items"])}
    return schema


def _pattern(path: str, item: Document) -> re.Pattern[str]:
    patterns = {each["name"]: each["schema"]["pattern"][1:-1] for each in item.get("parameters", [])}
    pieces = re.split(r"\{(\w+)\}", path)
    return re.compile(
        "".join(patterns[piece] if number % 2 else re.escape(piece) for number, piece in enumerate(pieces))
    )


@cache
def contract() -> Contract:
    """The contract of this run."""
    services: Any = SimpleNamespace(settings=SimpleNamespace(server=SimpleNamespace(public_url=None)))
    return Contract(make_app(services).settings["openapi"]())
