"""Read a request's body: JSON or form-encoded, strictly, into a typed model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.message import Message
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from passport.errors import InvalidRequest, UnsupportedMediaType

BODY_LIMIT = 64 * 1024
_DEEPEST = 16
_MOST_FIELDS = 64
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"

Fields = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)


def parse_body(body: bytes, content_types: Sequence[str]) -> Fields:
    """The body's fields, by its Content-Type; without one, or for a form that is plainly JSON, by its first character.

    Raises:
        InvalidRequest: it is not what it says it is, or names a field twice.
        UnsupportedMediaType: neither JSON nor a form, or not in UTF-8.
    """
    media_type = _media_type(content_types)
    # `curl -d '{…}'` and many HTTP libraries label JSON as a form; no form begins with a brace.
    if media_type == _JSON or body.lstrip()[:1] == b"{":
        return parse_json(body)
    return parse_form(body)


def _media_type(content_types: Sequence[str]) -> str:
    if not content_types:
        return _FORM
    message = Message()
    message["Content-Type"] = content_types[0]
    media_type, charset = message.get_content_type(), str(message.get_param("charset", "utf-8")).lower()
    if len(content_types) > 1 or media_type not in (_JSON, _FORM) or charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    return media_type


def parse_json(body: bytes) -> Fields:
    """A JSON object in UTF-8: no byte order mark, no NaN, no name twice, no deep nesting (RFC 8259, strictly)."""
    try:
        # Decoded here, because json.loads would guess UTF-16 and UTF-32 from bytes.
        parsed = json.loads(body.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not valid JSON in UTF-8.") from error
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body must be a JSON object.")
    if _is_deeper(parsed, _DEEPEST):
        raise InvalidRequest("The body is nested too deeply.")
    return parsed


def parse_form(body: bytes) -> Fields:
    """application/x-www-form-urlencoded in UTF-8; a parameter given twice is refused (RFC 6749 section 3.2)."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
        return _distinct(pairs)
    except ValueError as error:
        raise InvalidRequest("The body is not a valid form in UTF-8.") from error


def _distinct(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) < len(pairs) or len(pairs) > _MOST_FIELDS:
        raise ValueError("a name twice, or too many")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def validated(model: type[Model], fields: Fields, *, keep_null: bool = False) -> Model:
    """The fields as the model; null counts as absent, and what the model does not name is ignored (RFC 6749, 3.2).

    With `keep_null` the model is told of null.

    Raises:
        InvalidRequest: naming every field at fault.
    """
    try:
        return model.model_validate(
            {name: value for name, value in fields.items() if keep_null or value is not None}
        )
    except ValidationError as error:
        faults = "; ".join(_sentence(fault) for fault in error.errors(include_url=False))
    # Raised out here, or it would carry pydantic's error as its context, and with that, where the collector cannot
    # see, every frame of this request: anybody could fill the memory with malformed fields.
    raise InvalidRequest(f"{faults}.")


def _sentence(fault: Any) -> str:
    name = fault["loc"][0]
    match fault["type"]:
        case "missing":
            return f"{name} is missing"
        case "string_type" | "bytes_type":
            return f"{name} must be a string"
        case "string_too_long":
            return f"{name} is longer than {fault['ctx']['max_length']} characters"
        case "string_too_short":
            return f"{name} is empty"
        case "value_error":
            return f"{name} {fault['ctx']['error']}"
        case _:
            return f"{name} is malformed"
