"""Read a request's body: JSON or form-encoded, strictly, into a typed model."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from passport.errors import InvalidRequest, UnsupportedMediaType
from passport.strict_json import MOST_MEMBERS, distinct, parse_object

BODY_LIMIT = 64 * 1024
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
    media_type, charset = _parsed(content_types[0])
    if len(content_types) > 1 or media_type not in (_JSON, _FORM) or charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType
    return media_type


# A handful of values come from all clients together.
@lru_cache(maxsize=64)
def _parsed(content_type: str) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_type(), str(message.get_param("charset", "utf-8")).lower()


def parse_json(body: bytes) -> Fields:
    """A JSON object, read as `passport.strict_json` does."""
    try:
        return parse_object(body)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def parse_form(body: bytes) -> Fields:
    """application/x-www-form-urlencoded in UTF-8; a parameter given twice is refused (RFC 6749 section 3.2)."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_MEMBERS
        )
        return distinct(pairs)
    except ValueError as error:
        raise InvalidRequest("The body is not a valid form in UTF-8.") from error


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
